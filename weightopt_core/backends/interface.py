"""What a backend is: the one contract between optimizers and the places where arrays live.

A backend is a module. It knows the arrays of one library: how to make them, fill them and copy
them, and how to run a rule over them. `weightopt_core.backends.backend_of` finds it by the type of
an array. `weightopt_core.backends.cpu` is the reference. Every other one gives its bits.

Ownership: arrays belong to the caller. A backend writes to weights and states, only reads
gradients, and keeps none of them alive between steps. Threads: every function may be called from
any thread; a bound step is used by one at a time. Errors: TypeError for an array of a wrong kind or
dtype, ValueError for a wrong shape, layout or overlap, both in the wording of
`weightopt_core.errors.wording` with the name of the argument; then nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np


class StateForm(NamedTuple):
    """What the states of a weight are made of, beside what the weight's dtype says.

    Attributes
    ----------
    master : bool
        Whether the state of a 16-bit weight ends with a float32 master copy of it.
    states : {None, "bfloat16", "int8"}
        What the rule's own states are rounded to, stochastically; None where they are as they are
        computed. In 8 bits each is a row of bytes, `weightopt_core.backends.states.quantized_size`
        of them; else it is of the weight's shape.
    """

    master: bool
    states: str | None


#: What states may be rounded to.
STATE_DTYPES = ("bfloat16", "int8")
#: All forms, each one object, by what they are.
STATE_FORMS = {(m, s): StateForm(m, s) for m in (False, True) for s in (None, *STATE_DTYPES)}
PLAIN = STATE_FORMS[False, None]


class Turn(Protocol):
    """What counts an update; `weightopt_core.engine.index_groups.Turn` is the one there is."""

    def commit(self) -> Any:
        """Count the update; raise where its numbers hold no longer, with nothing changed."""

    def uncommit(self) -> Any:
        """Take `commit` back."""


class BoundStep(Protocol):
    """A rule over checked arrays, ready to be run, and perhaps to be run again.

    `run` and `again` first do all that may fail or run code of others. Then they call
    ``turn.commit()`` and compute, with no Python in between that a signal or another thread could
    come into. So a step happens as a whole or not at all.
    """

    def run(
        self,
        constants: Any,
        keys: list[tuple[int, int]],
        indices: tuple[Any, ...],
        numbers: Callable[..., dict[str, Any]],
        turn: Turn,
    ) -> bool:
        """Count the update and compute the new weights and states, in place.

        Parameters
        ----------
        constants : weightopt_core.engine.constants.Constants
            The rule's numbers for each tensor, evaluated in double.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : tuple of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule, an index and the turn.
        turn : Turn
            What counts the update.

        Returns
        -------
        bool
            False where an array changed after it was bound, and nothing else has: bind anew.
        """

    def knows(self, rule: Any, weights: Any, grads: Any, states: Any, form: StateForm) -> bool:
        """Whether it is bound to these arrays, so that they need no check; nothing is changed."""

    def rest(self) -> None:
        """Let go of arrays that it holds between `bind` and `run`: it is not to be run."""

    def again(
        self,
        rule: Any,
        weights: Any,
        grads: Any,
        states: Any,
        form: StateForm,
        constants: Any,
        keys: list[tuple[int, int]],
        indices: tuple[Any, ...],
        numbers: Callable[..., dict[str, Any]],
        turn: Turn,
    ) -> bool:
        """Count and compute once more, if these are the arrays that it knows.

        What an optimizer was given comes as it is: `weights`, `grads` and `states` are any lists
        or tuples. The other arguments are those of `Backend.bind` and of `run`.

        Returns
        -------
        bool
            False where something is new; then nothing has changed.
        """


class Backend(Protocol):
    """The functions of a backend's module.

    An `array` is one that `accepts` takes. It has the attributes `shape`, `ndim`, `size` and
    `dtype` of a NumPy array.
    """

    def accepts(self, array: Any) -> bool:
        """Whether `array` is of this backend; never raises."""

    def view(self, array: Any, argument: str) -> Any:
        """Return `array` as what the functions below compute with, over the same memory."""

    def check(
        self,
        array: Any,
        argument: str,
        shape: Any = None,
        dtypes: Any = ...,
        written: bool = True,
        remedy: str = "",
    ) -> Any:
        """Return a view that a kernel may use, or raise what is wrong with `array`.

        Parameters
        ----------
        array : array
            What the caller passed.
        argument : str
            Its name in messages.
        shape : tuple of int, optional
            The shape that it must have.
        dtypes : sequence of str or None, optional
            The dtypes that it may have, by default those of weights; None for real numbers of
            any type.
        written : bool
            Whether it is written to.
        remedy : str
            What to do about a dtype that may be there for another optimizer.
        """

    def is_half(self, array: Any) -> bool:
        """Whether elements are stored in 16 bits."""

    def zeros_like(self, array: Any) -> Any:
        """Return zeros of the shape and dtype of `array`, where it is."""

    def duplicate(self, array: Any) -> Any:
        """Return a copy, where `array` is."""

    def to_float32(self, array: Any) -> Any:
        """Return a float32 copy, where `array` is."""

    def to_bfloat16(self, array: Any) -> Any:
        """Return a copy in bfloat16, rounded to nearest, where `array` is."""

    def to_host(self, array: Any) -> np.ndarray:
        """Return the elements as a NumPy array; a copy, unless they are in host memory."""

    def place(self, values: np.ndarray, array: Any) -> Any:
        """Return `values` as an array where `array` is."""

    def fill(self, array: Any, value: float) -> None:
        """Set every element."""

    def copy(self, array: Any, values: Any) -> None:
        """Copy `values`, from the host and of the same shape, into `array`."""

    def fill_uniform(self, array: Any, key: tuple[int, int], low: float, high: float) -> None:
        """Fill with uniform numbers of ``[low, high)`` from the stream `key`."""

    def fill_normal(self, array: Any, key: tuple[int, int], mean: float, sigma: float) -> None:
        """Fill with normal numbers from the stream `key`."""

    def square_sum(self, array: Any, scale: float = 1.0) -> float:
        """Return the sum of squares of ``scale * array``, in double and in an order of its own."""

    def square_sums(self, arrays: Sequence[Any], scale: float = 1.0) -> list[float]:
        """Return what `square_sum` does for each of arrays that `check` has returned, in one pass.

        A backend without it is asked for one after another.
        """

    def nonfinite(self, arrays: Sequence[Any], argument: str) -> list[int]:
        """Return the places of those arrays that hold an infinity or NaN, in ascending order.

        They are looked through in one pass, and only read. A TypeError or ValueError about one of
        them calls it `argument`.
        """

    def scale(self, arrays: Sequence[Any], factors: Sequence[float]) -> None:
        """Multiply every element of all arrays by each factor in turn, in the compute type.

        Products are rounded to what the arrays store. Where it raises, nothing has changed.
        """

    def factors_in_step(self) -> int:
        """Return by how many `factors` of its constants a step can multiply gradients it reads.

        Where there are more, or a backend has no such function, it is given products as gradients.
        """

    def extent_of(self, array: Any) -> tuple[Any, int, int]:
        """Return which memory `array` is in, and where it begins and ends there, in bytes."""

    def bind(
        self,
        rule: Any,
        weights: tuple[Any, ...],
        grads: tuple[Any, ...],
        states: tuple[Any, ...],
        form: StateForm,
        before: Any = None,
    ) -> BoundStep:
        """Check the arrays of one step, and return the step over them.

        Parameters
        ----------
        rule : weightopt_core.rule.Rule
            What to compute.
        weights, grads, states : tuple
            As in a call of `update`, of equal length.
        form : StateForm
            What the states are made of.
        before : BoundStep, optional
            What was bound for an earlier step of these weights, by whichever backend.

        Raises
        ------
        TypeError, ValueError
            An array is not as it has to be; the message names it.
        RuntimeError
            The device's compiler refuses the rule.
        """
