"""Pictures of an initializer: activations through ten layers, and a histogram of weights."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np

import weightopt_core as wo
from weightopt_core.testing.subject import Subject

LAYERS = 10
#: Shapes of layers that may be put one after another: a matrix, and a convolution.
SHAPES = [(256, 256), (32, 32, 3, 3)]
ACTIVATIONS = {"rectifier": lambda x: np.maximum(x, 0), "tanh": np.tanh}


def measure(cls: Any) -> dict[str, Any]:
    """Return the numbers of all pictures; where no layers fit, those of the histogram alone."""
    filled = _filled(cls)
    found = {"histogram": _histogram(filled[0])}
    if filled[0].shape in SHAPES:
        found["depth"] = {name: _spread(filled, f) for name, f in ACTIVATIONS.items()}
    return found


def _filled(cls: Any) -> list[Any]:
    """Return the weights of some layers, in the first shape that the initializer takes."""
    shapes = (*SHAPES, cls.conformance.shape)
    for shape, name in itertools.product(shapes, ("fc{}_weight", "fc_weight")):
        wo.random.seed(0)
        initializer = Subject(cls).create()
        weights = [np.zeros(shape, np.float32) for _ in range(LAYERS)]
        try:
            for i, weight in enumerate(weights):
                initializer(name.format(i), weight)
        except (TypeError, ValueError) as error:
            refused = error
        else:
            return weights
    raise ValueError(f"{cls.__name__}: no picture of it: {refused}")


def _histogram(weight: Any) -> dict[str, Any]:
    counts, edges = np.histogram(weight, 60)
    return {
        "counts": counts.tolist(),
        "edges": edges.round(6).tolist(),
        "shape": list(weight.shape),
        "deviation": float(weight.std()),
    }


def _spread(weights: list[Any], activation: Any) -> list[float]:
    """Return the standard deviation of the activations after each layer, 1 before the first."""
    rng = np.random.default_rng(0)
    is_matrix = weights[0].ndim == 2
    channels = weights[0].shape[1]
    x = rng.normal(size=(128, channels) if is_matrix else (channels, 16, 16))
    found = [float(x.std())]
    for weight in weights:
        x = activation(x @ weight.T if is_matrix else _convolved(x, weight))
        found.append(float(x.std()))
    return found


def _convolved(x: Any, weight: Any) -> Any:
    """Return the convolution of an image that goes on periodically."""
    middle = weight.shape[2] // 2
    shifted = np.stack(
        [
            np.roll(x, (middle - i, middle - j), (1, 2))
            for i in range(weight.shape[2])
            for j in range(weight.shape[3])
        ]
    )
    return np.einsum("ock,kcxy->oxy", weight.reshape(*weight.shape[:2], -1), shifted)


#: Other modules that decide the numbers.
DEPENDS: tuple[ModuleType, ...] = ()
