"""What is stepped: lists of tensors by their shapes, and arrays of these shapes."""

from dataclasses import dataclass
from math import prod

import numpy as np


@dataclass(frozen=True)
class Workload:
    """Tensors that are stepped together."""

    name: str
    shapes: tuple[tuple[int, ...], ...]

    @property
    def weights(self):
        """How many weights there are in all."""
        return sum(map(prod, self.shapes))


def resnet50():
    """Return the shapes of ResNet-50 for 1,000 classes, as in He et al. (2015)."""

    def convolution(outputs, inputs, size):  # followed by a batch normalization
        return [(outputs, inputs, size, size), (outputs,), (outputs,)]

    shapes = convolution(64, 3, 7)
    inputs = 64
    for width, blocks in [(64, 3), (128, 4), (256, 6), (512, 3)]:
        for block in range(blocks):
            shapes += convolution(width, inputs, 1) + convolution(width, width, 3)
            shapes += convolution(4 * width, width, 1)
            if block == 0:  # the shortcut changes the number of channels
                shapes += convolution(4 * width, inputs, 1)
            inputs = 4 * width
    return [*shapes, (1000, inputs), (1000,)]


def gpt2(layers=12, width=768, vocabulary=50257, positions=1024):
    """Return the shapes of GPT-2, by default its small size, as in Radford et al. (2019)."""
    norm = [(width,), (width,)]

    def linear(inputs, outputs):
        return [(inputs, outputs), (outputs,)]

    attention = [*linear(width, 3 * width), *linear(width, width)]
    block = [*norm, *attention, *norm, *linear(width, 4 * width), *linear(4 * width, width)]
    return [(vocabulary, width), (positions, width), *layers * block, *norm]


def workload(name):
    """Return the workload called ``resnet50``, ``gpt2``, ``SIZE`` or ``COUNTxSIZE``.

    Examples
    --------
    >>> workload("1e5").shapes
    ((100000,),)
    >>> workload("1000x100").weights
    100000
    """
    if name in MODELS:
        return Workload(name, tuple(MODELS[name]()))
    count, _, size = name.rpartition("x")
    return Workload(name, ((int(float(size)),),) * int(float(count or 1)))


MODELS = {"resnet50": resnet50, "gpt2": gpt2}


def dtype(name):
    """Return the dtype called `name`; bfloat16 is one of the package ml-dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def arrays(shapes, dtype, seed):
    """Return an array of normal numbers for each shape; they repeat, for drawing takes long."""
    block = np.random.default_rng(seed).normal(size=65_537).astype(dtype)
    return [np.resize(block, shape) for shape in shapes]
