"""The peak of memory in a training loop of torch, with steps in the backward pass and without.

``.venv-torch/bin/python -m benchmarks.torch_memory``, after ``make test-torch``, trains layers of a
transformer with AdamW of weightopt, each way in a process of its own, and prints by how much the
resident memory rises in a forward pass, a backward pass and a step, over what lies there between
steps: weights and states. It is the smallest of some steps after the first. Needs Linux.
"""

from __future__ import annotations

import argparse
import multiprocessing

import torch
import weightopt_torch
from torch import nn

from .machine import describe
from .memory import resident

STEPS = 5


def measure(in_backward: bool, layers: int) -> tuple[int, int]:
    """Return the bytes of all weights, and those of the peak in a step."""
    made = [nn.TransformerEncoderLayer(512, 8, 2048, 0.0, batch_first=True) for _ in range(layers)]
    module = nn.Sequential(*made)
    optimizer = weightopt_torch.create("adamw", module, lr=1e-4, step_in_backward=in_backward)
    x = torch.randn(1, 16, 512)

    def train() -> None:
        module(x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    train()
    peaks = [resident(train) for _ in range(STEPS)]
    return sum(one.nbytes for one in module.parameters()), min(peaks)


def main() -> None:
    """Print the peaks of both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12)
    layers = parser.parse_args().layers
    print(f"{describe()['processor']}, torch {torch.__version__}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for in_backward in (False, True):
            weights, peak = pool.apply(measure, (in_backward, layers))
            print(
                f"step_in_backward={in_backward!s:6} weights {weights / 1e6:6.1f} MB   "
                f"peak of a step {peak / 1e6:6.1f} MB more, {peak / weights:.2f} of the weights"
            )


if __name__ == "__main__":
    main()
