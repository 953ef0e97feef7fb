import struct

import numpy as np
import pytest
from click.testing import CliRunner

from weightopt_core.cli import compare, main
from weightopt_core.testing import digits


@pytest.fixture
def run(tmp_path):
    def run(*words):
        output = tmp_path / "compared.png"
        done = CliRunner().invoke(main, ["compare", *words, "--output", str(output)])
        return done, output

    return run


def test_a_row_for_each_and_a_picture(run):
    names = "adam", "sgd(learning_rate=0.1, momentum=0.9)", "lookahead:adam(learning_rate=0.01)"
    done, output = run(*names, "--epochs", "3")
    assert done.exit_code == 0, done.output
    assert struct.unpack(">8x4x4sII", output.read_bytes()[:24]) == (b"IHDR", 1080, 480)
    rows = done.output.splitlines()[1:4]
    for name, row in zip(names, rows, strict=True):
        assert row.startswith(f"{name}, rate ")
        assert float(row.split()[-1]) > 0.6


def test_all_begin_alike_and_a_rate_is_used():
    data = digits.load(0)
    curves = [
        compare.train(compare.Maker("sgd"), rate, data, 1, 0, lambda: None)
        for rate in (0.001, 0.1, 0.1)
    ]
    assert curves[0].losses[0] == curves[1].losses[0]
    assert curves[0].losses[-1] > curves[1].losses[-1]
    assert curves[1] == curves[2]


def test_a_tuned_rate_is_the_best_of_those_tried(run, monkeypatch):
    monkeypatch.setattr(compare, "RATES", [1e-6, 0.1, 1e6])
    monkeypatch.setattr(compare, "TRIED", 1)
    done, _ = run("sgd", "sgd(learning_rate=0.001)", "--epochs", "1", "--tune")
    assert "sgd, rate 0.1 " in done.output
    assert "sgd(learning_rate=0.001), rate 0.001 " in done.output


def test_a_loss_that_is_no_number_is_the_worst():
    assert compare.Curves("", [1.0, np.nan], [0.1]).loss() == np.inf
    assert compare.Curves("", [9.0, 1.0, 2.0], [0.1, 0.1, 0.1]).loss() == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "unknown optimizer 'nobody'"),
        (["sgd(learning_rate=-1)"], "learning_rate: expected"),
        (["sgd(learning_rate"], "expected NAME or NAME(ARGUMENT=VALUE"),
        (["lookahead(optimizer=sgd):adam"], "optimizer: expected one value"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(run, words, said):
    done, output = run("sgd", *words)
    assert done.exit_code == 1
    assert said in done.output
    assert not output.exists()


def test_the_gradients_are_those_of_the_loss():
    generator = np.random.default_rng(0)
    x, y = generator.random((5, 64)), generator.integers(0, 10, 5)
    params = {name: generator.standard_normal(shape) for name, shape in digits.SHAPES.items()}
    grads = digits.backward(params, x, y, *digits.forward(params, x))

    def loss():
        return -digits.forward(params, x)[1][np.arange(5), y].sum()

    for name, values in params.items():
        place = tuple(size // 2 for size in values.shape)
        before = values[place]
        ends = []
        for step in (1e-6, -1e-6):
            values[place] = before + step
            ends.append(loss())
        values[place] = before
        # Of a difference over 2e-6 about nine digits are lost.
        assert grads[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-6)
