"""The model of machines with many cores."""

import numpy as np
import pytest

from benchmarks.many_cores import GRAIN, PLACES, Machine, efficiency, owners, shares


@pytest.mark.parametrize("threads", [1, 2, 3, 7, 63, 64])
@pytest.mark.parametrize("count", [1, GRAIN, 68 * GRAIN - 1, 1_000_000])
def test_shares_are_equal_but_for_one_part(count, threads):
    bounds = shares(count, threads)
    parts = np.diff(np.ceil(bounds / GRAIN))
    assert (bounds[0], bounds[-1]) == (0, count)
    assert parts.max() - parts.min() <= 1
    assert (np.diff(owners(count, threads)) >= 0).all()


def test_no_step_beats_the_memory_and_one_node_gives_half():
    machine = Machine(8, 2, core=100.0, memory=200.0, link=1000.0)
    for place in PLACES:
        assert efficiency(machine, 8 * GRAIN, 8, place) <= 1
    # Half of the cores reach what their node has; all of them, with all pages there, no more.
    assert efficiency(machine, 8 * GRAIN, 4, "all by one thread") == 0.5
    assert efficiency(machine, 8 * GRAIN, 8, "all by one thread") == 0.5
    assert efficiency(machine, 8 * GRAIN, 8, "all by the step") == 1
    slow = machine._replace(link=50.0)
    assert efficiency(slow, 8 * GRAIN, 8, "all by one thread") == 0.25
