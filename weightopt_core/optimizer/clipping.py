"""Clipping by the norm of all gradients together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from ..backends import backend_of
from ..errors import wording
from ..hyperparameters import Real
from ..reductions import NORM


def global_norm(arrays: Sequence[Any]) -> float:
    """Return the Euclidean norm of all elements of all arrays.

    Squares are summed in double, in a fixed order: the result depends neither on threads nor on
    devices nor on the order of the arrays. It is right wherever it is in the range of double, even
    where squares are not. Nothing is copied.

    Parameters
    ----------
    arrays : sequence of array
        float16, bfloat16, float32 or float64, contiguous. NaN and infinities propagate.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> wo.optimizer.global_norm([np.array([3.0]), np.array([4.0])])
    5.0
    """
    return _norm(_checked(arrays))


def clip_global_norm(arrays: Sequence[Any], max_norm: float) -> float:
    r"""Scale all arrays in place so that their common norm is at most `max_norm`.

    Where :math:`\|g\| > \text{max\_norm}`, every element is multiplied by
    :math:`\text{max\_norm} / \|g\|`; otherwise nothing changes.

    Parameters
    ----------
    arrays : sequence of array
        The gradients of one step; contiguous and writable. No other function writes to gradients.
        An array that is given several times counts in the norm as often, and is scaled once.
    max_norm : float
        Above 0.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    ValueError
        The norm is not finite, and nothing was changed: no scale would help a gradient that holds
        an infinity or NaN. Skip the step, or lower the learning rate. Or two arrays share only a
        part of their memory.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
    networks", ICML 2013, https://arxiv.org/abs/1211.5063

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> grads = [np.array([3.0]), np.array([4.0])]
    >>> wo.optimizer.clip_global_norm(grads, 1.0)
    5.0
    >>> grads
    [array([0.6]), array([0.8])]
    """
    limit = Real(interval="(0, inf)")
    limit.name = "max_norm"
    limit.check(max_norm)
    checked = _checked(arrays, written=True)
    apart = _apart(checked)
    norm = _norm(checked)
    if factors := factors_for(max_norm, norm):
        for backend, own in by_backend(apart).items():
            backend.scale(own, factors)
    return norm


def factors_for(max_norm: float, norm: float) -> list[float]:
    """Return numbers whose product scales arrays of such a norm to `max_norm`.

    There is none where the norm is no larger. Each is a normal number in float32.

    Raises
    ------
    ValueError
        The norm is not finite.
    """
    if not math.isfinite(norm):
        remedy = "skip this step"
        raise ValueError(wording("norm of the arrays", "a finite number", str(norm), remedy))
    if norm <= max_norm:
        return []
    if max_norm / norm >= 2.0**-120:
        return [max_norm / norm]
    (small, down), (large, up) = math.frexp(max_norm), math.frexp(norm)
    power = down - up + 1
    steps = [2.0 ** max(-100, power + done) for done in range(0, -power, 100)]
    return [small / large / 2, *steps]


def by_backend(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """Return the arrays of each backend, given pairs of both."""
    own: dict[Any, list[Any]] = {}
    for backend, array in pairs:
        own.setdefault(backend, []).append(array)
    return own


def _norm(checked: list[tuple[Any, Any]]) -> float:
    own = by_backend(checked).items()
    return NORM.by(
        lambda scale: [
            square for backend, arrays in own for square in _squares(backend, arrays, scale)
        ],
        1,
    )


def _squares(backend: Any, arrays: Sequence[Any], scale: float) -> list[float]:
    if hasattr(backend, "square_sums"):
        return list(backend.square_sums(arrays, scale))
    return [backend.square_sum(array, scale) for array in arrays]


def _apart(checked: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return the arrays without those that share their whole memory with an earlier one.

    Raises
    ------
    ValueError
        Two arrays have a part of their memory in common, and not all of it.
    """
    known: dict[Any, tuple[Any, Any]] = {}
    for backend, array in checked:
        if array.size:
            known.setdefault((*backend.extent_of(array), array.dtype), (backend, array))
    places = sorted((str(key[:1]), *key[1:3]) for key in known)
    for (one, _, end), (other, begin, _) in pairwise(places):
        if one == other and begin < end:
            remedy = "pass one array for all of it"
            got = "two that share a part of their memory"
            raise ValueError(wording("arrays", "arrays apart, or the same", got, remedy))
    return list(known.values())


def _checked(arrays: Sequence[Any], written: bool = False) -> list[tuple[Any, Any]]:
    if not isinstance(arrays, (list, tuple)):
        raise TypeError(wording("arrays", "a list of arrays", type(arrays).__name__))
    pairs = []
    for i, array in enumerate(tuple(arrays)):  # a method of an array may change the list
        argument = f"arrays[{i}]"
        backend = backend_of(array, argument)
        pairs.append((backend, backend.check(array, argument, written=written)))
    return pairs
