"""OpenCL C text of what a rule does with one element: loaded, computed, stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .templates import FACTOR, FORMS, ROUNDED_BFLOAT16, STORAGE, scaled


def pointers(storages: Sequence[str]) -> list[str]:
    """Return names of the pointers that a kernel takes, in order; none is an author's."""
    return [f"wo_p{i}" for i in range(len(storages))]


def loads(storages: Sequence[str]) -> list[str]:
    """Return how the element of each array is loaded."""
    return [FORMS[s].load.format(p=p) for s, p in zip(storages, pointers(storages))]


def scaled_grad(storages: Sequence[str]) -> tuple[str, ...]:
    """Return storages of which the gradient is multiplied by a factor as it is read."""
    return (storages[0], scaled(storages[1]), *storages[2:])


def scalars_of(storages: Sequence[str], constants: Sequence[str]) -> list[str]:
    """Return the names of all numbers that a kernel takes: the rule's, and perhaps a factor."""
    return [*constants, FACTOR] if storages[1] not in STORAGE else [*constants]


def element(rule: Any, storages: Sequence[str], dtype: str) -> list[str]:
    """Return the statements for the element with the number ``i``."""
    taken, written = len(rule.lowered.arrays), rule.lowered.written
    inputs, names = loads(storages)[: taken - rule.draws], pointers(storages)
    if rule.draws:
        inputs.append(f"normal_{dtype}(words[i - first])")
    new = {i: f"wo_new{i}" for i in written}
    lines = [f"REAL {', '.join(new.values())};"]
    lines += rule.lowered.element(inputs, list(new.values()))
    if len(storages) > taken - rule.draws:  # a master copy comes first, the weight itself last
        new[len(storages) - 1] = new[0]
    for i, value in new.items():
        random = _random(i - 2) if storages[i] == ROUNDED_BFLOAT16 else ""
        store = FORMS[storages[i]].store
        lines.append(store.format(p=names[i], value=value, random=random, state=i - 2))
    return lines


def _random(state: int) -> str:
    """Return the random bits of a state: a half of the word that two of them share."""
    pair, second = divmod(state, 2)
    return f"random{pair} >> 16" if second else f"random{pair} & 0xffff"
