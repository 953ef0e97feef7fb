"""The picture of one rule that runs on five machines, with the bits that it gives on all of them.

``python docs/builder/machines.py`` writes docs/images/machines.svg. A test draws it again, and
compares the bits with those of compiled C and of an OpenCL device.
"""

from __future__ import annotations

import inspect
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from weightopt_core import update_rule

PICTURE = Path(__file__).parents[1] / "images" / "machines.svg"
STEPS = 100
NUMBERS = {"lr": 0.1, "momentum": 0.9}


@update_rule
def descent(weight, grad, mom, *, lr, momentum):  # type: ignore[no-untyped-def]
    """Return the new weight and momentum."""
    mom = momentum * mom - lr * grad
    return weight + mom, mom


def trained(step: Any, zeros: Any, weight: Any) -> Any:
    """Return a weight after some steps towards 0; `step` takes and returns weight and state."""
    mom = zeros
    for _ in range(STEPS):
        weight, mom = step(weight, weight, mom)
    return weight


def begin() -> Any:
    """Return the weight before the first step."""
    return np.array([1.0, -0.3], np.float32)


def bits() -> list[str]:
    """Return the bits of the weight after the steps on NumPy, as hexadecimal digits."""
    weight = trained(lambda *arrays: descent(*arrays, **NUMBERS), np.zeros(2, np.float32), begin())
    return [f"{word:08x}" for word in weight.view(np.uint32)]


MACHINES = (
    ("NumPy", "the function as it stands"),
    ("C", "vector instructions, all processors"),
    ("OpenCL", "devices of any vendor"),
    ("torch", "tensors, on processors and GPUs"),
    ("JAX", "arrays, one operation at a time"),
)
STYLE = """
    text { font: 15px sans-serif; fill: #24292f }
    .page { fill: #ffffff; stroke: #d0d7de }
    .code { fill: #1f2937 }
    .mono { font-family: monospace; font-size: 14px; white-space: pre }
    .light { fill: #e5e7eb }
    .name { font-weight: bold; font-size: 16px }
    .what { font-size: 13px; fill: #57606a }
    .tree { fill: #dbeafe; stroke: #1d4ed8 }
    .row { fill: #f6f8fa; stroke: #d0d7de }
    .bits { fill: #166534; font-weight: bold }
    .line { fill: none; stroke: #1d4ed8; stroke-width: 2 }
"""


def drawn() -> str:
    """Return the picture as SVG."""
    found = "  ".join(bits())
    lines = inspect.getsource(descent.function).split("\n")
    code = [line.partition("  #")[0] for line in lines if '"""' not in line and line]
    parts = [_rect("code", 16, 16, 448, 22 + 21 * len(code))]
    for i, line in enumerate(code):
        parts.append(_text("mono light", 28, 44 + 21 * i, line))
    top = 60 + 21 * len(code)
    parts += [_path(f"M240 {top - 22} V{top}"), _rect("tree", 96, top, 288, 34)]
    parts.append(_text("", 240, top + 22, "one checked tree of expressions", "middle"))
    spine, rows = top + 34, top + 56
    parts.append(_path(f"M240 {spine} V{spine + 11} H30 V{rows + 62 * 4 + 25}"))
    for i, (name, what) in enumerate(MACHINES):
        y = rows + 62 * i
        parts += [_path(f"M30 {y + 25} H44"), _rect("row", 44, y, 420, 52)]
        parts += [_text("name", 58, y + 22, name), _text("what", 58, y + 42, what)]
        parts.append(_text("mono bits", 452, y + 24, found, "end"))
    last = rows + 62 * len(MACHINES)
    about = f"two weights in float32 after {STEPS} steps: the same bits"
    parts.append(_text("what", 452, last + 10, about, "end"))
    height = last + 28
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 {height}" role="img" '
    head += 'aria-labelledby="what">\n  <title id="what">One rule, one tree of expressions, and '
    head += f"five machines that give the same bits</title>\n  <style>{STYLE}  </style>\n"
    page = f'  <rect class="page" x="1" y="1" width="478" height="{height - 2}" rx="12"/>\n'
    return head + page + "".join(f"  {part}\n" for part in parts) + "</svg>\n"


def _rect(kind: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>'


def _text(kind: str, x: int, y: int, text: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _path(way: str) -> str:
    return f'<path class="line" d="{way}"/>'


if __name__ == "__main__":
    PICTURE.write_text(drawn(), "utf-8")
