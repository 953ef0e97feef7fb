"""The parameters of a tree: what they may be, and what each of them is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from weightopt_core.dtypes import STORAGE, compute_of
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Real


class Leaves:
    """The arrays of a tree of parameters.

    Raises
    ------
    TypeError
        One of them is of a type that no rule computes with.
    """

    def __init__(self, params: Any, argument: str = "params"):
        found, self.treedef = jax.tree_util.tree_flatten_with_path(params)
        self.names = [argument + jax.tree_util.keystr(path) for path, _ in found]
        self.arrays = [jnp.asarray(leaf) for _, leaf in found]
        for name, array in zip(self.names, self.arrays):
            if array.dtype.name not in STORAGE:
                expected = " or ".join(STORAGE)
                remedy = "leave it out with optax.masked or optax.partition"
                raise TypeError(wording(name, expected, array.dtype.name, remedy))

    def tree(self, values: Sequence[Any]) -> Any:
        """Return values as a tree of this structure."""
        return jax.tree_util.tree_unflatten(self.treedef, values)

    def of(self, tree: Any, argument: str) -> list[Any]:
        """Return what a tree has for each of these arrays.

        Raises
        ------
        ValueError
            The tree has another structure.
        """
        try:
            return self.treedef.flatten_up_to(tree)
        except (ValueError, TypeError) as error:
            got = f"{jax.tree_util.tree_structure(tree)} ({error})"
            expected = f"a tree as that of params, {self.treedef}"
            raise ValueError(wording(argument, expected, got)) from None

    def gradients(self, grads: Any) -> list[Any]:
        """Return the gradient of each in the type that it is computed in."""
        made = []
        for name, array, given in zip(self.names, self.arrays, self.of(grads, "grads")):
            where = f"grad of {name}"
            grad = jnp.asarray(given) if hasattr(given, "dtype") else given
            if not hasattr(grad, "dtype") or grad.dtype.name not in STORAGE:
                got = str(getattr(grad, "dtype", type(grad).__name__))
                raise TypeError(wording(where, " or ".join(STORAGE), got))
            if grad.shape != array.shape:
                raise ValueError(wording(f"shape of {where}", f"{array.shape}", f"{grad.shape}"))
            made.append(grad.astype(compute(array)))
        return made

    def multipliers(self, argument: str, given: Any, params: Any) -> list[float]:
        """Return one multiplier for each: from a number, a tree of them, or a function to one."""
        if given is None:
            return [1.0] * len(self.arrays)
        given = given(params) if callable(given) else given
        limit = Real(interval="[0, inf)")
        limit.name = argument
        try:
            spread = jax.tree.map(
                lambda mult, part: jax.tree.map(lambda _: mult, part), given, params
            )
        except (ValueError, TypeError) as error:
            expected = "a number, or a tree of numbers as that of params"
            raise ValueError(wording(argument, expected, f"another tree ({error})")) from None
        return [float(limit.check(mult)) for mult in self.of(spread, argument)]


def compute(array: Any) -> Any:
    """Return the type in which a parameter is computed."""
    return compute_of(array.dtype.name)


def is_half(array: Any) -> bool:
    """Whether a parameter is stored in 16 bits."""
    return STORAGE[array.dtype.name].itemsize == 2
