"""The step within a training loop of torch, right after the backward pass.

``.venv-torch/bin/python -m benchmarks.torch_loop``, after ``make test-torch``, trains three layers
of a transformer (9.5 million parameters in 36 tensors) with torch's AdamW, fused and by default,
and with AdamW of weightopt. It times the calls of ``step`` alone. All three are timed in blocks
that take turns, with a pause before each, and what is printed are ratios within a round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import weightopt_torch
from torch import nn

#: Before each block, so that threads that spin after the one before have gone to sleep.
PAUSE = 0.03
STEPS = 6


def network() -> nn.Module:
    """Return three layers of a transformer."""
    torch.manual_seed(0)
    layers = [nn.TransformerEncoderLayer(512, 8, 2048, 0.0, batch_first=True) for _ in range(3)]
    return nn.Sequential(*layers)


def made() -> dict[str, Callable[[Any], torch.optim.Optimizer]]:
    """Return what makes each optimizer, by name."""
    return {
        "torch fused": lambda p: torch.optim.AdamW(p, lr=1e-4, fused=True),
        "torch default": lambda p: torch.optim.AdamW(p, lr=1e-4),
        "weightopt": lambda p: weightopt_torch.create("adamw", p, lr=1e-4, weight_decay=0.01),
    }


def seconds_of_a_step(module: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """Train for a block, and return the median time of its steps but the first."""
    x = torch.randn(4, 32, 512, generator=torch.Generator().manual_seed(1))
    times = []
    time.sleep(PAUSE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        module(x).square().mean().backward()
        begin = time.perf_counter()
        optimizer.step()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])


def main() -> None:
    """Print the times, and the ratios to the step of weightopt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    runs = {}
    for name, make in made().items():
        module = network()
        runs[name] = module, make(module.parameters())
        seconds_of_a_step(*runs[name])
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds_of_a_step(*run))
    for name, own in times.items():
        ratios = [one / ours for one, ours in zip(own, times["weightopt"])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{name:14} {statistics.median(own) * 1e3:7.2f} ms   "
            f"{middle:.2f} times ours (quartiles {low:.2f} to {high:.2f})"
        )


if __name__ == "__main__":
    main()
