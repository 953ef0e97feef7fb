from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..kernels.driver import Kernel
from .bound_arrays import BoundArrays
from .constants import Constants
from .index_groups import Turn

_Key = tuple[int, int]
_Numbers = Callable[[Any, Any, Any], dict[str, Any]]

def wait_for_steps() -> None: ...

class CompiledStep(BoundArrays):
    def __new__(cls, tensors: int, parameters: int, noise: bool, form: Any) -> CompiledStep: ...
    def run(
        self,
        constants: Constants,
        keys: list[_Key],
        indices: tuple[Any, ...],
        numbers: _Numbers,
        turn: Turn,
    ) -> bool: ...
    def knows(
        self,
        rule: Any,
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        form: Any,
    ) -> bool: ...
    def rest(self) -> None: ...
    def again(
        self,
        rule: Any,
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        form: Any,
        constants: Constants,
        keys: list[_Key],
        indices: tuple[Any, ...],
        numbers: _Numbers,
        turn: Turn,
    ) -> bool: ...
    def store(self, results: list[list[np.ndarray]], turn: Turn) -> bool: ...

def bind(
    rule: Any,
    kernel: Kernel | None,
    weights: tuple[Any, ...],
    grads: tuple[Any, ...],
    states: tuple[Any, ...],
    form: Any,
    before: Any,
    threads: Callable[[], int],
) -> CompiledStep | None: ...
