"""The compiled part of the core; everything else about the package is in pyproject.toml."""

import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = {"elementwise": ["pool.c"]}
COMPILE_ARGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
DIRECTIVES = {"boundscheck": False, "wraparound": False, "cdivision": True, "language_level": 3}

posix = sys.platform != "win32"
setup(
    ext_modules=cythonize(
        [
            Extension(
                f"weightopt_core.kernels.{name}",
                [f"weightopt_core/kernels/{source}" for source in [f"{name}.pyx", *sources]],
                include_dirs=["weightopt_core/kernels"],
                depends=["weightopt_core/kernels/pool.h"],
                extra_compile_args=COMPILE_ARGS if posix else [],
                extra_link_args=["-pthread"] if posix else [],
            )
            for name, sources in KERNELS.items()
        ],
        compiler_directives=DIRECTIVES,
    )
)
