import numpy as np

ELEMENTS_OF_A_CHUNK: int
LANES_OF_A_CHUNK: int

def square_sums(
    values: np.ndarray, brain: bool, scale: float, sums: np.ndarray, threads: int
) -> int: ...
