"""A rule on the arrays of any library that follows the array API."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import wording
from .operations import Operations, as_plain, is_plain
from .printers.namespace import module_of
from .tree import Array

if TYPE_CHECKING:
    from .definition import Rule

#: What rules take of a namespace beside the operators of its arrays.
_NEEDED = (
    "abs", "asarray", "astype", "exp", "expm1", "log", "max", "ones_like", "sqrt", "sum", "where",
    "zeros_like",
)  # fmt: skip


class OnNamespace:
    """A rule whose arrays are those of one namespace; `Rule.on` makes it.

    It is called like the rule itself. It writes to no array and returns new ones, always as a
    tuple. An array that the rule leaves as it is may be returned itself. All arrays are in the type
    that the rule computes in, float32 or float64.

    Attributes
    ----------
    rule : Rule
        What it runs.
    namespace : module
        The functions of the array API.
    arrays : tuple of str
        The names of the arrays that it takes, in order.
    constants : tuple of str
        What each number that arrays meet is; numbers that depend on a reduction come last.
    reduced : tuple of str
        The rule's reductions, as it writes them.
    reductions : tuple of str
        The name of each, for `reduce`.
    passed : tuple of int or None
        For each result the position of the array that the rule returns unchanged for it, or None.
    step : callable
        ``step(constants, weight, grad, *states)`` returns the new weight and the new states.
        Nothing is checked. Each of `constants` is a 0-d array of the compute type; one array of
        one dimension has them as well. Compilers of arrays trace this function.
    measure : callable
        ``measure(constants, weight, grad, *states)`` returns the array that each reduction is of.
        It takes the constants that depend on no reduction, or all of them.
    source : str
        The text of these functions.

    Examples
    --------
    >>> import numpy as np
    >>> from weightopt_test import test
    >>> on = test.on(np)
    >>> on(np.ones(2), np.ones(2), np.zeros(2), rescale_grad=0.5)
    (array([1.5, 1.5]), array([1.5, 1.5]))
    >>> print(on.source[on.source.index("def step") :])
    def step(constants, array0, array1, array2):
        value0 = (array0 + (constants[0] * array1))
        return value0, value0
    <BLANKLINE>
    """

    def __init__(self, rule: Rule, namespace: Any, sqrt: Callable[[Any], Any] | None = None):
        lowered = rule.lowered
        self.rule, self.namespace = rule, namespace
        self.arrays = lowered.arrays
        self.constants = (*lowered.constants, *lowered.measured)
        self.reduced = tuple(lowered.reduced)
        self.reductions = tuple(one.name for one in lowered.reductions)
        results = [lowered.tree.nodes[number] for number in lowered.tree.results]
        self.passed = tuple(one.position if isinstance(one, Array) else None for one in results)
        self._wide = namespace.float64 if has_float64(namespace) else None
        root = self._root if sqrt is None else sqrt
        self._operations = Operations(namespace, root, self._wide or namespace.float32)
        self._compile(lowered.tree)

    def __repr__(self) -> str:
        return f"{self.rule!r} on {getattr(self.namespace, '__name__', self.namespace)}"

    def _compile(self, tree: Any) -> None:
        self.source, names = module_of(tree, self._operations)
        names |= {name: getattr(self._operations, name) for name in _ON_ARRAYS}
        # A name of a file, so that tracebacks, and what traces the functions, find their text.
        file = f"<{self!r}>"
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(True), file)
        exec(compile(self.source, file, "exec"), names)
        self._form, self._form_measured = names["constants"], names.get("measured", _nothing)
        self.step = names["step"]
        self.measure = names.get("measure", _nothing)

    def __call__(
        self,
        weight: Any,
        grad: Any,
        *others: Any,
        reduce: Callable[[str, Any], Any] | None = None,
        **numbers: Any,
    ) -> tuple[Any, ...]:
        """Return the new weight and the new states.

        Parameters
        ----------
        weight, grad, *others : array
            The rule's arrays, all of one shape and either float32 or float64.
        reduce : callable, optional
            Takes the name of a reduction and an array, and returns a 0-d array or a number; by
            default `reduce`. Where an array is one part of several, it has to reduce all parts.
        **numbers
            The rule's numbers, each a number of Python, None, or a 0-d array.
        """
        arrays = weight, grad, *others
        self._check(arrays)
        constants = self.form(numbers, weight)
        if self.reductions:
            measured = zip(self.reductions, self.measure(constants, *arrays))
            reduced = [(reduce or self.reduce)(name, array) for name, array in measured]
            constants = self.form(numbers, weight, reduced)
        return self.step(constants, *arrays)

    def form(
        self, numbers: Mapping[str, Any], like: Any, reduced: Sequence[Any] = ()
    ) -> tuple[Any, ...]:
        """Return the constants as 0-d arrays; those of reductions too where these are given.

        Where all numbers are plain, they are evaluated on the host in double and rounded once.
        Where one is an array, what depends on it is an array too, in float64 where the library has
        it. Then nothing is raised where a number divides by 0 or a branch is not taken; both
        branches are formed.

        Parameters
        ----------
        numbers : mapping
            The rule's numbers, by name.
        like : array
            Says the compute type and the device.
        reduced : sequence
            The rule's reductions, in their order; plain ones are evaluated on the host too.
        """
        given, late = self.rule.given(numbers), [as_plain(value) for value in reduced]
        if all(map(is_plain, [*given, *late])):
            formed: Sequence[Any] = self.rule.evaluate(numbers, late)
        else:
            formed = self._form(*given)
            if late:
                formed += self._form_measured(*given, *late)
        dtype = like.dtype
        return tuple(self._operations.array(value, dtype, like) for value in formed)

    def reduce(self, name: str, array: Any) -> Any:
        """Return a number of all elements, a 0-d array; the sums are in the library's order."""
        return getattr(self, f"_{name}")(array)

    def _total(self, array: Any) -> Any:
        """Return the sum of all elements, of which float32 is added in float64 where there is."""
        namespace = self.namespace
        return namespace.sum(array if self._wide is None else namespace.astype(array, self._wide))

    def _mean(self, array: Any) -> Any:
        return self._total(array) / (math.prod(array.shape) or 1)

    def _largest(self, array: Any) -> Any:
        """Return the largest magnitude, NaN where there is one."""
        if 0 in array.shape:
            return self.namespace.sum(array)
        return self.namespace.max(self._operations.abs(array))

    def _norm(self, array: Any) -> Any:
        """Return the Euclidean norm of all elements, a 0-d array.

        Squares are summed in float64 where the library has it, in its own order. Otherwise, and for
        float64, values are divided by the largest magnitude first, so that the sum stays finite.
        """
        namespace = self.namespace
        if 0 in array.shape:
            return namespace.sum(array)
        if self._wide is not None and array.dtype != self._wide:
            wide = namespace.astype(array, self._wide)
            return namespace.sqrt(namespace.sum(wide * wide))
        largest = self._largest(array)
        none = (largest == 0) | (largest == largest + largest)  # zeros, or an infinity
        scaled = array / self._operations.where(none, namespace.ones_like(largest), largest)
        root = namespace.sqrt(namespace.sum(scaled * scaled))
        return self._operations.where(none, largest, largest * root)

    def _root(self, array: Any) -> Any:
        """Return the root, correctly rounded whatever the library's own is for float32."""
        namespace = self.namespace
        if self._wide is None or array.dtype == self._wide:
            return namespace.sqrt(array)
        return namespace.astype(namespace.sqrt(namespace.astype(array, self._wide)), array.dtype)

    def _check(self, arrays: Sequence[Any]) -> None:
        names = self.arrays
        if len(arrays) != len(names):
            expected = f"{len(names)} ({', '.join(names)})"
            raise TypeError(wording("arrays", expected, str(len(arrays))))
        weight = arrays[0]
        if weight.dtype not in (self.namespace.float32, self.namespace.float64):
            remedy = "convert weight, grad and states to float32 before"
            raise TypeError(wording("weight", "float32 or float64", str(weight.dtype), remedy))
        for name, array in zip(names, arrays):
            if array.dtype != weight.dtype or tuple(array.shape) != tuple(weight.shape):
                expected = f"{weight.dtype} of shape {tuple(weight.shape)}, as the weight"
                raise TypeError(wording(name, expected, f"{array.dtype} of {tuple(array.shape)}"))


