"""OpenCL C text: of rules, of random fills, and of casts between storage types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .... import ctext
from ....dtypes import C_TYPES
from ..traits import Traits
from .templates import (
    CAST,
    FILL,
    FORMS,
    HEADER,
    LOOP,
    MANY,
    NOISY_LOOP,
    RANDOM,
    RANDOM_OF_PAIR,
    ROUNDED_BFLOAT16,
    ROUNDED_LOOP,
    RULE,
    SALTS,
    SLOT_OF_ADDRESS,
    SLOT_OF_TREE,
    STORAGE,
    WORDS,
)

_KEYS = ", ulong key0, ulong key1"


def header(traits: Traits, dtype: str) -> str:
    """Return what every program begins with, for one compute type."""
    wide = dtype == "float64"
    return HEADER.format(
        extension="#pragma OPENCL EXTENSION cl_khr_fp64 : enable" if wide else "",
        real=C_TYPES[dtype].name,
        dtype=dtype,
        sqrt=traits.sqrt[wide],
        group=traits.group,
        halves=ctext.text("halves.h"),
        part=traits.part,
        restrict=traits.restrict,
    )


@lru_cache
def random_text(traits: Traits, dtype: str) -> str:
    """Return the generator of random numbers for one compute type."""
    wide = dtype == "float64"
    return RANDOM.format(
        high=traits.high_product,
        float64="#define FLOAT64" if wide else "",
        text=ctext.text("random.h"),
        per_block=4 if wide else 8,
        word="ulong" if wide else "uint",
        split="\n        ".join(_split(wide)),
    )


def _split(wide: bool) -> list[str]:
    """Return statements that store the four words of a block, the low half of each first."""
    if wide:
        return [f"to[{i}] = {word};" for i, word in enumerate("abcd")]
    return [
        f"to[{2 * i}] = (uint){word}, to[{2 * i + 1}] = (uint)({word} >> 32);"
        for i, word in enumerate("abcd")
    ]


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
    parts = [header(traits, dtype), ctext.text("preamble.h")]
    if rule.draws:
        parts.append(random_text(traits, dtype))
    if ROUNDED_BFLOAT16 in storages:
        parts.append(ctext.text("rounding.h"))
    keyed = rule.draws or ROUNDED_BFLOAT16 in storages
    names = pointers(storages)
    types = [f"const {FORMS[s].type}" if i == 1 else FORMS[s].type for i, s in enumerate(storages)]
    scalars = rule.lowered.scalars
    typed = [f"__global {type_} *restrict {name}" for type_, name in zip(types, names)]
    parts.append(
        RULE.format(
            pointers=", ".join(text.replace("restrict", "RESTRICT") for text in typed),
            arguments=", ".join(f"{text}, ulong {n}_at" for text, n in zip(typed, names)),
            shifted=", ".join(f"{name} + {name}_at" for name in names),
            loop=_loop(rule, storages, dtype),
            words=WORDS if rule.draws else "",
            parameters=_KEYS * keyed + ", __local WORD *words" * rule.draws,
            keys=_KEYS * keyed,
            key_names=", key0, key1" * keyed + ", words" * rule.draws,
            constants="".join(f", REAL {name}" for name in scalars),
            constant_names="".join(f", {name}" for name in scalars),
        )
    )
    if slots is not None:
        casts = [f"(__global {type_} *)" for type_ in types]
        keys = ", key[0], key[1]" * keyed + ", words" * rule.draws
        words = WORDS if rule.draws else ""
        parts.append(_many_text(casts, len(scalars), keys, words, slots))
    return "\n".join(parts)


def pointers(storages: Sequence[str]) -> list[str]:
    """Return names of the pointers that a kernel takes, in order; none is an author's."""
    return [f"wo_p{i}" for i in range(len(storages))]


def loads(storages: Sequence[str]) -> list[str]:
    """Return how the element of each array is loaded."""
    return [FORMS[s].load.format(p=p) for s, p in zip(storages, pointers(storages))]


def _loop(rule: Any, storages: Sequence[str], dtype: str) -> str:
    lines = "\n".join(" " * 8 + line for line in _element(rule, storages, dtype))
    if ROUNDED_BFLOAT16 not in storages:
        return (NOISY_LOOP if rule.draws else LOOP).format(element=lines)
    pairs = range((len(rule.states) + 1) // 2)
    salts = "\n        ".join(SALTS.format(pair=pair) for pair in pairs)
    words = "\n            ".join(RANDOM_OF_PAIR.format(pair=pair) for pair in pairs)
    return ROUNDED_LOOP.format(element=lines, salts=salts, words=words)


def _element(rule: Any, storages: Sequence[str], dtype: str) -> list[str]:
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
        lines.append(store.format(p=names[i], value=value, random=random))
    return lines


def _random(state: int) -> str:
    """Return the random bits of a state: a half of the word that two of them share."""
    pair, second = divmod(state, 2)
    return f"random{pair} >> 16" if second else f"random{pair} & 0xffff"


def _many_text(casts: list[str], constants: int, keys: str, words: str, slots: int) -> str:
    return MANY.format(
        **tensor_texts(casts, slots),
        row=constants,
        key_values=keys,
        words=words,
        constant_values="".join(f", k[{i}]" for i in range(constants)),
    )


def tensor_texts(casts: Sequence[str], slots: int) -> dict[str, Any]:
    """Return what templates of kernels for many tensors share, by the names there.

    Parameters
    ----------
    casts : sequence of str
        To the type of each array.
    slots : int
        How many buffers the kernel takes; 0 where it knows them by address.
    """
    count = len(casts)
    buffers = "".join(f", b{i}" for i in range(slots))
    parameters = buffer_parameters(slots)
    slot = SLOT_OF_ADDRESS
    if slots:
        slot = SLOT_OF_TREE.format(buffers=buffers, parameters=parameters, tree=_tree(0, slots))
    return {
        "parameters": parameters,
        "slot": slot,
        "width": 2 * count + 1,
        "last": 2 * count,
        "chosen": ", ".join(
            f"{cast}(slot(row[{i}]) + row[{count + i}])" for i, cast in enumerate(casts)
        ),
    }


def buffer_parameters(slots: int) -> str:
    """Return so many buffers as further parameters of a function, ``b0`` and on."""
    return "".join(f", __global uchar *b{i}" for i in range(slots))


def _tree(low: int, high: int) -> str:
    """Return the choice of one of the buffers `low` to `high` by comparisons."""
    if high - low == 1:
        return f"b{low}"
    middle = (low + high) // 2
    return f"(at < {middle} ? {_tree(low, middle)} : {_tree(middle, high)})"


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
