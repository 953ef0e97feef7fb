"""The compiled part of the core; everything else about the package is in pyproject.toml."""

import os
import runpy
import sys
from glob import glob

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

PACKAGE = "weightopt_core"
#: Where Cython modules and C stand.
FOLDERS = [f"{PACKAGE}/{name}" for name in ("engine", "kernels", "ctext")]
#: The C files of Cython modules that have some beside them.
C_FILES = {"parallel": ["pool.c"]}
#: What Cython writes into each module that takes typed memoryviews is most of such a module: here
#: it stands once for all of them.
SHARED = f"{PACKAGE}.kernels.memoryviews"
# In an sdist, Cython's output takes the place of the .pyx that it comes from, unless named here.
DEPENDS = sorted(
    path for folder in FOLDERS for path in glob(f"{folder}/*.p[xy][dx]") + glob(f"{folder}/*.h")
)
DIRECTIVES = {"boundscheck": False, "wraparound": False, "cdivision": True, "language_level": 3}

POSIX = sys.platform != "win32"
# In every file, whether it includes it or not: none may be compiled inexactly.
EXACT = f"{PACKAGE}/ctext/exact.h"


def extension(path):
    """Return the extension module of one file, Cython or C."""
    folder, name = os.path.split(os.path.splitext(path)[0])
    return Extension(
        f"{folder}/{name}".replace("/", "."),
        [path, *(f"{folder}/{source}" for source in C_FILES.get(name, []))],
        include_dirs=[*FOLDERS, np.get_include()],
        depends=[*DEPENDS, "setup.py", f"{PACKAGE}/flags.py"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_link_args=["-pthread"] if POSIX else [],
    )


def main():
    """Build what the command line asks for, on all processors."""
    flags = runpy.run_path(f"{PACKAGE}/flags.py")
    paths = [path for folder in FOLDERS for path in sorted(glob(f"{folder}/*.pyx"))]
    jobs = os.cpu_count() or 1
    extensions = cythonize(
        [extension(path) for path in [f"{SHARED.replace('.', '/')}.c", *paths]],
        compiler_directives=DIRECTIVES,
        nthreads=jobs,
        shared_utility_qualified_name=SHARED,
    )
    command = type("build_ext", (flags["BuildExact"],), {"included": EXACT})
    setup(
        ext_modules=extensions,
        cmdclass={"build_ext": command},
        options={"build_ext": {"parallel": jobs}},
    )


# Processes that Cython starts import this file.
if __name__ == "__main__":
    main()
