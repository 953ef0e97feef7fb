"""Keys of random numbers: of the global seed, a name, and how often that was drawn before."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from .kernels.seeding import key_of

#: A seed of fewer words than this is filled up with zeros where a key to spawn by follows.
_SHORTEST = 4


@dataclass
class _Global:
    """The global seed, whether the system drew it, and how many draws each name has had."""

    seed: int | None = None
    drawn: bool = True
    draws: dict[str, int] = field(default_factory=dict)


_lock = threading.Lock()
_global = _Global()


def begin(seed: int) -> None:
    """Set the global seed and forget all draws."""
    global _global
    with _lock:
        _global = _Global(seed, drawn=False)


def following(name: str) -> tuple[tuple[int, int], bool]:
    """Return the key of the next draw of a name, and whether the system drew the global seed."""
    with _lock:
        entropy = _global_seed()
        draw = _global.draws.get(name, 0)
        _global.draws[name] = draw + 1
        drawn = _global.drawn
    return key(entropy, name, draw), drawn


def present() -> tuple[int, dict[str, int]]:
    """Return the global seed, and how many draws each name has had."""
    with _lock:
        return _global_seed(), dict(_global.draws)


def resume(seed: int, draws: dict[str, int]) -> None:
    """Go on from a global seed and the draws of each name."""
    global _global
    with _lock:
        # The seed that the system drew is not given by being saved and set again.
        _global = _Global(seed, _global.drawn and seed == _global.seed, draws)


def key(seed: int, name: str, draw: int) -> tuple[int, int]:
    """Return the key of a draw, two integers in [0, 2**64); nothing is counted."""
    return each_key(seed, [name], draw)[0]


def each_key(seed: int, names: Iterable[str], draw: int = 0) -> list[tuple[int, int]]:
    """Return what `key` does for each of many names."""
    head, tail = _words(seed, _SHORTEST), _words(draw)
    return [key_of(head + hashlib.sha256(name.encode()).digest() + tail) for name in names]


def _words(number: int, least: int = 1) -> bytes:
    """Return a number as at least so many words of 32 bits, as `numpy.random.SeedSequence` does."""
    return number.to_bytes(4 * max(least, -(-number.bit_length() // 32)), "little")


def _global_seed() -> int:
    if _global.seed is None:
        _global.seed = int.from_bytes(os.urandom(8), "little")
    return _global.seed


def _renew() -> None:
    """Draw seeds anew in a forked child, where another thread may have held the lock."""
    global _global, _lock
    _lock = threading.Lock()
    if _global.drawn:
        _global = _Global()


if hasattr(os, "register_at_fork"):  # not on every system
    os.register_at_fork(after_in_child=_renew)
