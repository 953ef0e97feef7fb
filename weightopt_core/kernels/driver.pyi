from typing import Any

THREAD_THRESHOLD: int

class Kernel:
    @property
    def arrays(self) -> int: ...
    @property
    def constants(self) -> int: ...
    @property
    def norms(self) -> int: ...
    def __init__(
        self, functions: list[Any], arrays: int, constants: int, norms: int = 0
    ) -> None: ...
