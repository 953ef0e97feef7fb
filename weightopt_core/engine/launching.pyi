from collections.abc import Callable
from typing import Any

def launch_all(
    turn: Any, enqueue: Callable[..., Any], launches: list[tuple[tuple[Any, ...], list[list[Any]]]]
) -> None: ...
