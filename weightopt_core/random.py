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

import operator
from typing import Any

from . import keys
from .drawn import DrawnSeed
from .errors import wording


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
    keys.begin(_natural("seed", n))


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
        return keys.key(_natural("seed", seed), name, 0)
    return keys.following(name)[0]


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
    (seed, _), drawn = keys.following(name)
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
    seed, draws = keys.present()
    return {"seed": seed, "draws": draws}


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
    if not isinstance(state, dict):
        raise TypeError(wording("state", "a dict", repr(state)))
    if state.keys() != {"seed", "draws"}:
        got = " and ".join(map(repr, state)) or "nothing"
        raise ValueError(wording("state", "'seed' and 'draws'", got))
    n, draws = _natural("seed", state["seed"]), state["draws"]
    if not isinstance(draws, dict) or not all(isinstance(name, str) for name in draws):
        raise TypeError(wording("draws", "a dict of str to int", repr(draws)))
    keys.resume(n, {name: _natural(f"draws of {name!r}", draw) for name, draw in draws.items()})


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
