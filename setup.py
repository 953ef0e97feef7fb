"""The compiled part of the core; everything else about the package is in pyproject.toml."""

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
}
# In an sdist, Cython's output takes the place of the .pyx that it comes from, unless named here.
DEPENDS = sorted(glob(f"{FOLDER}/*.p[xy][dx]") + glob(f"{FOLDER}/*.h"))
COMPILE_ARGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
DIRECTIVES = {"boundscheck": False, "wraparound": False, "cdivision": True, "language_level": 3}

posix = sys.platform != "win32"
setup(
    ext_modules=cythonize(
        [
            Extension(
                f"weightopt_core.kernels.{name}",
                [f"{FOLDER}/{source}" for source in [f"{name}.pyx", *sources]],
                include_dirs=[FOLDER, np.get_include()],
                depends=DEPENDS,
                define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
                extra_compile_args=COMPILE_ARGS if posix else [],
                extra_link_args=["-pthread"] if posix else [],
            )
            for name, sources in KERNELS.items()
        ],
        compiler_directives=DIRECTIVES,
    )
)
