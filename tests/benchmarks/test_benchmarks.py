"""The benchmark suite: what it measures is what it says. No test here looks at a time."""

import doctest
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import weightopt_core as mx

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))

from benchmarks import (  # noqa: E402
    memory,
    overheads,
    picture,
    plan,
    report,
    suite,
    tables,
    timing,
    workloads,
)
from benchmarks.__main__ import dumps, main  # noqa: E402
from benchmarks.algorithms import Algorithm, algorithms  # noqa: E402
from benchmarks.peers import peers  # noqa: E402
from benchmarks.project import RoundedStates, WeightOpt  # noqa: E402

ALGORITHMS = algorithms()


@pytest.fixture(autouse=True)
def threads():
    yield
    mx.set_num_threads(None)


def test_examples():
    assert doctest.testmod(workloads).failed == 0


@pytest.mark.parametrize(
    ("name", "tensors", "weights"),
    [("resnet50", 161, 25_557_032), ("gpt2", 148, 124_439_808), ("10000x100", 10_000, 1_000_000)],
)
def test_lists_of_tensors_are_those_of_the_models(name, tensors, weights):
    workload = workloads.workload(name)
    assert (len(workload.shapes), workload.weights) == (tensors, weights)


def test_arrays_are_normal_numbers_of_the_shapes():
    first, second = workloads.arrays([(3, 4), (100_000,)], workloads.dtype("bfloat16"), 0)
    assert first.shape == (3, 4)
    assert second.dtype.name == "bfloat16"
    assert abs(second.astype(np.float64).std() - 1) < 0.02


def test_ratios_are_those_of_the_rounds():
    one, other = timing.Times([1, 4, 9, 16, 25]), timing.Times([1, 2, 3, 4, 5])
    assert one.over(other) == (2, 3, 4)
    assert timing.quartiles([2]) == (2, 2, 2)
    assert one.median == 9


