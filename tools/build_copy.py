"""Build a copy of the repository otherwise, and run a command in it; what stands here stays.

Usage: ``CC=clang CFLAGS=-g python tools/build_copy.py FOLDER COMMAND ...``. Everything that is
compiled is compiled in the copy, by the compiler and with the options that the environment names.
The command finds the copy's packages before those that are installed, so that whatever imports
them tests the copy: ``python tools/build_copy.py /tmp/copy python -m pytest``. In the variable
PLUGINS are the names of the plugins to compile, by default all.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
#: By it the copy is no package that is installed elsewhere: no warnings of setuptools about that.
QUIET = {"PYTHONWARNINGS": "ignore"}


def copy(folder: Path) -> None:
    """Copy what git knows, so that nothing that was built before is picked up."""
    shutil.rmtree(folder, ignore_errors=True)
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), names.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)


def build(folder: Path) -> None:
    """Compile the core and the plugins, these by the core that the environment has."""
    wanted = os.environ.get("PLUGINS", "").split()
    plugins = sorted(path.parent for path in folder.glob("plugins/*/setup.py"))
    folders = [folder, *(path for path in plugins if not wanted or path.name in wanted)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = list(pool.map(lambda at: _run(BUILD, at, QUIET), folders))
    if any(codes):
        sys.exit(f"not built: {', '.join(path.name for path, code in zip(folders, codes) if code)}")


def packages(folder: Path) -> str:
    """Return where Python finds all packages of the copy."""
    return os.pathsep.join(map(str, [folder, *sorted(folder.glob("plugins/*"))]))


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> int:
    return subprocess.run(command, cwd=folder, env=os.environ | variables, check=False).returncode


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    copy(target)
    build(target)
    sys.exit(_run(sys.argv[2:], target, {"PYTHONPATH": packages(target)}))
