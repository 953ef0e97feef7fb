"""OpenCL C text of programs over one array: random fills, and casts between storage types."""

from __future__ import annotations

from ..traits import Traits
from .heads import header, random_text
from .templates import CAST, FILL, STORAGE


def fill_text(kind: str, storage: str, traits: Traits, dtype: str) -> str:
    """Return the program that fills with random numbers; `kind` is uniform or normal."""
    form = STORAGE[storage]
    store = form.store.format(p="out", value="value")
    text = FILL.format(type=form.type, kind=kind, dtype=dtype, store=store)
    return "\n".join([header(traits, dtype), random_text(traits, dtype), text])


def cast_text(from_storage: str, to_storage: str, traits: Traits) -> str:
    """Return the program that casts to float32 or between 16-bit types and float32."""
    source, target = STORAGE[from_storage], STORAGE[to_storage]
    text = CAST.format(
        type=source.type,
        to=target.type,
        load=source.load.format(p="in"),
        store=target.store.format(p="out", value="value"),
    )
    return "\n".join([header(traits, "float64" if "double" in text else "float32"), text])
