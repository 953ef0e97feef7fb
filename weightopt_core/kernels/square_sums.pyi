import numpy as np

def sum_squares(
    arrays: list[np.ndarray], storages: list[str], scale: float, threads: int
) -> list[list[float]]: ...
