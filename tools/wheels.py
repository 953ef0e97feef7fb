"""Build by cibuildwheel, from the sdists in ``dist``, the wheels of whatever machine this is.

Usage: ``python tools/wheels.py [NAME ...]``; by default of all that is compiled, the core first,
because plugins are built by it. The core has a wheel for each Python; of a plugin, one serves all.
"""

import os
import subprocess
import sys

import projects
import release

DIST = release.DIST
#: In containers, cibuildwheel shows the files of the machine under this folder.
INSIDE = "/host" if sys.platform == "linux" else ""
COMMON = {
    "CIBW_ARCHS": "auto64",
    "CIBW_ENVIRONMENT": f'PIP_FIND_LINKS="{INSIDE}{DIST.as_posix()}"',
    "CIBW_TEST_COMMAND": "weightopt list",
}
#: Python without its global lock is left out: docs/releasing.md says why.
CORE = {"CIBW_BUILD": "cp*", "CIBW_SKIP": "cp3??t-*", "CIBW_TEST_EXTRAS": "cli"}
PLUGIN = {"CIBW_BUILD": "cp310-*", "CIBW_TEST_REQUIRES": "weightopt-core[cli]"}


def main(*names: str) -> None:
    """Build the wheels of the projects called `names`, or of all."""
    folders = projects.folders()
    for name in names or [name for name in folders if projects.is_compiled(folders[name])]:
        distribution = projects.declared(folders[name])["name"].replace("-", "_")
        sdist = DIST / f"{distribution}-{release.version()}.tar.gz"
        options = COMMON | (CORE if name == "core" else PLUGIN)
        command = [sys.executable, "-m", "cibuildwheel", "--output-dir", DIST, sdist]
        print(f"building {name}", flush=True)
        subprocess.run(command, check=True, env=os.environ | options)


if __name__ == "__main__":
    main(*sys.argv[1:])
