"""Steps of torch's parameters on an accelerator: their bits, and their times.

``python -m benchmarks.torch_device``, where torch finds an accelerator, steps every installed
optimizer there and on the host, where the compiled kernels have NumPy's bits, and prints how far
they are apart after some steps, in units in the last place. Then it times AdamW against torch's own
on one large parameter and on the parameters of a transformer, in blocks that take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import weightopt_torch
from torch import nn

import weightopt_core as wo

from .machine import describe

LENGTH, STEPS = 10_007, 20
DTYPES = {"float64": torch.int64, "float32": torch.int32}
DTYPES |= {"bfloat16": torch.int16, "float16": torch.int16}
#: Before each block, so that threads that spin after the one before have gone to sleep.
PAUSE, CALLS = 0.03, 10


def names() -> list[str]:
    """Return the optimizers whose rules run as operations of torch, each once."""
    classes = {wo.optimizer.registry.find(name): name for name in wo.optimizer.registry.names()}
    return [name for cls, name in classes.items() if getattr(cls, "rule", None) is not None]


def stepped(name: str, dtype: str, device: str, **options: Any) -> torch.Tensor:
    """Return a weight after some steps, in host memory."""
    generator = torch.Generator().manual_seed(0)
    first, *grads = (
        torch.randn(LENGTH, generator=generator, dtype=torch.float64) for _ in range(1 + STEPS)
    )
    kind = getattr(torch, dtype)
    parameter = torch.nn.Parameter(first.to(kind).to(device))
    wo.random.seed(0)
    own = {"seed": 1} if "seed" in wo.optimizer.registry.find(name).hyperparameters else {}
    optimizer = weightopt_torch.create(name, [parameter], weight_decay=0.01, **own, **options)
    for grad in grads:
        parameter.grad = grad.to(kind).to(device)
        optimizer.step()
    return parameter.detach().cpu()


def apart(one: torch.Tensor, other: torch.Tensor, dtype: str) -> tuple[int, int]:
    """Return how many numbers differ, and by how many units in the last place at most."""
    words = [tensor.view(DTYPES[dtype]).to(torch.int64) for tensor in (one, other)]
    lowest = torch.iinfo(DTYPES[dtype]).min
    ordered = [torch.where(word < 0, lowest - word, word) for word in words]
    distance = (ordered[0] - ordered[1]).abs()
    return int((distance > 0).sum()), int(distance.max())


def print_bits(device: str, compiled: bool) -> None:
    """Print how far each optimizer is from the host."""
    for name in names():
        for dtype in ["float32"] if compiled else DTYPES:
            host = stepped(name, dtype, "cpu")
            there = stepped(name, dtype, device, compile=compiled)
            differ, most = apart(host, there, dtype)
            print(
                f"{name:12} {dtype:8} {'compiled' if compiled else 'eager':8} "
                f"{differ:6} of {LENGTH} differ, by {most} units at most",
                flush=True,
            )


def shapes_of_a_transformer() -> list[tuple[int, ...]]:
    """Return the shapes of three layers."""
    layer = nn.TransformerEncoderLayer(512, 8, 2048, 0.0, batch_first=True)
    return [tuple(parameter.shape) for parameter in layer.parameters()] * 3


def print_times(device: str, shapes: list[tuple[int, ...]], title: str, rounds: int) -> None:
    """Print the times of steps, and their ratios to torch's fused step."""
    made: dict[str, Callable[[Any], Any]] = {
        "torch fused": lambda p: torch.optim.AdamW(p, lr=1e-4, fused=True),
        "torch default": lambda p: torch.optim.AdamW(p, lr=1e-4),
        "weightopt, compile=True": lambda p: weightopt_torch.create(
            "adamw", p, lr=1e-4, compile=True
        ),
        "weightopt": lambda p: weightopt_torch.create("adamw", p, lr=1e-4),
        "weightopt, offload=True": lambda p: weightopt_torch.create(
            "adamw", p, lr=1e-4, offload=True
        ),
    }
    runs = {}
    for name, make in made.items():
        parameters = [nn.Parameter(torch.randn(shape, device=device)) for shape in shapes]
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        runs[name] = make(parameters)
        block(runs[name])
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, optimizer in runs.items():
            times[name].append(block(optimizer))
    weights = sum(int(np.prod(shape)) for shape in shapes)
    print(f"{title}: {weights:,} weights, float32, AdamW")
    for name, own in times.items():
        ratios = [one / fused for one, fused in zip(own, times["torch fused"])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        traffic = weights * 28 / statistics.median(own) / 1e9
        print(
            f"  {name:24} {statistics.median(own) * 1e3:8.3f} ms  {traffic:6.0f} GB/s  "
            f"{middle:6.2f} times torch fused ({low:.2f} to {high:.2f})",
            flush=True,
        )


def block(optimizer: Any) -> float:
    """Return the mean time of some steps."""
    time.sleep(PAUSE)
    finish()
    begin = time.perf_counter()
    for _ in range(CALLS):
        optimizer.step()
    finish()
    return (time.perf_counter() - begin) / CALLS


def finish() -> None:
    """Wait until the device has done all that it was given."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def main() -> None:
    """Print bits and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=100_000_000)
    parser.add_argument("--only", choices=["bits", "times"])
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device == "cuda" else options.device
    print(f"{name}, {describe()['processor']}, torch {torch.__version__}", flush=True)
    if options.only != "bits":
        print_times(options.device, [(options.size,)], "one parameter", options.rounds)
        shapes = shapes_of_a_transformer()
        print_times(options.device, shapes, f"{len(shapes)} parameters", options.rounds)
    if options.only != "times":
        print_bits(options.device, compiled=False)
        print_bits(options.device, compiled=True)


if __name__ == "__main__":
    main()
