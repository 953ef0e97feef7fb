"""The examples: each of them in a run of seconds, and the gradients that they write by hand."""

import importlib.util
import runpy
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import pyplot as plt

from weightopt_core import optimizer
from weightopt_core.registry.published import PUBLISHED

matplotlib.use("Agg")
FOLDER = Path(__file__).parents[2] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "words", "printed"),
    [
        ("digits", ["--epochs", "3"], "test accuracy 0."),
        ("digits", ["--epochs", "3", "--scheduler", "MultiFactor"], "test accuracy 0."),
        ("digits", ["--epochs", "3", "--scheduler", "none"], "test accuracy 0."),
        ("digits", ["--epochs", "1", "--schedule", "step=5", "--set", "wd=0"], "test accuracy 0."),
        ("digits", ["--epochs", "1", "--initializer", '["constant", {"value": 0.1}]'], "accuracy"),
        ("chars", ["--updates", "3", "--hidden", "8"], "forget bias 1: loss "),
    ],
)
def test_a_short_run_draws_curves(tmp_path, name, words, printed):
    output = tmp_path / "curves.png"
    done = CliRunner().invoke(example(name).main, [*words, "--output", str(output)])
    assert done.exit_code == 0, done.output
    assert printed in done.output
    assert output.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--optimizer", "adma"], "unknown optimizer 'adma'; did you mean 'adam'"),
        (["--initializer", "xaver"], "unknown initializer 'xaver'; did you mean 'xavier'"),
        (["--initializer", "constant"], "Constant() needs 'value'"),
        (["--set", "momentun=0.9"], "SGD() has no argument 'momentun'; did you mean 'momentum'"),
        (["--set", "momentum"], "'momentum': expected NAME=VALUE"),
        (["--set", "momentum=high"], "'momentum=high': expected NAME=VALUE"),
        (["--set", "momentum=2"], "momentum: expected a number in [0, 1), got 2"),
        (["--scheduler", "cosin"], "unknown scheduler 'cosin'; did you mean 'cosine'"),
        (["--schedule", "steps=3"], "FactorScheduler() has no argument 'steps'; did you mean"),
        (["--scheduler", "none", "--schedule", "step=3"], "expected no arguments beside"),
    ],
)
def test_what_digits_refuses_is_one_line(words, message):
    done = CliRunner().invoke(example("digits").main, words)
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert message in done.output
    assert done.output.count("\n") == 1


def test_what_chars_refuses_is_one_line():
    for option, name in (("--optimizer", "adma"), ("--initializer", "xaver")):
        done = CliRunner().invoke(example("chars").main, [option, name])
        assert done.exit_code == 2
        assert done.output.startswith(f"Error: unknown {option[2:]} {name!r}; did you mean ")
        assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("gallery/plot_*.py")), ids=lambda path: path.stem
)
def test_the_gallery_runs(path, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    runpy.run_path(str(path))
    assert plt.get_fignums()
    plt.close("all")


#: Those that hold others, or take no vectors, learn in tests/optimizer/test_convergence.py.
LEARNING = sorted(
    name
    for name in set(PUBLISHED["weightopt.optimizers"]) - {"test"}
    for found in [optimizer.registry.find(name)]
    if not issubclass(found, optimizer.Wrapper) and not found.conformance.dimensions
)


@pytest.mark.parametrize("name", LEARNING)
def test_digits_learns_with_every_optimizer(name):
    digits = example("digits")
    optimizer, initializer = digits.choices(name, {}, "xavier", "none", {})
    curves = digits.train(optimizer, initializer, 10, 0)
    assert curves["test accuracy"][-1] > 0.85


def test_chars_learns_and_repeats_itself(tmp_path):
    words = ["--updates", "30", "--hidden", "16", "--forget-bias", "0.5", "--seed", "3"]
    runs = [
        CliRunner().invoke(example("chars").main, [*words, "--output", str(tmp_path / "a.png")])
        for _ in range(2)
    ]
    losses = [float(run.output.split("loss ")[1].split()[0]) for run in runs]
    assert losses[0] == losses[1] < np.log(97) - 0.5


def test_chars_gradients_are_those_of_finite_differences():
    chars = example("chars")
    rng = np.random.default_rng(0)
    params = chars.parameters("xavier", 5, 3, 1.0)
    params = {name: array.astype(np.float64) for name, array in params.items()}
    for array in params.values():
        array += 0.1 * rng.normal(size=array.shape)
    x, y = rng.integers(0, 5, (2, 6, 2))
    state = 0.5 * rng.normal(size=(2, 2, 3))
    grads = chars.loss_and_grads(params, x, y, state)[1]
    for name, array in params.items():
        numeric = np.empty_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            sides = []
            for value in (kept + 1e-6, kept - 1e-6):
                array[index] = value
                sides.append(chars.loss_and_grads(params, x, y, state)[0])
            array[index] = kept
            numeric[index] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(grads[name], numeric, atol=1e-8)
