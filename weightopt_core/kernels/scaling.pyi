import numpy as np

def scale(
    arrays: list[np.ndarray], storages: list[str], factors: list[float], threads: int
) -> None: ...
