"""C text that plugins, the core and OpenCL C share: each function is written once for all.

What compiled rules and the core agree on stands in ``abi.h`` alone, and how states in 8 bits lie in
``quantized.h``; both are read from there.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def text(name: str) -> str:
    """Return the text of one of the headers in this folder."""
    return (FOLDER / name).read_text("utf-8")


_DEFINED = dict(re.findall(r"#define WEIGHTOPT_(\w+) (\S+)", text("abi.h")))
ABI = int(_DEFINED["ABI"])
MAX_ARRAYS = int(_DEFINED["MAX_ARRAYS"])
MAX_REDUCTIONS = int(_DEFINED["MAX_REDUCTIONS"])


_QUANTIZED = dict(re.findall(r"#define QUANTIZED_(\w+) (\d+)", text("quantized.h")))
#: Elements of a block of a state in 8 bits, and bytes of its scale.
QUANTIZED_BLOCK = int(_QUANTIZED["BLOCK"])
QUANTIZED_SCALE = int(_QUANTIZED["SCALE"])


def capsule_name(kind: str, dtype: str) -> str:
    """Return the name of the capsule that holds the function of a kind for a storage type."""
    return _DEFINED["CAPSULE"].strip('"').format(kind=kind, dtype=dtype, abi=ABI)
