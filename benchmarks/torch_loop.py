"""The step within a training loop of torch, right after the backward pass.

``.venv-torch/bin/python -m benchmarks.torch_loop``, after ``make test-torch``, trains three layers
of a transformer (9.5 million parameters in 36 tensors) with torch's AdamW, fused and by default,
and with AdamW of weightopt. It times the calls of ``step`` alone. All three are timed in blocks
that take turns, with a pause before each, and what is printed are ratios within a round.
``--optimizer muon`` compares another one that torch has; of muon, the matrices alone are trained.
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


def network(count: int) -> nn.Module:
    """Return layers of a transformer."""
    torch.manual_seed(0)
    layers = [nn.TransformerEncoderLayer(512, 8, 2048, 0.0, batch_first=True) for _ in range(count)]
    return nn.Sequential(*layers)


#: torch's own, by the name that an optimizer has here.
PEERS: dict[str, dict[str, Callable[[Any], torch.optim.Optimizer]]] = {
    "adamw": {
        "torch fused": lambda p: torch.optim.AdamW(p, lr=1e-4, fused=True),
        "torch default": lambda p: torch.optim.AdamW(p, lr=1e-4),
    },
    "amsgrad": {
        "torch fused": lambda p: torch.optim.Adam(p, lr=1e-4, amsgrad=True, fused=True),
        "torch default": lambda p: torch.optim.Adam(p, lr=1e-4, amsgrad=True),
    },
    "radam": {"torch default": lambda p: torch.optim.RAdam(p, lr=1e-4)},
    "rprop": {"torch default": lambda p: torch.optim.Rprop(p, lr=1e-4)},
    "asgd": {"torch default": lambda p: torch.optim.ASGD(p, lr=1e-4)},
    "adafactor": {"torch default": lambda p: torch.optim.Adafactor(p, lr=1e-4)},
    "muon": {"torch default": lambda p: torch.optim.Muon(p, lr=1e-4)},
}


def made(name: str) -> dict[str, Callable[[Any], torch.optim.Optimizer]]:
    """Return what makes each optimizer, by name."""
    return PEERS[name] | {"weightopt": lambda p: weightopt_torch.create(name, p, lr=1e-4)}


def trained(module: nn.Module, name: str) -> list[nn.Parameter]:
    """Return the parameters that are trained; the others get no gradient."""
    if name == "muon":
        for parameter in module.parameters():
            parameter.requires_grad_(parameter.ndim == 2)
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


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
    parser.add_argument("--optimizer", choices=PEERS, default="adamw")
    parser.add_argument("--layers", type=int, default=3)
    given = parser.parse_args()
    runs = {}
    for name, make in made(given.optimizer).items():
        module = network(given.layers)
        runs[name] = module, make(trained(module, given.optimizer))
        seconds_of_a_step(*runs[name])
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.rounds):
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
