import struct

import pytest
from click.testing import CliRunner

import weightopt_core as wo
from weightopt_core.cli import bench, main


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PAUSE", 0)
    output = tmp_path / "drawn.png"

    def run(*words):
        done = CliRunner().invoke(main, ["bench", *words, "--output", str(output)])
        return done, output

    return run


def test_a_row_for_each_size_and_a_picture(run):
    names = "adam", "sgd(momentum=0.9)", "lookahead:sgd"
    done, output = run(*names, "--sizes", "100,2e3", "--rounds", "2")
    assert done.exit_code == 0, done.output
    assert struct.unpack(">8x4x4sII", output.read_bytes()[:24]) == (b"IHDR", 960, 540)
    rows = [line.split() for line in done.output.splitlines()[1:7]]
    assert [row[:3] for row in rows] == [
        [name, size, moved]
        for name, moved in zip(names, ("28", "20", "20"))
        for size in ("100", "2e+03")
    ]
    assert all(float(row[-1].rstrip("%")) > 0 for row in rows)


def test_by_default_all_that_have_a_rule(run):
    done, _ = run("--sizes", "10", "--rounds", "2")
    assert done.exit_code == 0, done.output
    found = {line.split()[0] for line in done.output.splitlines()[1:-1]}
    assert {"adam", "lamb", "sgd"} <= found
    assert not {"muon", "lookahead", "ema"} & found  # of the host, and of other optimizers


def test_what_is_measured_is_the_step():
    """Weights, gradients and states are those of a step, and one of the limit moves as much."""
    figures = bench.measured(wo.optimizer.create("adam"), 1000, 2)
    assert (figures.weights, figures.moved) == (1000, 28)
    assert figures.seconds > 0
    assert figures.of_limit > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "unknown optimizer 'nobody'"),
        (["sgd(learning_rate=-1)"], "learning_rate: expected"),
        (["sgd", "--sizes", "0"], "sizes: expected numbers above 0"),
        (["sgd", "--sizes", "many"], "sizes: expected numbers above 0"),
        (["sgd", "--sizes", "inf"], "sizes: expected numbers above 0"),
        (["sgd", "--rounds", "1"], "1 is not in the range"),
    ],
)
def test_refusals(run, words, said):
    done, output = run(*words)
    assert done.exit_code
    assert said in done.output
    assert not output.exists()
