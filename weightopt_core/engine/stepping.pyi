from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .constants import Constants
from .index_groups import Call, Turn

_Key = tuple[int, int]
_Numbers = Callable[[Any, Any, Any], dict[str, Any]]

class _BoundStep(Protocol):
    def knows(
        self,
        rule: Any,
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        form: Any,
    ) -> bool: ...
    def rest(self) -> None: ...
    def run(
        self,
        constants: Constants,
        keys: list[_Key],
        indices: tuple[Any, ...],
        numbers: _Numbers,
        turn: Any,
    ) -> bool: ...

def check(
    call: Call,
    bind: Callable[..., _BoundStep],
    rule: Any,
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    form: Any,
) -> None: ...
def step(
    call: Call,
    bind: Callable[..., _BoundStep],
    rule: Any,
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    form: Any,
    constants: Constants,
    keys: list[_Key],
    numbers: _Numbers,
    turn: Turn,
) -> None: ...
def step_together(
    call: Call,
    bind: Callable[..., _BoundStep],
    rule: Any,
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    form: Any,
    constants: Constants,
    keys: list[_Key],
    numbers: _Numbers,
    turn: Turn,
    beside: Call,
    rule_behind: Any,
    own: Sequence[Any],
    form_behind: Any,
    constants_behind: Constants,
) -> bool: ...
