from typing import Any

import numpy as np

class Bound:
    def __new__(cls, tensors: int, parameters: int, noise: bool, form: Any) -> Bound: ...
    def tensors(self) -> list[tuple[np.ndarray, ...]]: ...
