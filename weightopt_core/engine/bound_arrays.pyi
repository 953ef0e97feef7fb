from typing import Any

import numpy as np

class BoundArrays:
    def __new__(cls, tensors: int, parameters: int, noise: bool, form: Any) -> BoundArrays: ...
    def tensors(self) -> list[tuple[np.ndarray, ...]]: ...
