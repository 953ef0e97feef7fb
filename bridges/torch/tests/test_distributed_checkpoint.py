"""torch.distributed.checkpoint, across a change of the number of processes."""

import checkpoint_runs
import jobs
import pytest
import torch
from ranks import run

NAMES = jobs.names()
#: Noise is drawn for each shard, so with other shards it is another one.
ALIKE = [name for name in NAMES if name != "sgld"]
#: Norms add up squares shard by shard; with other shards a norm may differ in its last bit.
BOUND = {name: 0.0 for name in ALIKE} | {"lamb": 1e-7}
pytestmark = pytest.mark.slow


def largest(one, other):
    pairs = zip(one, other, strict=True)
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs)


@pytest.mark.parametrize(
    ("ways", "flat", "options"),
    [
        (("fully_shard", "fully_shard"), False, {}),
        (("fully_shard", "fully_shard"), True, {}),
        (("fully_shard", "fully_shard"), False, {"dtype": torch.bfloat16, "multi_precision": True}),
        (("ddp", "fully_shard"), False, {}),
        (("fully_shard", "ddp"), True, {}),
    ],
    ids=["shards", "flat", "master", "ddp to shards", "shards to ddp"],
)
def test_three_processes_go_on_where_two_stopped(ways, flat, options, tmp_path):
    names = ALIKE if ways == ("fully_shard", "fully_shard") else ["adamw", "lion"]
    given = tmp_path / "saved", options, flat
    two = run(2, checkpoint_runs.saved, tmp_path / "two", names, ways[0], *given)
    three = run(3, checkpoint_runs.resumed, tmp_path / "three", names, ways[1], *given)
    for name in names:
        assert largest(two[0][name], two[1][name]) == 0
        for one in three:
            assert largest(one[name], two[0][name]) <= BOUND[name]


def test_states_can_be_asked_for_before_the_first_step(tmp_path):
    found = run(2, jobs.call, tmp_path, both, (NAMES,), {})
    for asked, rate in found:
        assert asked == {name: ({0}, []) for name in NAMES}
        assert rate == 0.1 * 0.5**2


def both(names):
    return checkpoint_runs.asked_for_states(names), checkpoint_runs.scheduled()
