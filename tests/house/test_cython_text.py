"""What Cython makes of the core's modules."""

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "weightopt_core"
WRITTEN = [path for path in CORE.rglob("*.c") if path.with_suffix(".pyx").exists()]


@pytest.mark.skipif(not WRITTEN, reason="compiled elsewhere")
def test_nothing_is_let_go_twice():
    """Cython 3.3 lets go twice of a new object that a list has no memory for.

    So it does in list comprehensions and in displays with a star, but not in `append`. Where it
    does, its text calls a function that takes the reference, and drops it on failure as well.
    """
    place = re.compile(r'^ *\/\* "(\S+)":(\d+)$|^ *if .*\b__Pyx_ListComp_AppendAndDecref\(', re.M)
    found = set()
    for path in WRITTEN:
        at = None
        for match in place.finditer(path.read_text("utf-8")):
            if match[1]:
                at = match[1], int(match[2])
            elif at[0] != "View.MemoryView":  # Cython's own, for properties that are not used
                found.add(at)
    assert not found, "append to a list there: a comprehension, or a display with a star"
