import numpy as np

THREAD_THRESHOLD: int

def fill_uniform(
    out: np.ndarray,
    key0: int,
    key1: int,
    start: int,
    low: float,
    high: float,
    bottom: float,
    top: float,
    threads: int,
) -> int: ...
def fill_normal(
    out: np.ndarray, key0: int, key1: int, start: int, mean: float, sigma: float, threads: int
) -> int: ...
def convert_normal(words: np.ndarray, out: np.ndarray) -> None: ...
