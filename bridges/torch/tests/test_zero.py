"""DistributedDataParallel, and ZeroRedundancyOptimizer under it, in processes of their own."""

import jobs
import pytest
import torch
import zero_runs
from ranks import run

NAMES = jobs.names()
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("count", [2, 4])
def test_weights_equal_those_of_one_process_and_states_are_split(count, tmp_path):
    found = run(count, zero_runs.equal_to_one_process, tmp_path, NAMES, torch.float32, {})
    for name in NAMES:
        assert [one[name][0] for one in found] == [None] * count
        held = [one[name][1] for one in found]
        assert sum(held) == found[0][name][2]
        assert max(held) < found[0][name][2]


@pytest.mark.parametrize(
    ("dtype", "options"),
    [(torch.float32, {}), (torch.bfloat16, {"multi_precision": True})],
    ids=["float32", "master"],
)
def test_a_consolidated_state_goes_on_bit_for_bit(dtype, options, tmp_path):
    found = run(2, zero_runs.resumed, tmp_path, NAMES, dtype, options)
    assert found == [{name: [] for name in NAMES}] * 2


def test_rounded_states_go_on_bit_for_bit(tmp_path):
    names = ["adamw"] if "adamw" in NAMES else NAMES[:1]
    found = run(2, zero_runs.resumed, tmp_path, names, torch.float32, {"state_dtype": "bfloat16"})
    assert found == [{name: [] for name in names}] * 2


def test_replicas_stay_equal(tmp_path):
    """What is drawn is the same everywhere, and gradients are taken as averaged."""
    cases = {
        "noise": ("sgld", {"seed": None}, False),
        "rounding": ("adamw", {"state_dtype": "bfloat16"}, False),
        "offload": ("adamw", {"offload": True}, False),
        "offload from buckets": ("adamw", {"offload": True}, True),
    }
    one, other = run(2, zero_runs.replicas, tmp_path, cases)
    for label in cases:
        assert one[label][0] is None
        assert all(map(torch.equal, one[label][1], other[label][1]))


def test_a_process_may_have_no_parameter(tmp_path):
    assert run(2, zero_runs.without_parameters, tmp_path) == [([], 1), ([], 0)]
