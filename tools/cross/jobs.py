"""What is run on another machine, and what comes of it here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from weightopt_core import optimizer
from weightopt_core.backends.cpu.quantized import dequantized, quantized
from weightopt_core.backends.cpu.rounding import rounded
from weightopt_core.backends.states import BLOCK, SCALE
from weightopt_core.dtypes import dtype_of
from weightopt_core.kernels import random_fill
from weightopt_core.kernels.reduction import LANES_OF_A_CHUNK
from weightopt_core.rule import Rule, power
from weightopt_core.testing.arrays import same_bits, wild
from weightopt_core.testing.subject import Subject

#: More than a block, and no multiple of one.
LENGTH = 1003
#: Which update of a weight it is.
UPDATE = 1003
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
HALVES = {name: np.dtype(dtype_of(name)) for name in ("float16", "bfloat16")}
KEY = 0x0123456789ABCDEF, 0xFEDCBA9876543210


@dataclass
class Job:
    """A call of one function on arrays, and what these are afterwards."""

    function: str
    arrays: list[np.ndarray]
    expected: list[np.ndarray]
    constants: np.ndarray = field(default_factory=lambda: np.zeros(0))
    threads: int = 0

    def written(self, number: int, order: str) -> bytes:
        """Return the job as the program reads it, in a byte order."""
        sizes = [array.itemsize for array in self.arrays]
        head = [number, self.threads, self.arrays[0].size, self.constants.nbytes, len(sizes)]
        parts = [np.array([*head, *sizes], np.int64), self.constants, *self.arrays]
        return b"".join(_in_order(part, order).tobytes() for part in parts)

    def wrong(self, results: bytes, order: str) -> tuple[int, int]:
        """Return how many elements were compared and how many differ; at the front of `results`."""
        compared, differ = 0, 0
        for wanted in self.expected:
            size = wanted.dtype.itemsize
            words = np.frombuffer(results, f"{order}u{size}", wanted.size).astype(f"u{size}")
            results = results[wanted.nbytes :]
            got = words.view(wanted.dtype)
            compared += got.size
            with np.errstate(invalid="ignore"):  # a signalling NaN
                if not same_bits(got, wanted):
                    differ += sum(not same_bits(one, two) for one, two in zip(got, wanted))
        return compared, differ

    @property
    def nbytes(self) -> int:
        """How many bytes its results are."""
        return sum(array.nbytes for array in self.arrays)


def _in_order(array: np.ndarray, order: str) -> np.ndarray:
    words = np.ascontiguousarray(array).reshape(-1)
    words = words.view(f"u{array.itemsize}")
    return words.astype(f"{order}u{array.itemsize}")


class Rules:
    """The rules of plugins, and numbers for each: an optimizer's, where one has it."""

    def __init__(self, names: list[str]):
        self.each: dict[Rule, dict[str, Any]] = {}
        for name in names:
            module = importlib.import_module(f"weightopt_{name}")
            values = [vars(module)[name] for name in module.__all__]
            own = [value for value in values if isinstance(value, Rule)]
            for cls in values:
                if isinstance(cls, type) and not issubclass(cls, optimizer.Wrapper):
                    self._add(Subject(cls), own)
            for rule in own:
                self.each.setdefault(rule, dict.fromkeys(rule.numbers, 0.37))

    def _add(self, subject: Subject, own: list[Rule]) -> None:
        for given in subject.settings():
            made = subject.create(**given)
            if made.rule in own and made.rule not in self.each:
                self.each[made.rule] = made.numbers_at(0, UPDATE)

    def functions(self) -> list[str]:
        """Return the names of their functions in C."""
        names = []
        for i, rule in enumerate(self.each):
            names += [f"rule_{i}_{dtype}" for dtype in ("float32", "float64", *HALVES)]
            if rule.lowered.reductions:
                names += [f"measure_{i}_{dtype}" for dtype in ("float32", "float64")]
        return names

    def jobs(self) -> Iterator[Job]:
        """Yield a step of each rule in each type."""
        for number, (rule, numbers) in enumerate(self.each.items()):
            for dtype in (FLOAT32, FLOAT64, *HALVES.values()):
                yield from _of_rule(number, rule, numbers, dtype)


def _of_rule(
    number: int, rule: Rule, numbers: dict[str, Any], dtype: np.dtype[Any]
) -> Iterator[Job]:
    compute = dtype if dtype in (FLOAT32, FLOAT64) else FLOAT32
    rng, reduces = np.random.default_rng(number), bool(rule.lowered.reductions)
    arrays = [wild(rng, LENGTH, dtype) for _ in rule.lowered.arrays]
    if reduces:
        arrays = [np.where(np.isfinite(a), a, np.ones(1, dtype)) for a in arrays]
    inputs = [array.astype(compute) for array in arrays]
    reduced: list[float] = []
    early = np.asarray(rule.evaluate(numbers), compute)
    with np.errstate(all="ignore"):
        results = rule(*inputs, **numbers)
        if reduces:
            measured = rule.on(np).measure(early, *inputs)
            reduced = [one.of(array) for one, array in zip(rule.lowered.reductions, measured)]
            if dtype == compute:
                yield _measured(number, rule, arrays, early, measured)
        constants = np.asarray(rule.evaluate(numbers, reduced), compute)
        expected = [array.copy() for array in arrays]
        results = results if isinstance(results, tuple) else (results,)
        for position, new in zip(rule.lowered.written, results, strict=True):
            expected[position][...] = np.asarray(new).astype(dtype)
    yield Job(f"rule_{number}_{dtype.name}", arrays, expected, constants, threads=4)


