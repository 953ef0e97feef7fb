"""Checkpoints: what an updater needs to go on, as one safetensors file or as its bytes.

`contents` says what is saved, `header` how a file begins; `writing` streams it and `replacing`
puts it in the place of the earlier file; `background` does so in another thread. `reading` reads
and checks, `comparing` says whether it is for this optimizer, and `placing` gives each weight its
state.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import wording
from . import background, comparing, contents, progress, reading, replacing, writing

if TYPE_CHECKING:
    from ..updater import Updater


def dump(updater: Updater) -> bytes:
    """Return the states and counts of `updater` as bytes."""
    return writing.as_bytes(contents.of(updater))


def save(
    updater: Updater, path: Any, weights: Mapping[str, Any] | None, keep: int, wait: bool
) -> background.Saving | None:
    """Write the states and counts of `updater`, and weights, into a file."""
    name = os.path.abspath(_name_of(path))
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 0:
        raise ValueError(wording("keep", "an integer of at least 0", repr(keep)))
    background.settle(updater)
    if not wait:
        taken = contents.snapshot(updater, weights)

        def write() -> None:
            replacing.replace(name, lambda file: writing.write(taken, file), keep)

        return background.start(updater, name, write)
    before = contents.settled(updater)
    present = contents.of(updater, weights)

    def write_present(file: Any) -> None:
        writing.write(present, file)
        if progress.moment(updater.optimizer) != before:
            raise contents.stepped_meanwhile()

    replacing.replace(name, write_present, keep)
    return None


def load(updater: Updater, path: Any, strict: bool) -> reading.Saved:
    """Return what `save` wrote, checked against `updater`."""
    background.settle(updater)
    return _checked(updater, reading.from_file(_name_of(path)), strict)


def take(updater: Updater, data: Any, strict: bool) -> reading.Saved:
    """Return what `dump` has put into `data`, checked against `updater`."""
    return _checked(updater, reading.from_bytes(data), strict)


def _checked(updater: Updater, saved: reading.Saved, strict: bool) -> reading.Saved:
    if strict:
        comparing.check(saved, updater.optimizer, updater.states)
    return saved


def _name_of(path: Any) -> str:
    try:
        return os.fsdecode(path)
    except TypeError:
        raise TypeError(wording("path", "a str or a path", type(path).__name__)) from None
