"""NumPy arrays, and whatever shares memory with them without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import threads
from ..errors import wording
from ..kernels import plan, random  # type: ignore[attr-defined]
from ..norms import chunk_sums, total
from ..rounding import bfloat16, rounded
from .states import MASTERS, ROUNDED, check_state_dtype, dtypes_of, parts_of, remedy_for

#: Elements in a block of a rule that runs on NumPy: some 20 temporaries fit a level-2 cache.
BLOCK = 8192
#: Storage types of weights, and the compute type of each.
COMPUTE: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float32),
    "bfloat16": np.dtype(np.float32),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}


class Interpreted:
    """The checked arrays of one step of a rule that is not compiled.

    Attributes
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    tensors : list of tuple of numpy.ndarray
        For each weight what the rule takes without noise: the weight or its master copy, the
        gradient, the states; and after a master copy the weight itself, last.
    rounds : bool
        Whether states are rounded stochastically.
    """

    def __init__(self, rule: Any, tensors: list[tuple[np.ndarray, ...]], rounds: bool):
        self.rule, self.tensors, self.rounds = rule, tensors, rounds

    def again(self, *given: Any) -> bool:
        """Return False: nothing is kept."""
        return False

    def run(self, constants: Any, keys: list[Any], indices: Sequence[Any], numbers: Any) -> None:
        """Compute the new weights and states, in place.

        Parameters
        ----------
        constants : weightopt_core.kernels.constants.Constants
            Not looked at: what compiled rules take instead of numbers.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : sequence of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule and an index.
        """
        for i, (index, arrays) in enumerate(zip(indices, self.tensors)):
            key = keys[i] if keys else None
            run_in_blocks(self.rule, arrays, numbers(self.rule, index), key, self.rounds)
        self.tensors = []


def run_in_blocks(
    rule: Any,
    tensor: Sequence[np.ndarray],
    numbers: dict[str, Any],
    key: Any = None,
    rounds: bool = False,
) -> None:
    """Run `rule` as NumPy, over blocks that stay in cache; the same bits as when compiled.

    A rule with norms runs on all elements at once, for a norm is that of the whole tensor.
    """
    flat = [array.reshape(-1) for array in tensor]
    given = 2 + len(rule.states)
    compute = COMPUTE[flat[0].dtype.name]
    written = [flat[0], *flat[2:given]]
    length = max(BLOCK, flat[0].size) if rule.lowered.norms else BLOCK
    with np.errstate(all="ignore"):
        for start in range(0, flat[0].size, length):
            part = slice(start, start + length)
            blocks = [array[part].astype(compute, copy=False) for array in flat[:given]]
            if rule.draws:
                noise = np.empty(blocks[0].size, compute)
                random.fill_normal(noise, key, start, 0.0, 1.0, 1)
                blocks.append(noise)
            results = rule(*blocks, **numbers)
            # A rule may return a parameter as it came, and that one may be written first.
            results = [np.copy(result) for result in (results if rule.states else [results])]
            if rounds:
                results[1:] = [rounded(new, key, i, start) for i, new in enumerate(results[1:])]
            for array, result in zip(written, results):
                array[part] = result
            if len(flat) > given:
                flat[given][part] = results[0]


def accepts(array: Any) -> bool:
    """Whether `array` is in host memory that NumPy can share."""
    return isinstance(array, np.ndarray) or _shares_memory(array)


def view(array: Any, argument: str) -> np.ndarray:
    """Return `array` as a NumPy array over the same memory."""
    if isinstance(array, np.ndarray):
        return array
    if not _shares_memory(array):
        raise TypeError(wording(argument, "an array in host memory", type(array).__name__))
    try:
        if hasattr(array, "__dlpack__"):
            return np.from_dlpack(array)
        return np.asarray(memoryview(array))
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        got = f"{type(array).__name__}, which does not share its memory ({error})"
        raise TypeError(wording(argument, "an array in host memory", got)) from error


def check(
    array: Any,
    argument: str,
    shape: Any = None,
    dtypes: Any = COMPUTE,
    written: bool = True,
    remedy: str = "",
) -> Any:
    """Return a view of `array` that a kernel may use, or raise what is wrong with it.

    Parameters
    ----------
    array : array
        What the caller passed.
    argument : str
        Its name in messages.
    shape : tuple of int, optional
        The shape that it must have.
    dtypes : sequence of str or None, optional
        The dtypes that it may have; None for real numbers of any type.
    written : bool
        Whether the kernel writes to it.
    remedy : str
        What to do about a dtype that may be there for another optimizer.
    """
    array = view(array, argument)
    if shape is not None and array.shape != shape:
        raise ValueError(wording(f"shape of {argument}", f"{shape}", f"{array.shape}"))
    expected = "real numbers" if dtypes is None else " or ".join(dtypes)
    if not (_is_real(array.dtype) if dtypes is None else array.dtype.name in dtypes):
        hint = remedy if array.dtype.name in COMPUTE else ""
        raise TypeError(wording(f"dtype of {argument}", expected, str(array.dtype), hint))
    if not array.dtype.isnative:
        raise TypeError(wording(f"dtype of {argument}", f"native {expected}", str(array.dtype)))
    if not array.flags.c_contiguous:
        remedy = "make it contiguous where it is made" if written else "pass a contiguous copy"
        raise ValueError(wording(argument, "a C-contiguous array", "a strided one", remedy))
    if not array.flags.aligned:
        raise ValueError(wording(argument, "an aligned array", "one at an odd address"))
    if written and not array.flags.writeable:
        raise ValueError(wording(argument, "a writable array", "a read-only one"))
    return array


def bind(
    rule: Any,
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    kept: int,
    before: Any = None,
) -> Any:
    """Check the arrays of one step.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    weights, grads, states : list or tuple
        As in a call of `update`, of equal length.
    kept : int
        How states are: `MASTERS` where that of a 16-bit weight ends with a float32 master copy,
        plus `ROUNDED` where the rule's own are bfloat16, rounded stochastically.
    before : object, optional
        What `bind` returned for an earlier step of these weights.

    Returns
    -------
    object
        What has a method `run`.

    Raises
    ------
    TypeError, ValueError
        An array is not as it has to be; the message names it.
    """
    kernel = rule.compiled.kernel
    given = weights, grads, states
    bound = plan.bind(rule, kernel, *given, kept, before, threads.get_num_threads)
    if bound is None:
        given = tuple(_views(rule, *given, kept))  # type: ignore[assignment]
        bound = plan.bind(rule, kernel, *given, kept, before, threads.get_num_threads)
    if bound is None:
        _explain(rule, *given, kept)
    if kernel is not None:
        return bound
    return Interpreted(rule, bound.tensors(), bool(kept & ROUNDED))


def _views(
    rule: Any, weights: Sequence[Any], grads: Sequence[Any], states: Sequence[Any], kept: int
) -> Iterator[list[Any]]:
    """Yield weights, gradients and states as NumPy arrays over the same memory."""
    names = [*(f"state {name!r}" for name in rule.states), "master copy of weight"]
    yield [view(weight, "weight") for weight in weights]
    yield [view(grad, "grad") for grad in grads]
    parted = []
    for weight, state in zip(weights, states):
        parts, master = parts_of(rule, state, kept & MASTERS and is_half(weight))
        parted.append([*parts] if master is None else [*parts, master])
    yield [tuple(view(part, name) for part, name in zip(parts, names)) for parts in parted]


def _explain(
    rule: Any, weights: Sequence[Any], grads: Sequence[Any], states: Sequence[Any], kept: int
) -> None:
    """Raise what is wrong with the arrays of a step."""
    written = []
    for weight, grad, state in zip(weights, grads, states):
        parts, master = parts_of(rule, state, kept & MASTERS and is_half(weight))
        _explain_one(rule, weight, grad, parts, master, kept)
        written += [array for array in (weight, *parts, master) if array is not None]
    _refuse_overlap(written, "weights and states")
    raise RuntimeError("arrays were refused that fit; please report it with their dtypes")


def _explain_one(
    rule: Any, weight: Any, grad: Any, states: Sequence[Any], master: Any, kept: int
) -> None:
    """Raise what is wrong with the arrays of one weight, if anything is."""
    weight = check(weight, "weight")
    if kept & ROUNDED:
        check_state_dtype(weight.dtype.name)
    of_grad, of_state = dtypes_of(weight.dtype.name, master is not None, kept)
    check(grad, "grad", weight.shape, of_grad, written=False)
    for name, state in zip(rule.states, states):
        check(state, f"state {name!r}", weight.shape, (of_state,), remedy=remedy_for(kept))
    if master is not None:
        check(master, "master copy of weight", weight.shape, ("float32",))
    arrays = [array for array in (weight, grad, *states, master) if array is not None]
    _refuse_overlap(arrays, "weight, grad and state")


def _refuse_overlap(arrays: Sequence[Any], argument: str) -> None:
    views = [view(array, argument) for array in arrays]
    for i, array in enumerate(views):
        if any(np.may_share_memory(array, other) for other in views[i + 1 :]):
            remedy = "copy one of them"
            raise ValueError(wording(argument, "arrays apart", "an overlap in memory", remedy))


def is_half(array: Any) -> bool:
    """Whether the array is stored in 16 bits."""
    return view(array, "weight").dtype.name in ("float16", "bfloat16")


def zeros_like(array: Any) -> np.ndarray:
    """Return zeros of the shape and dtype of `array`."""
    array = view(array, "weight")
    return np.zeros(array.shape, array.dtype)


def to_float32(array: Any) -> np.ndarray:
    """Return a float32 copy."""
    return np.array(view(array, "weight"), np.float32, order="C")


def to_bfloat16(array: Any) -> np.ndarray:
    """Return a copy in bfloat16, rounded to nearest."""
    return to_float32(array).astype(bfloat16())


def duplicate(array: Any) -> np.ndarray:
    """Return a copy."""
    return np.array(view(array, "weight"), order="C")


def place(values: np.ndarray, array: Any) -> Any:
    """Return `values` as an array where `array` is."""
    return values


def fill(array: Any, value: float) -> None:
    """Set every element."""
    view(array, "array")[...] = value


def copy(array: Any, values: Any) -> None:
    """Copy `values`, from the host and of the same shape, into `array`."""
    view(array, "array")[...] = values


def to_host(array: Any) -> np.ndarray:
    """Return the elements as a NumPy array."""
    return view(array, "array")


def square_sum(array: Any) -> float:
    """Return the sum of the squares, in double and in an order of its own."""
    return total(chunk_sums(view(array, "array")))


def scale(array: Any, factor: float) -> None:
    """Multiply every element by `factor`, in the compute type."""
    flat = view(array, "array").reshape(-1)
    compute = COMPUTE[flat.dtype.name]
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        part[...] = part.astype(compute, copy=False) * compute.type(factor)


def fill_uniform(array: Any, key: tuple[int, int], low: float, high: float) -> None:
    """Fill with uniform numbers of ``[low, high)`` from the stream `key`."""
    _fill(random.fill_uniform, array, key, low, high)


def fill_normal(array: Any, key: tuple[int, int], mean: float, sigma: float) -> None:
    """Fill with normal numbers from the stream `key`."""
    _fill(random.fill_normal, array, key, mean, sigma)


def _fill(kernel: Any, array: Any, key: tuple[int, int], first: float, second: float) -> None:
    flat = view(array, "array").reshape(-1)
    compute = COMPUTE.get(flat.dtype.name, np.dtype(np.float32))
    if flat.dtype == compute:
        kernel(flat, key, 0, first, second, threads.get_num_threads())
        return
    block = np.empty(min(flat.size, 1 << 20), compute)
    for start in range(0, flat.size, block.size or 1):
        part = block[: flat.size - start]
        kernel(part, key, start, first, second, threads.get_num_threads())
        flat[start : start + part.size] = part


def _is_real(dtype: Any) -> bool:
    """Whether `dtype` holds real numbers; the float types of ml_dtypes are of no numeric kind."""
    return dtype.kind in "iuf" or "float" in dtype.name


def _shares_memory(array: Any) -> bool:
    if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__"):
        return array.__dlpack_device__()[0] == 1  # kDLCPU
    try:
        memoryview(array)
    except TypeError:
        return False
    return True