def _measured(
    number: int, rule: Any, arrays: list[np.ndarray], constants: np.ndarray, measured: Any
) -> Job:
    outputs = [np.zeros_like(arrays[0]) for _ in measured]
    # Of a reduction of an array itself nothing is stored.
    expected = [
        np.asarray(array, arrays[0].dtype) if at < 0 else outputs[0]
        for array, at in zip(measured, rule.lowered.sources, strict=True)
    ]
    name = f"measure_{number}_{arrays[0].dtype.name}"
    return Job(name, [*arrays, *outputs], [*arrays, *expected], constants, threads=4)


def core() -> Iterator[Job]:
    """Yield jobs of the core's own loops."""
    rng = np.random.default_rng(0)
    singles = wild(rng, LENGTH, FLOAT32)
    for name, dtype in HALVES.items():
        bits = rng.integers(0, 2**16, LENGTH).astype(np.uint16).view(dtype)
        yield Job(f"core_load_{name}", [singles, bits], [bits.astype(FLOAT32), bits])
        with np.errstate(over="ignore"):
            stored = singles.astype(dtype)
        yield Job(f"core_store_{name}", [bits, singles], [stored, singles])
    yield _rounded(singles)
    yield _quantized(rng)
    for dtype in (FLOAT32, FLOAT64, *HALVES.values()):
        values = rng.normal(size=LENGTH).astype(dtype)
        values[600:] = np.inf
        word = np.dtype(f"u{dtype.itemsize}")
        found = (np.arange(LENGTH) >= 600).astype(word)
        zeros = np.zeros(LENGTH, word)
        yield Job(f"core_nonfinite_{dtype.name}", [zeros, values], [found, values])
    for dtype in (FLOAT32, FLOAT64):
        values = rng.normal(size=LENGTH).astype(dtype)
        largest = np.maximum.accumulate(np.abs(values)[::-1])[::-1]
        yield Job(f"core_largest_{dtype.name}", [values, values], [largest, values])
        yield _added("squares", values)
        yield _added("values", values)
        factor = np.array([1 / 3], dtype)
        yield Job(f"core_multiply_{dtype.name}", [values], [values * factor], factor)
        yield _drawn(f"uniform_{dtype.name}", dtype)
        yield _drawn(f"normal_{dtype.name}", dtype)
    yield _powers(rng)


def _added(what: str, values: np.ndarray) -> Job:
    """Return the job of the running sums, which are added row after row."""
    rows = np.zeros(-(-LENGTH // LANES_OF_A_CHUNK) * LANES_OF_A_CHUNK)
    rows[:LENGTH] = values
    sums = np.zeros(LENGTH)
    for row in rows.reshape(-1, LANES_OF_A_CHUNK):
        sums[:LANES_OF_A_CHUNK] += row * row if what == "squares" else row
    arrays = [np.zeros(LENGTH), values]
    return Job(f"core_{what}_{values.dtype.name}", arrays, [sums, values])


def _rounded(values: np.ndarray) -> Job:
    low, high = (rounded(values, KEY, state) for state in (0, 1))
    words = np.zeros(values.size, np.uint32)
    arrays = [np.zeros_like(low), np.zeros_like(high), values, words]
    return Job("core_store_rounded", arrays, [low, high, values], np.array(KEY, np.uint64))


def _quantized(rng: np.random.Generator) -> Job:
    """Return the job of two states in 8 bits, of as many bytes as others have elements."""
    values = rng.normal(size=LENGTH).astype(np.float32)
    values[:BLOCK] = values[:BLOCK] ** 2  # without a sign
    values[BLOCK : BLOCK + 9] *= np.float32(1e-6)
    values[-1] = np.inf  # what it is after the last element
    elements = LENGTH - -(-LENGTH // (BLOCK + SCALE)) * SCALE
    states = [quantized(values[:elements], KEY, state) for state in (0, 1)]
    loaded = np.zeros_like(values)
    loaded[:elements] = dequantized(states[0])
    words = np.zeros(LENGTH, np.uint32)
    arrays = [*map(np.zeros_like, states), np.zeros_like(values), values, words]
    return Job("core_quantized", arrays, [*states, loaded, values], np.array(KEY, np.uint64))


def _drawn(name: str, dtype: np.dtype[Any]) -> Job:
    out, start = np.empty(LENGTH, dtype), 12345
    if name.startswith("uniform"):
        random_fill.fill_uniform(out, *KEY, start, 0.0, 1.0, 0.0, 1.0, 1)
    else:
        random_fill.fill_normal(out, *KEY, start, 0.0, 1.0, 1)
    constants = np.array([*KEY, start], np.uint64)
    return Job(f"core_{name}", [np.zeros_like(out)], [out], constants)


def _powers(rng: np.random.Generator) -> Job:
    bases = np.where(rng.random(LENGTH) < 0.5, 1 - 10.0 ** rng.uniform(-6, 0, LENGTH), 3.0)
    exponents = (10 ** rng.uniform(0, 6, LENGTH)).astype(np.int64)
    exponents[bases == 3.0] %= 600
    exponents[::7] *= -1
    bases[::7] = 1.0001
    expected = np.array([power(float(x), int(n)) for x, n in zip(bases, exponents)])
    return Job("core_power", [np.zeros(LENGTH), bases, exponents], [expected, bases])


def plugins(root: Path) -> list[str]:
    """Return the names of the plugins that have rules."""
    return sorted(path.parent.name for path in root.glob("plugins/*/setup.py"))
