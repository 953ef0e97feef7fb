"""OpenCL C text of the kernels of a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .... import ctext
from ..traits import Traits
from .elements import element, pointers, scalars_of
from .heads import header, random_text
from .quantized_source import KEPT, QUANTIZED_LOOP, stores, storing_text
from .slots import tensor_texts
from .templates import (
    FORMS,
    LOOP,
    MANY,
    NOISY_LOOP,
    RANDOM_OF_PAIR,
    ROUNDED,
    ROUNDED_BFLOAT16,
    ROUNDED_INT8,
    ROUNDED_LOOP,
    RULE,
    SALTS,
    WORDS,
)

_KEYS = ", ulong key0, ulong key1"


class _Local(NamedTuple):
    """What work-items of a group share: declared, as parameters, and as arguments."""

    declared: str
    parameters: str
    names: str


def rule_text(
    rule: Any, storages: Sequence[str], traits: Traits, dtype: str, slots: int | None
) -> str:
    """Return the program of one rule.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    storages : sequence of str
        Of `FORMS`: that of each array of the rule except noise, and, where the first is a master
        copy, that of the weight itself last.
    traits : Traits
        Of the device.
    dtype : str
        The compute type.
    slots : int or None
        How many buffers the kernel for many tensors takes, 0 where it knows them by address; None
        for the kernel for one.
    """
    keyed = rule.draws or not set(ROUNDED.values()).isdisjoint(storages)
    parts = [header(traits, dtype), ctext.text("preamble.h")]
    local = _Local("", "", "")
    if rule.draws:
        parts.append(random_text(traits, dtype))
        local = _Local(WORDS, ", __local WORD *words", ", words")
    elif keyed:
        parts.append(ctext.text("rounding.h"))
    if ROUNDED_INT8 in storages:
        parts.append(storing_text())
        kept = KEPT.format(states=len(rule.states))
        local = _Local(kept, ", SHARED float *kept, SHARED uint *found", ", kept, found")
    names = pointers(storages)
    types = [f"const {FORMS[s].type}" if i == 1 else FORMS[s].type for i, s in enumerate(storages)]
    scalars = scalars_of(storages, rule.lowered.scalars)
    typed = [f"__global {type_} *restrict {name}" for type_, name in zip(types, names)]
    parts.append(
        RULE.format(
            pointers=", ".join(text.replace("restrict", "RESTRICT") for text in typed),
            arguments=", ".join(f"{text}, ulong {n}_at" for text, n in zip(typed, names)),
            shifted=", ".join(f"{name} + {name}_at" for name in names),
            loop=_loop(rule, storages, dtype),
            words=local.declared,
            parameters=_KEYS * keyed + local.parameters,
            keys=_KEYS * keyed,
            key_names=", key0, key1" * keyed + local.names,
            constants="".join(f", REAL {name}" for name in scalars),
            constant_names="".join(f", {name}" for name in scalars),
        )
    )
    if slots is not None:
        casts = [f"(__global {type_} *)" for type_ in types]
        keys = ", key[0], key[1]" * keyed + local.names
        parts.append(_many_text(casts, len(scalars), keys, local.declared, slots))
    return "\n".join(parts)


def _loop(rule: Any, storages: Sequence[str], dtype: str) -> str:
    lines = "\n".join(" " * 8 + line for line in element(rule, storages, dtype))
    pairs = range((len(rule.states) + 1) // 2)
    salts = "\n        ".join(SALTS.format(pair=pair) for pair in pairs)
    if ROUNDED_INT8 in storages:
        states = pointers(storages)[2 : 2 + len(rule.states)]
        return QUANTIZED_LOOP.format(element=lines, salts=salts, stores=stores(states))
    if ROUNDED_BFLOAT16 in storages:
        words = "\n            ".join(RANDOM_OF_PAIR.format(pair=pair) for pair in pairs)
        return ROUNDED_LOOP.format(element=lines, salts=salts, words=words)
    return (NOISY_LOOP if rule.draws else LOOP).format(element=lines)


def _many_text(casts: list[str], constants: int, keys: str, words: str, slots: int) -> str:
    return MANY.format(
        **tensor_texts(casts, slots),
        row=constants,
        key_values=keys,
        words=words,
        constant_values="".join(f", k[{i}]" for i in range(constants)),
    )