@pytest.mark.parametrize("settle", [False, True])
def test_functions_take_turns(settle, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls = []
    functions = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = timing.interleaved(functions, rounds=3, settle=settle)
    # They take a second by this clock: neither warmed up nor repeated.
    assert calls[:4] == [*"aabb"]
    assert [set(calls[i : i + 2]) for i in (4, 6, 8)] == [{"a", "b"}] * 3
    assert times["a"].seconds == [1, 1, 1]


def test_every_optimizer_with_a_rule_is_there_once():
    assert {"adam", "sgd", "sgd-momentum", "rmsprop-centered", "sgld"} <= set(ALGORITHMS)
    assert "ccsgd" not in ALGORITHMS
    states = {name: algorithm.states for name, algorithm in ALGORITHMS.items()}
    assert (states["sgd"], states["sgd-momentum"], states["adam"]) == (0, 1, 2)
    assert max(states.values()) <= 4  # limit.c has loops for a weight and four states


def test_the_plan_has_everything():
    cases = plan.cases(ALGORITHMS, [*plan.SINGLE, *plan.LISTS, *plan.CURVES], plan.DTYPES, (1, 2))
    steps = {(case.workload.name, case.dtype, case.algorithm) for case in cases}
    assert len(steps) == len(cases)
    for name in ALGORITHMS:
        assert {(workload, "float32", name) for workload in plan.SINGLE + plan.LISTS} <= steps
        assert {(plan.OUT_OF_CACHE, dtype, name) for dtype in plan.DTYPES} <= steps
    assert all(case.against for case in cases if case.algorithm == plan.LEADER)


@pytest.fixture(scope="module")
def results():
    """Return results of two rounds on tiny tensors."""
    some = {name: ALGORITHMS[name] for name in ("adam", "sgd-momentum")}
    cases = plan.cases(some, ("1e2", "1e3", "3x100"), (), (1, 2))
    numpy = peers()["NumPy out="]
    return {
        "machine": {
            "processor": "P", "cores": 2, "caches": {"L2": "1M"}, "simd": ["avx2"],
            "system": "S", "compiler": "C", "load": 0.5, "versions": {"numpy": "2"},
            "date": "2026-01-02",
        },
        "rounds": 2,
        "overheads": overheads.calls(2),
        "memory": memory.measure(some, ("1e3",)),
        "steps": suite.measure(cases, some, [numpy], 2),
    }  # fmt: skip


def test_results_are_ratios_to_the_project(results):
    rows = {(row["workload"], row["algorithm"], row["threads"]): row for row in results["steps"]}
    many = rows["3x100", "adam", 2]
    assert (many["weights"], many["tensors"]) == (300, 3)
    assert {"weightopt", "limit", "NumPy out=", "weightopt, updater"} <= set(many["times"])
    assert set(rows["3x100", "sgd-momentum", 1]["times"]) == {"weightopt", "limit"}
    assert all(row["times"]["weightopt"]["ratio"] == [1, 1, 1] for row in results["steps"])


def test_results_survive_json(results):
    assert json.loads(dumps(results)) == results


@pytest.mark.parametrize("state_dtype", ["bfloat16", "int8"])
def test_states_that_are_rounded_are_timed_where_states_leave_the_caches(state_dtype):
    names = {}
    for case in plan.cases(ALGORITHMS, plan.SINGLE, plan.DTYPES, (1, 2)):
        found = [each.name for each in suite.contestants(case, [])]
        names[case.workload.name, case.dtype, case.algorithm] = found
    rounded = RoundedStates(state_dtype)
    assert [case for case, found in names.items() if rounded.name in found] == [suite.ROUNDED]
    weights, grads = (workloads.arrays([(1000,)], np.float32, seed) for seed in range(2))
    rounded.step(weights, grads, ALGORITHMS["adam"])()
    assert "state_dtype" not in ALGORITHMS["adam"].arguments


def test_a_step_allocates_no_array():
    step = WeightOpt().step(*(workloads.arrays([(100_000,)], np.float32, s) for s in (0, 1)),
                            Algorithm("adam", "adam"))  # fmt: skip
    step()
    assert memory.allocated(step) < 40_000
    assert memory.allocated(lambda: np.ones(100_000, np.float32)) >= 400_000


def test_the_report_replaces_what_was_generated(results, tmp_path):
    (tmp_path / "images").mkdir()
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", "utf-8")
    source = tmp_path / "results.json"
    source.write_text(dumps(results), "utf-8")
    for _ in range(2):
        done = CliRunner().invoke(main, ["report", str(source), "--docs", str(tmp_path)])
        assert done.exit_code == 0, done.output
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert text.count("### Adam, 2 threads") == 1
    assert "| `adam` |" in text
    assert (tmp_path / "images" / "benchmarks.svg").read_text("utf-8").startswith("<?xml")


def test_the_picture_repeats_itself(results, tmp_path):
    for name in "ab":
        picture.draw(results, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_is_faster_than_the_project_is_bold():
    quick, slow = {"ratio": [0.5, 0.6, 0.7]}, {"ratio": [2, 300, 1000]}
    times = {"weightopt": {"ms": [1, 1, 1]}, "limit": quick, "peer": quick, "other": slow}
    row = {"workload": "1e5", "dtype": "float32", "threads": 1, "algorithm": "adam"}
    rows = {cells[0]: cells[1] for cells in tables.leader([row | {"times": times}], 1).rows}
    assert rows == {
        "weightopt takes": "1.00 ms",
        "limit": "0.60 ± 0.10",
        "peer": "**0.60 ± 0.10**",
        "other": "300 ± 499",
    }


def test_the_page_has_the_published_results_and_no_others():
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    generated = page.split(report.BEGIN)[1].split(report.END)[0].strip()
    published = ROOT / "docs" / "benchmarks.json"
    if published.exists():
        assert generated == report.markdown(json.loads(published.read_text("utf-8")))
    else:
        assert not generated


@pytest.mark.parametrize(
    ("option", "expected"),
    [("--peer", "one of DeepSpeed"), ("--optimizer", "one of ada"), ("--workload", "resnet50")],
)
def test_an_unknown_name_is_an_error_with_the_known_ones(option, expected):
    done = CliRunner().invoke(main, ["run", option, "nothing"])
    assert done.exit_code == 2
    assert f"expected {expected}" in done.output
