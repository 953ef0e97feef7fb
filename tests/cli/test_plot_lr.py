import struct
import sys

import pytest
from click.testing import CliRunner

import weightopt_core as mx
from weightopt_core.cli import main
from weightopt_core.cli.plot_lr import sketch


@pytest.fixture
def run(tmp_path):
    def run(*words):
        output = tmp_path / "curve.png"
        done = CliRunner().invoke(main, ["plot-lr", *words, "--output", str(output)])
        return done, output

    return run


SETS = ("--set", "warmup_steps=2", "--set", "max_update=4")


def rows(text):
    """Return update and learning rate of the lines that have both."""
    words = [line.split() for line in text.splitlines()]
    return {int(w[0]): float(w[1]) for w in words if len(w) > 1 and w[0].isdigit()}


def test_picture_and_sketch(run):
    done, output = run("factor", "--set", "step=100", "--set", "factor=0.5", "--base-lr", "0.1")
    assert done.exit_code == 0
    kind, width, height = struct.unpack(">8x4x4sII", output.read_bytes()[:24])
    assert (kind, width, height) == (b"IHDR", 840, 480)
    schedule = mx.lr_scheduler.FactorScheduler(100, 0.5, base_lr=0.1)
    found = rows(done.output)
    assert min(found) == 1
    assert max(found) == 1000
    assert found == pytest.approx({n: schedule(n) for n in found}, rel=1e-5)
    assert str(output) in done.output


def test_the_longest_bar_belongs_to_the_highest_rate(run):
    done, _ = run("factor", "--set", "step=10", "--set", "factor=0.5", "--updates", "20")
    bars = [line.count("█") for line in done.output.splitlines() if line[:1].isdigit()]
    assert bars[0] == 40
    assert bars[-1] == 20


def test_lists_are_json(run):
    done, _ = run("multifactor", "--set", "step=[2, 4]", "--set", "factor=0.1", "--updates", "5")
    assert done.exit_code == 0
    expected = {1: 0.01, 2: 0.01, 3: 0.001, 4: 0.001, 5: 0.0001}
    assert rows(done.output) == pytest.approx(expected)


def test_a_composition(run):
    done, _ = run("warmup:cosine", *SETS, "--base-lr", "0.5", "--updates", "6")
    schedule = mx.lr_scheduler.create("cosine", max_update=6, warmup_steps=2, base_lr=0.5)
    assert rows(done.output) == pytest.approx({n: schedule(n) for n in range(1, 7)}, abs=1e-6)


@pytest.mark.parametrize("rates", [[0.0], [0.0, 0.0], [1e-30, 1e-31]])
def test_a_sketch_of_few_or_no_heights(rates):
    assert sketch(rates).row_count == len(rates)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["factor"], "Error: FactorScheduler() needs 'step', a number in [1, inf)"),
        (["factor", "--set", "step=0"], "Error: step: expected a number in [1, inf), got 0"),
        (["factor", "--set", 'step="2"'], "Error: step: expected a number in [1, inf), got '2'"),
        (["factor", "--set", "stop=3"], "Error: FactorScheduler() needs 'step'"),
        (["factr"], "Error: unknown scheduler 'factr'; did you mean 'factor'"),
        (["factor", "--set", "step"], "expected NAME=VALUE, got 'step'"),
        (["factor", "--set", "step=x"], "step: expected JSON, got 'x'"),
        (["warmup:cosine"], "Error: WarmupScheduler() needs 'warmup_steps', an integer in"),
        (["warmup:", *SETS], "Error: schedule: expected NAME or NAME(ARGUMENT=VALUE, ...), and"),
        (["factor", "--updates", "0"], "Invalid value for '--updates'"),
        (
            ["factor", "--set", "step=1", "--base-lr", "-1"],
            "base_lr: expected a number in [0, inf)",
        ),
    ],
)
def test_errors_are_shown(run, words, message):
    done, output = run(*words)
    assert done.exit_code != 0
    assert message in done.output
    assert "Traceback" not in done.output
    assert not output.exists()


def test_an_output_that_cannot_be_written(tmp_path):
    output = tmp_path / "absent" / "curve.png"
    words = ["plot-lr", "factor", "--set", "step=1", "--output", str(output)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "Error: [Errno 2]" in done.output


def test_without_matplotlib_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done, _ = run("factor", "--set", "step=1")
    assert done.exit_code == 1
    assert 'pip install "weightopt-core[plot]"' in done.output
