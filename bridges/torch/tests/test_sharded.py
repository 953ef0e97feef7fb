"""Parameters that are DTensors, as FSDP2 has them, in processes of their own."""

import jobs
import pytest
import sharded_runs
import torch
import weightopt_torch
from ranks import run

import weightopt_core as wo

NAMES = jobs.names()


def has_norms(name):
    optimizer = jobs.optimizer_class(name)([torch.ones(1)], **jobs.settings(name))
    return bool(optimizer._engine.settings[0].core.rule.lowered.reduced)


NORMED = [name for name in NAMES if has_norms(name)]
DRAWING = [name for name in NAMES if getattr(wo.optimizer.registry.find(name).rule, "draws", False)]
ELEMENTWISE = [name for name in NAMES if name not in (*NORMED, *DRAWING)]
CASES = {
    "float32": (ELEMENTWISE, torch.float32, {}),
    "master": (ELEMENTWISE, torch.bfloat16, {"multi_precision": True}),
    "offload": (ELEMENTWISE, torch.float32, {"offload": True}),
    "operations": (ELEMENTWISE, torch.float32, {"compile": False}),
    "norms float32": (NORMED, torch.float32, {}),
    "norms float64": (NORMED, torch.float64, {}),
    "norms of large ones": (NORMED, torch.float64, {}, 1e200),
    "norms operations": (NORMED, torch.float32, {"compile": False}),
}
pytestmark = pytest.mark.slow

#: Whether fully_shard trains on processors, as it does not in torch 2.6.
TRAINS = hasattr(torch.cpu.Stream, "record_event")
trains = pytest.mark.skipif(not TRAINS, reason="fully_shard of this torch needs an accelerator")
ALL = {"trained_like_one_process": (ELEMENTWISE,)}
TRAINED = dict.fromkeys(["goes_on_from_memory", "sharded_later", "steps_in_backward"], ())


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    names = ["what_is_refused", "initialized_modules", "refuses_a_later_group"]
    calls = dict.fromkeys(names, ()) | {"initialized": (wo.init.registry.names(),)}
    return run_all(tmp_path_factory, (2,), **calls, **(ALL | TRAINED if TRAINS else {}))


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return run_all(tmp_path_factory, (3,), **(ALL if TRAINS else {}))


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    return run_all(tmp_path_factory, (2, 2), noise_of_shards=())


@pytest.fixture(params=["two", "three", "four"])
def found(request):
    return request.getfixturevalue(request.param)


def run_all(folders, mesh, **calls):
    count, folder = torch.Size(mesh).numel(), folders.mktemp("ranks")
    return run(count, jobs.call, folder, sharded_runs.everything, ((mesh, CASES),), calls)


@pytest.mark.parametrize("case", [case for case in CASES if "norms" not in case])
def test_every_layout_steps_as_one_process(found, case):
    assert ELEMENTWISE
    for one in found:
        assert set(one["stepped"][case].values()) == {0}


@pytest.mark.parametrize("case", [case for case in CASES if "norms" in case])
def test_norms_are_over_all_shards(found, case):
    """Squares are added in another order, so a norm may differ in its last bit.

    What it gives is one number by which a step is multiplied.
    """
    assert NORMED
    assert all(one["stepped"][case] == found[0]["stepped"][case] for one in found)
    assert max(found[0]["stepped"][case].values()) <= 1


@trains
def test_fully_shard_trains_as_one_process(two, three):
    """Of three processes some have no row of a parameter."""
    for one in [*two, *three]:
        assert one["trained_like_one_process"] == {name: [] for name in ELEMENTWISE}


def test_noise_is_another_one_in_each_shard_and_the_same_in_replicas(four):
    weights, groups = four[0]["noise_of_shards"]
    for one in four:
        assert one["noise_of_shards"][1] == groups
        assert all(map(torch.equal, one["noise_of_shards"][0], weights))
    halves = [half.flatten() for weight in weights for half in weight.split(2)]
    for i, half in enumerate(halves):
        assert 0.05 < half.std() < 0.2
        for other in halves[:i]:
            assert not (half == other).any()


def test_what_cannot_be_done_with_shards_is_refused(two):
    for one in two:
        messages, is_unchanged = one["what_is_refused"]
        assert "parameter 0: expected one that is sharded or replicated" in messages["partial"]
        assert "expected a plain tensor, as the parameter is one" in messages["shard for a whole"]
        assert "state_dtype: expected None or 'bfloat16', for sharded" in messages["8 bits"]
        assert "expected an optimizer that is a rule" in messages["own update"]
        assert "expected a compiled rule" in messages["not compiled"]
        assert is_unchanged


@trains
def test_a_state_in_memory_goes_on_bit_for_bit(two):
    assert [one["goes_on_from_memory"] for one in two] == [[], []]


@trains
def test_a_step_in_backward_takes_the_gradient_of_all_processes(two):
    for one in two:
        differs, warned, warned_of_plain = one["steps_in_backward"]
        assert differs == []
        assert not any("step_in_backward" in message for message in warned)
        assert any("replicas part" in message for message in warned_of_plain)


@trains
def test_parameters_that_are_sharded_later_are_trained(two):
    assert [one["sharded_later"] for one in two] == [[], []]


def test_initializers_fill_shards_as_they_fill_wholes(two):
    for one in two:
        assert one["initialized"] == {}


def test_modules_that_are_sharded_are_initialized_like_whole_ones(two):
    expected = jobs.model()
    weightopt_torch.init(expected, "xavier", seed=3)
    for one in two:
        (seeded, first, second), from_meta, messages = one["initialized_modules"]
        for weights in (seeded, from_meta):
            assert all(map(torch.equal, weights, expected.parameters()))
        assert all(map(torch.equal, first, two[0]["initialized_modules"][0][1]))
        assert not torch.equal(first[0], second[0])
        on_meta, partial = messages
        assert "0.weight: expected a parameter with memory, got one on meta" in on_meta
        assert "fc.weight: expected one that is sharded or replicated" in partial


def test_a_later_group_that_is_refused_leaves_the_others(two):
    for one in two:
        for message, is_unchanged, steps in one["refuses_a_later_group"].values():
            assert message.startswith("ValueError: shape of grad: expected (2, 3), got (4, 3)")
            assert is_unchanged
            assert steps == [1, 1]
