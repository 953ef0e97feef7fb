"""The functions of rules as compiled: on special values, the bits of those on NumPy."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from weightopt_core import ctext, rule
from weightopt_core.flags import COMPILE_ARGS
from weightopt_core.testing.arrays import SPECIAL, same_bits

CC = shutil.which("cc")
NAMES = {"clip": 2, "maximum": 2, "minimum": 2, "sqrt": 1, "abs": 1, "square": 1, "sign": 1}
KINDS = {"float32": ("float", "f"), "float64": ("double", "")}
LOOP = """
void all_{name}(const REAL *x, const REAL *y, REAL *out, int count)
{{
    for (int i = 0; i < count; ++i)
        out[i] = FN({name})(x[i]{second});
}}
"""
OF_NUMPY = {"abs": np.abs, "square": np.square}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Return the functions by dtype and name, over whole arrays."""
    if CC is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("preamble")
    found = {}
    for dtype, (real, suffix) in KINDS.items():
        loops = "".join(
            LOOP.format(name=name, second=", y[i]" if count == 2 else "")
            for name, count in NAMES.items()
        )
        head = f"#include <math.h>\n#define REAL {real}\n#define FN(name) name##_{dtype}\n"
        head += f"#define SQRT sqrt{suffix}\n#define FABS fabs{suffix}\n"
        source, library = folder / f"{dtype}.c", folder / f"{dtype}.so"
        source.write_text(head + ctext.text("preamble.h") + loops)
        options = [*COMPILE_ARGS, "-shared", "-fPIC"]
        subprocess.run([CC, *options, source, "-o", library, "-lm"], check=True)
        loaded = ctypes.CDLL(str(library))
        found |= {(dtype, name): getattr(loaded, f"all_{name}") for name in NAMES}
    return found


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_special_values(name, dtype, compiled):
    x, y = (part.ravel().astype(dtype) for part in np.meshgrid(SPECIAL, SPECIAL))
    if name == "clip":
        x, y = x[y > 0], y[y > 0]
    out = np.full_like(x, 7)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, y, out)]
    compiled[dtype, name](*pointers, x.size)
    given = (x, y) if NAMES[name] == 2 else (x,)
    with np.errstate(all="ignore"):
        if name == "clip":
            parts = [rule.clip(x[i : i + 1], float(y[i])) for i in range(x.size)]
            expected = np.concatenate(parts)
        else:
            function = OF_NUMPY.get(name) or getattr(rule, name)
            expected = np.asarray(function(*given), dtype)
    assert same_bits(out, expected)
