"""Seeds and draws: which random numbers a parameter is initialized with.

>>> from weightopt_core import random
>>> random.seed(7)
>>> first, second = random.stream("fc1_weight"), random.stream("fc1_weight")
>>> first == second
False
>>> random.seed(7)
>>> random.stream("fc2_weight") == first
False
>>> random.stream("fc1_weight") == first
True
"""

from __future__ import annotations

import hashlib
import operator
import os
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .drawn import DrawnSeed
from .errors import wording


@dataclass
class _Global:
    """The global seed, whether the system drew it, and how many draws each name has had."""

    seed: int | None = None
    drawn: bool = True
    draws: dict[str, int] = field(default_factory=dict)


_lock = threading.Lock()
_global = _Global()


def seed(n: int) -> None:
    """Set the global seed and forget all draws.

    Without it, the seed comes from the operating system and differs in each process. A forked
    child, too, then draws other numbers than its parent. A seed that was set stays: forked
    children draw the numbers that their parent would, until each sets its own.

    Parameters
    ----------
    n : int
        At least 0.

    Raises
    ------
    TypeError, ValueError
        `n` is not an integer, or below 0.

    Examples
    --------
    >>> from weightopt_core import random
    >>> random.seed(7)
    """
    global _global
    n = _natural("seed", n)
    with _lock:
        _global = _Global(n, drawn=False)


def stream(name: str | None, seed: int | None = None) -> tuple[int, int]:
    """Return the key of one draw: of the random numbers that fill one array.

    Parameters
    ----------
    name : str or None
        The parameter's name. All draws with no name, None or ``""``, are counted together.
    seed : int, optional
        At least 0. Equal seeds and names give equal keys. By default the key depends on the
        global seed and on how many draws the name has had since it was set, so that two draws
        differ, and the order in which parameters of different names are initialized does not
        matter.

    Returns
    -------
    tuple of int
        Two integers in [0, 2**64), a key of Philox 4x64-10.

    Raises
    ------
    TypeError, ValueError
        `name` is not a str, or `seed` not an integer, or below 0.

    Examples
    --------
    >>> from weightopt_core import random
    >>> random.stream("fc1_weight", seed=7) == random.stream("fc1_weight", seed=7)
    True
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(wording("name", "None or a str", repr(name)))
    name = str(name or "")
    if seed is not None:
        return _key(_natural("seed", seed), name, 0)
    return _next(name)[0]


def draw_seed(name: str) -> int:
    """Return a seed for an object that was given none: the first half of the key of a draw.

    Parameters
    ----------
    name : str
        What is counted.

    Returns
    -------
    int
        In [0, 2**64); a `DrawnSeed` where the system drew the global seed.
    """
    (seed, _), drawn = _next(name)
    return DrawnSeed(seed) if drawn else seed


def get_state() -> dict[str, Any]:
    """Return the global seed and the number of draws of each name, for a checkpoint.

    Returns
    -------
    dict
        ``seed``, an int, and ``draws``, a dict of str to int; fit for JSON.

    Examples
    --------
    >>> from weightopt_core import random
    >>> random.seed(7)
    >>> key = random.stream("fc1_weight")
    >>> random.get_state()
    {'seed': 7, 'draws': {'fc1_weight': 1}}
    """
    with _lock:
        return {"seed": _global_seed(), "draws": dict(_global.draws)}


def set_state(state: dict[str, Any]) -> None:
    """Continue where `get_state` was called.

    Parameters
    ----------
    state : dict
        What `get_state` returned.

    Raises
    ------
    TypeError, ValueError
        `state` is something else; nothing has changed.

    Examples
    --------
    >>> from weightopt_core import random
    >>> state = random.get_state()
    >>> key = random.stream("fc1_weight")
    >>> random.set_state(state)
    >>> random.stream("fc1_weight") == key
    True
    """
    global _global
    if not isinstance(state, dict):
        raise TypeError(wording("state", "a dict", repr(state)))
    if state.keys() != {"seed", "draws"}:
        got = " and ".join(map(repr, state)) or "nothing"
        raise ValueError(wording("state", "'seed' and 'draws'", got))
    n, draws = _natural("seed", state["seed"]), state["draws"]
    if not isinstance(draws, dict) or not all(isinstance(name, str) for name in draws):
        raise TypeError(wording("draws", "a dict of str to int", repr(draws)))
    draws = {name: _natural(f"draws of {name!r}", draw) for name, draw in draws.items()}
    with _lock:
        # The seed that the system drew is not given by being saved and set again.
        _global = _Global(n, _global.drawn and n == _global.seed, draws)


def _natural(argument: str, n: Any) -> int:
    expected = "an integer >= 0"
    if isinstance(n, bool):
        raise TypeError(wording(argument, expected, repr(n)))
    try:
        number = operator.index(n)
    except TypeError:
        raise TypeError(wording(argument, expected, repr(n))) from None
    if number < 0:
        raise ValueError(wording(argument, expected, str(number)))
    return number


def _next(name: str) -> tuple[tuple[int, int], bool]:
    """Return the key of the next draw of a name, and whether the system drew the global seed."""
    with _lock:
        entropy = _global_seed()
        draw = _global.draws.get(name, 0)
        _global.draws[name] = draw + 1
        drawn = _global.drawn
    return _key(entropy, name, draw), drawn


def _global_seed() -> int:
    if _global.seed is None:
        _global.seed = secrets.randbits(64)
    return _global.seed


def _renew() -> None:
    """Draw seeds anew in a forked child, where another thread may have held the lock."""
    global _global, _lock
    _lock = threading.Lock()
    if _global.drawn:
        _global = _Global()


if hasattr(os, "register_at_fork"):  # not on every system
    os.register_at_fork(after_in_child=_renew)


def _key(entropy: int, name: str, draw: int) -> tuple[int, int]:
    digest = hashlib.sha256(name.encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    sequence = np.random.SeedSequence(entropy, spawn_key=(*words, draw))
    key = sequence.generate_state(2, np.uint64)
    return int(key[0]), int(key[1])
