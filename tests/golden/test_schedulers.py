"""The recorded scheduler runs of MXNet 0.11."""

import itertools
import json
from pathlib import Path

import pytest

import weightopt_core as mx

RECORDED = json.loads((Path(__file__).parent / "sched.json").read_text())
TRACES = RECORDED["traces"]


def scheduler(trace):
    given = {} if trace["set_base_lr"] is None else {"base_lr": trace["set_base_lr"]}
    return mx.lr_scheduler.create(trace["class"], **trace["kwargs"], **given)


def name(trace):
    kwargs = json.dumps(list(trace["kwargs"].values()))
    return f"{trace['class']}-{kwargs}-{trace['set_base_lr']}-{trace['sequence_name']}"


def close(got, expected):
    return got == pytest.approx(expected, rel=1e-12, abs=0)


def growing(trace):
    """Return MXNet's answers to the numbers of updates from 1 to 200, asked in their order."""
    same = ("class", "kwargs", "set_base_lr")
    alike = [other for other in TRACES if all(other[key] == trace[key] for key in same)]
    (found,) = (other for other in alike if other["sequence_name"] == "1..200")
    return dict(zip(found["num_update"], found["lr"], strict=True))


def excused(trace):
    """Whether MXNet's answer depends on what was asked before: row 2 of docs/departures.md."""
    answers = growing(trace)
    asked = [answers.get(max(n, 1), trace["lr"][i]) for i, n in enumerate(trace["num_update"])]
    return not close(asked, trace["lr"])


EXCUSED = {name(trace): trace for trace in TRACES if excused(trace)}


@pytest.mark.parametrize("trace", [t for t in TRACES if name(t) not in EXCUSED], ids=name)
def test_matches_0_11(trace):
    schedule = scheduler(trace)
    assert close([schedule(n) for n in trace["num_update"]], trace["lr"])


@pytest.mark.parametrize("trace", EXCUSED.values(), ids=name)
def test_an_excused_sequence_is_answered_by_a_pure_function(trace):
    schedule = scheduler(trace)
    fresh = [scheduler(trace)(n) for n in trace["num_update"]]
    assert [schedule(n) for n in trace["num_update"]] == fresh
    assert schedule.base_lr == scheduler(trace).base_lr
    answers = growing(trace)
    for n in answers.keys() & set(trace["num_update"]):
        assert close(schedule(n), answers[n])


def test_exactly_the_excused_sequences_differ():
    differing = [
        name(trace)
        for trace in TRACES
        if not close([scheduler(trace)(n) for n in trace["num_update"]], trace["lr"])
    ]
    assert differing == list(EXCUSED)
    assert {trace["sequence_name"] for trace in EXCUSED.values()} == {
        "jump_then_back",
        "random_walk",
    }


@pytest.mark.parametrize("trace", TRACES, ids=name)
def test_mxnet_answers_for_the_largest_number_asked_so_far(trace):
    schedule = scheduler(trace)
    largest = itertools.accumulate(trace["num_update"], max)
    assert close([schedule(n) for n in largest], trace["lr"])


@pytest.mark.parametrize("case", RECORDED["errors"], ids=lambda c: json.dumps(c["kwargs"]))
def test_constructor_errors(case):
    with pytest.raises((ValueError, TypeError)) as caught:
        mx.lr_scheduler.create(case["class"], **case["kwargs"])
    if case["error"] != "AssertionError":
        assert type(caught.value).__name__ == case["error"]
