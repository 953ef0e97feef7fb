from collections.abc import Sequence
from typing import Any

THREAD_THRESHOLD: int

class Kernel:
    @property
    def arrays(self) -> int: ...
    @property
    def constants(self) -> int: ...
    @property
    def reductions(self) -> int: ...
    def __init__(
        self,
        functions: list[Any],
        arrays: int,
        constants: int,
        steps: Sequence[int] = (),
        sources: Sequence[int] = (),
    ) -> None: ...
