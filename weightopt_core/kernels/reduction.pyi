import numpy as np

ELEMENTS_OF_A_CHUNK: int
LANES_OF_A_CHUNK: int
SQUARES: int
VALUES: int
MAGNITUDES: int

def reduce_chunks(
    values: np.ndarray, brain: bool, step: int, scale: float, chunks: np.ndarray, threads: int
) -> int: ...
def square_sums(
    values: np.ndarray, brain: bool, scale: float, sums: np.ndarray, threads: int
) -> int: ...
