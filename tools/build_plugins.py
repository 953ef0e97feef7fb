"""Build plugins, all from one process, and install them as they stand here: editable.

Usage: ``python tools/build_plugins.py [--wheels FOLDER] NAME ...``; names are those of folders:
``adam``. The process loads the build tools, and makes a wheel of each plugin in a child of its own,
which has them loaded from the start. Then one call of pip installs the wheels. With ``--wheels``
they are not editable, and left in a folder instead.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import Cython.Build  # noqa: F401, for the children
from setuptools import build_meta

import weightopt_core.build  # noqa: F401, for the children
from weightopt_core.compiler import lack

PLUGINS = Path(__file__).resolve().parent.parent / "plugins"
#: The version is the one that is installed, and all that plugins need is the core.
INSTALL = ["install", "--force-reinstall", "--no-deps", "--no-index", "--no-compile"]


def build(name: str, folder: str, editable: bool) -> tuple[str, str]:
    """Make the wheel of a plugin; return its path, or what was printed until that failed."""
    os.chdir(PLUGINS / name)
    make = build_meta.build_editable if editable else build_meta.build_wheel
    with tempfile.TemporaryFile("w+") as log:
        for stream in (1, 2):  # also of compilers
            os.dup2(log.fileno(), stream)
        try:
            return os.path.join(folder, make(folder)), ""
        except (Exception, SystemExit) as error:
            sys.stdout.flush()
            log.seek(0)
            return "", f"{log.read()}{name}: {type(error).__name__}: {error}"


def wheels(names: list[str], folder: str, editable: bool) -> list[str]:
    """Make the wheel of each plugin; return their paths, or end with what failed."""
    given = [(name, folder, editable) for name in names]
    lack()  # found once for all children
    # A child for each, because their setup.py import modules and look at the present folder.
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        made = pool.starmap(build, given, chunksize=1)
    if any(error for _, error in made):
        sys.exit("\n".join(error for _, error in made if error))
    return [path for path, _ in made]


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="Build plugins, and install them as they stand.")
    parser.add_argument("--wheels", metavar="FOLDER", help="leave wheels there instead")
    parser.add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args()
    if given.wheels:
        wheels(given.names, os.path.abspath(given.wheels), editable=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = wheels(given.names, folder, editable=True)
        subprocess.run([sys.executable, "-m", "pip", "--quiet", *INSTALL, *made], check=True)


if __name__ == "__main__":
    main()
