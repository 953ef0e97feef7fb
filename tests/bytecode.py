"""Packages as bytecode without source, and what their optimizers give."""

import compileall
import shutil

#: Prints the bits of three steps of each optimizer in a package, and where its module lies.
STEPS = """
import hashlib, sys, numpy as np, weightopt_core as wo
from weightopt_core.testing.arrays import wild
from weightopt_core.testing.subject import Subject
wo.random.seed(1)
for name in {names}:
    cls = wo.optimizer.registry.find(name)
    for given in Subject(cls).settings():
        digest = hashlib.sha256()
        for dtype in ("float16", "float32", "float64"):
            rng = np.random.default_rng(5)
            optimizer = cls(**given)
            weight = wild(rng, 300, np.dtype(dtype))
            state = optimizer.create_state(0, weight)
            for _ in range(3):
                optimizer.update(0, weight, wild(rng, 300, weight.dtype), state)
            # Which NaN it is depends on which operand comes first, and that is the compiler's.
            weight[np.isnan(weight)] = np.nan
            digest.update(weight.tobytes())
        file = sys.modules[cls.__module__].__file__
        suffix = file.rpartition(".")[2]
        print(name, given, optimizer.rule.compiled.reason or "compiled", digest.hexdigest())
        print(suffix, file, file=sys.stderr)
print(wo.__file__.rpartition(".")[2], wo.__file__, file=sys.stderr)
"""


def without_source(package, folder, optimize=0):
    """Copy a package into `folder`, compile it there, and remove its source."""
    ignored = shutil.ignore_patterns("__pycache__", "*.c")
    copy = shutil.copytree(package, folder / package.name, ignore=ignored)
    strip(copy, optimize)
    return copy


def strip(package, optimize=0):
    """Compile a package where it is, and remove its source."""
    # In two places at once Python would look for both.
    assert compileall.compile_dir(package, quiet=1, legacy=True, optimize=optimize, force=True)
    for source in package.rglob("*.py"):
        source.unlink()
