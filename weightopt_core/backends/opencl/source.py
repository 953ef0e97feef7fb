"""OpenCL C text: of rules, of random fills, and of casts between storage types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from .templates import (
    CAST,
    FILL,
    HEADER,
    LOOP,
    MANY,
    NOISY_LOOP,
    RANDOM,
    RULE,
    SLOT_OF_TABLE,
    SLOT_OF_TREE,
    STORAGE,
    TABLE,
    WORDS,
)
from .traits import Traits

CORE = Path(__file__).parents[2]


def header(traits: Traits, dtype: str) -> str:
    """Return what every program begins with, for one compute type."""
    wide = dtype == "float64"
    return HEADER.format(
        extension="#pragma OPENCL EXTENSION cl_khr_fp64 : enable" if wide else "",
        real="double" if wide else "float",
        dtype=dtype,
        sqrt=traits.sqrt[wide],
        group=traits.group,
        chunk=traits.chunk,
        apart=traits.apart,
    )


@lru_cache
def random_text(traits: Traits, dtype: str) -> str:
    """Return the generator of random numbers for one compute type."""
    wide = dtype == "float64"
    return RANDOM.format(
        high=traits.high_product,
        float64="#define FLOAT64" if wide else "",
        text=(CORE / "kernels" / "random.h").read_text("utf-8"),
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
        The dtype of each array of the rule except noise, and, where the first is a master copy,
        that of the weight itself last.
    traits : Traits
        Of the device.
    dtype : str
        The compute type.
    slots : int or None
        How many buffers the kernel for many tensors takes; None for the kernel for one.
    """
    parts = [header(traits, dtype), (CORE / "rule" / "preamble.h").read_text("utf-8")]
    if rule.draws:
        parts.append(random_text(traits, dtype))
    names = array_names(rule, storages)
    types = [STORAGE[storage].type for storage in storages]
    const = ["const " if name == "grad" else "" for name in names]
    scalars = rule.lowered.scalars
    typed = [f"__global {c}{t} *restrict {n}_p" for c, t, n in zip(const, types, names)]
    parts.append(
        RULE.format(
            pointers=", ".join(text.replace("restrict", "APART") for text in typed),
            arguments=", ".join(f"{text}, ulong {n}_at" for text, n in zip(typed, names)),
            shifted=", ".join(f"{name}_p + {name}_at" for name in names),
            loop=(NOISY_LOOP if rule.draws else LOOP).format(
                element="\n".join(" " * 8 + line for line in _element(rule, names, storages, dtype))
            ),
            words=WORDS if rule.draws else "",
            parameters=", ulong key0, ulong key1, __local WORD *words" if rule.draws else "",
            keys=", ulong key0, ulong key1" if rule.draws else "",
            key_names=", key0, key1, words" if rule.draws else "",
            constants="".join(f", REAL {name}" for name in scalars),
            constant_names="".join(f", {name}" for name in scalars),
        )
    )
    if slots is not None:
        casts = [f"(__global {c}{t} *)" for c, t in zip(const, types)]
        parts.append(_many_text(casts, len(scalars), rule.draws, slots, traits.group == 1))
    return "\n".join(parts)


def array_names(rule: Any, storages: Sequence[str]) -> list[str]:
    """Return names of the arrays that a kernel takes, in order."""
    names = list(rule.lowered.arrays[:-1] if rule.draws else rule.lowered.arrays)
    return names + ["mirror"] * (len(storages) - len(names))


def _element(rule: Any, names: list[str], storages: Sequence[str], dtype: str) -> list[str]:
    inputs = {n: STORAGE[s].load.format(p=f"{n}_p") for n, s in zip(names, storages)}
    if rule.draws:
        inputs[rule.lowered.arrays[-1]] = f"normal_{dtype}(words[i - first])"
    outputs = {name: f"{name}_new" for name in rule.lowered.written}
    lines = [f"REAL {', '.join(outputs.values())};", *rule.lowered.element(inputs, outputs)]
    outputs["mirror"] = outputs["weight"]
    for name, storage in zip(names, storages):
        if name in outputs:
            lines.append(STORAGE[storage].store.format(p=f"{name}_p", value=outputs[name]))
    return lines


def _many_text(casts: list[str], constants: int, draws: bool, slots: int, table: bool) -> str:
    return MANY.format(
        **tensor_texts(casts, slots, table),
        row=constants,
        key_values=", key[0], key[1], words" if draws else "",
        words=WORDS if draws else "",
        constant_values="".join(f", k[{i}]" for i in range(constants)),
    )


def tensor_texts(casts: Sequence[str], slots: int, table: bool) -> dict[str, Any]:
    """Return what templates of kernels for many tensors share, by the names there.

    Parameters
    ----------
    casts : sequence of str
        To the type of each array.
    slots : int
        How many buffers the kernel takes.
    table : bool
        Whether it makes a table of them.
    """
    number = len(casts)
    buffers = ", ".join(f"b{i}" for i in range(slots))
    parameters = ", ".join(f"__global uchar *b{i}" for i in range(slots))
    tree = SLOT_OF_TREE.format(buffers=buffers, parameters=parameters, tree=_tree(0, slots))
    return {
        "parameters": parameters,
        "slot": SLOT_OF_TABLE if table else tree,
        "table": TABLE.format(buffers=buffers) if table else "",
        "width": 2 * number + 1,
        "last": 2 * number,
        "chosen": ", ".join(
            f"{c}(slot(row[{i}]) + row[{number + i}])" for i, c in enumerate(casts)
        ),
    }


def _tree(low: int, high: int) -> str:
    """Return the choice of one of the buffers `low` to `high` by comparisons."""
    if high - low == 1:
        return f"b{low}"
    middle = (low + high) // 2
    return f"(number < {middle} ? {_tree(low, middle)} : {_tree(middle, high)})"


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
