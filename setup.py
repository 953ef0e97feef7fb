"""The compiled part of the core; everything else about the package is in pyproject.toml."""

import os
import runpy
import sys
from glob import glob

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

FOLDER = "weightopt_core/kernels"
#: The C files beside each Cython module.
KERNELS = {
    "parallel": ["pool.c"],
    "random": [],
    "elementwise": [],
    "bound": [],
    "calls": [],
    "counts": [],
    "constants": [],
    "fields": [],
    "known": [],
    "plan": [],
    "norm": [],
    "measure": [],
    "objects": [],
    "launching": [],
}
# In an sdist, Cython's output takes the place of the .pyx that it comes from, unless named here.
DEPENDS = sorted(glob(f"{FOLDER}/*.p[xy][dx]") + glob(f"{FOLDER}/*.h"))
DIRECTIVES = {"boundscheck": False, "wraparound": False, "cdivision": True, "language_level": 3}

POSIX = sys.platform != "win32"
# In every file, whether it includes it or not: none may be compiled inexactly.
EXACT = ["-include", f"{FOLDER}/exact.h"] if POSIX else [f"/FI{FOLDER}/exact.h"]


def main():
    """Build what the command line asks for, on all processors."""
    flags = runpy.run_path("weightopt_core/flags.py")
    extensions = [
        Extension(
            f"weightopt_core.kernels.{name}",
            [f"{FOLDER}/{source}" for source in [f"{name}.pyx", *sources]],
            include_dirs=[FOLDER, np.get_include()],
            depends=[*DEPENDS, "setup.py", "weightopt_core/flags.py"],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            extra_compile_args=[*EXACT, *flags["COMPILE_ARGS"]],
            extra_link_args=[*(["-pthread"] if POSIX else []), *flags["LINK_ARGS"]],
        )
        for name, sources in KERNELS.items()
    ]
    jobs = os.cpu_count() or 1
    setup(
        ext_modules=cythonize(extensions, compiler_directives=DIRECTIVES, nthreads=jobs),
        options={"build_ext": {"parallel": jobs}},
    )


# Processes that Cython starts import this file.
if __name__ == "__main__":
    main()
