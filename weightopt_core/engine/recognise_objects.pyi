from collections.abc import Sequence
from typing import Any

_Events = list[tuple[int, tuple[Any, ...]]]

class Objects:
    def __init__(self, tensors: list[list[Any]], watched: tuple[str, ...], events: str) -> None: ...
    def recognise(
        self, weights: Sequence[Any], grads: Sequence[Any], states: Sequence[Any]
    ) -> tuple[list[Any], _Events] | None: ...
    def know(self, each: _Events) -> None: ...
