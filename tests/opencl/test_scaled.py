"""Gradients that are multiplied as a kernel reads them: the bits of the host."""

import numpy as np
import pytest
from devices import computes, every_device, is_slow, on_device, on_host
from pairs import DTYPES

import weightopt_core as wo
from weightopt_core.backends.opencl.traits import traits_of
from weightopt_core.optimizer import update_scaled
from weightopt_core.testing.arrays import same_bits


def draw(seed, queue):
    """Return several weights or gradients, as far as the device computes with them."""
    rng = np.random.default_rng(seed)
    sizes = [3, 0, 300] if is_slow(queue) else [3, 0, 5000, 70_001]
    return [
        rng.normal(size=size).astype(dtype)
        for size in sizes
        for dtype in DTYPES
        if computes(queue, dtype)
    ]


def flat(state):
    if isinstance(state, (tuple, list)):
        return [array for part in state for array in flat(part)]
    return [] if state is None else [state]


def run(optimizer, weights, grads, factors):
    """Step all weights together, then the first alone; return weights and states."""
    optimizer.noise_seed = 3
    indices = list(range(len(weights)))
    states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
    for some in (slice(None), slice(1), slice(None)):
        given = indices[some], weights[some], grads[some], states[some]
        update_scaled(optimizer, *given, factors)
    optimizer.update(indices, weights, grads, states)
    return weights + flat(states)


@every_device
@pytest.mark.parametrize("factors", [(0.3,), (0.7, 1e-20)], ids=["one", "two"])
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("adam", {}),
        ("adam", {"multi_precision": True}),
        ("adam", {"state_dtype": "int8"}),
        ("lamb", {"multi_precision": True}),
        ("sgld", {}),
    ],
)
def test_as_on_the_host(name, given, factors, queue):
    narrow = "state_dtype" in given
    weights, grads = draw(1, queue), draw(2, queue)
    if narrow:
        weights, grads = (
            [a for a in arrays if a.dtype != np.float64] for arrays in (weights, grads)
        )
    placed = [[on_device(queue, array, 3) for array in arrays] for arrays in (weights, grads)]
    on_queue = run(wo.optimizer.create(name, **given), *placed, factors)
    host = run(wo.optimizer.create(name, **given), weights, grads, factors)
    assert all(same_bits(on_host(one), other) for one, other in zip(on_queue, host, strict=True))
    assert all(map(same_bits, map(on_host, placed[1]), grads))


@every_device
def test_clipped_in_the_step(queue):
    if not traits_of(queue.device).float64:
        pytest.skip("the norm is summed in double")
    runs = []
    for place in (lambda values: values.copy(), lambda values: on_device(queue, values, 1)):
        optimizer = wo.optimizer.create("clipglobalnorm", optimizer="adam", max_norm=0.1)
        weights = [place(values) for values in draw(1, queue)]
        updater = wo.optimizer.get_updater(optimizer)
        for seed in (2, 3):
            grads = [place(values) for values in draw(seed, queue)]
            updater(list(range(len(weights))), grads, weights)
        runs.append([optimizer.norm, *weights])
    (norm, *weights), (other, *placed) = runs
    assert norm == other
    assert all(same_bits(one, on_host(two)) for one, two in zip(weights, placed, strict=True))
