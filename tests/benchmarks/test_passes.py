"""What is compared are steps of the same work."""

import numpy as np
import pytest

from benchmarks import passes


def test_each_way_steps():
    steps = passes.steps(((3,), (40_000,)))
    for _ in range(2):
        for step in steps.values():
            step()
    assert {way.partition(",")[0] for way in steps} == {
        "Adam", "guard", "guard and clipping", "average",
    }  # fmt: skip


@pytest.mark.parametrize("together", [True, False])
def test_both_ways_clip_alike(together):
    weight, grad = np.zeros(2, np.float32), np.array([3, 4], np.float32)
    optimizer = passes.wo.optimizer.create("sgd", learning_rate=1)
    if together:
        optimizer = passes.wo.optimizer.create("clipglobalnorm", optimizer=optimizer, max_norm=0.5)
    else:
        optimizer = passes.Apart(optimizer, 0.5)
    optimizer.update([0], [weight], [grad], [None])
    assert weight.tolist() == [np.float32(-0.3), np.float32(-0.4)]