def _nothing(*given: Any) -> tuple[Any, ...]:
    return ()


#: What generated text calls on arrays.
_ON_ARRAYS = ("abs", "clip", "filled", "maximum", "minimum", "sign", "sqrt", "square", "where")


def namespace_of(given: Any) -> Any:
    """Return the functions for a library's arrays.

    Parameters
    ----------
    given : module or array
        A module with the functions of the array API is returned as it is, and an array says itself
        what its own is. For other arrays and modules the package array-api-compat knows one.

    Raises
    ------
    ImportError
        array-api-compat is needed, and not installed.
    TypeError
        No namespace is known for it.
    """
    own = given.__array_namespace__() if hasattr(given, "__array_namespace__") else given
    if all(hasattr(own, name) for name in _NEEDED):
        return own
    try:
        import array_api_compat
    except ImportError as error:
        how = 'pip install "weightopt-core[array-api]"'
        raise ImportError(f"the namespace of an array needs array-api-compat; {how}") from error
    try:
        array = given.asarray(0.0) if hasattr(given, "asarray") else given
        return array_api_compat.array_namespace(array)
    except Exception as error:  # whatever is not an array raises
        expected = "a module of the array API, or an array of one"
        raise TypeError(wording("namespace", expected, repr(given))) from error


def has_float64(namespace: Any) -> bool:
    """Whether the library has float64 at present."""
    try:
        info = namespace.__array_namespace_info__()
    except AttributeError:
        return True
    return "float64" in info.dtypes(kind="real floating")
