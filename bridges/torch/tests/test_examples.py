"""The examples with torch's gradients: each of them in a run of seconds."""

import pytest

torch = pytest.importorskip("torch")

import importlib

from click.testing import CliRunner
from pages import ROOT


@pytest.fixture
def example(monkeypatch):
    """Return the command of an example by its name."""
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    pytest.importorskip("rich")
    monkeypatch.syspath_prepend(ROOT / "examples")
    return lambda name: importlib.import_module(name).main


@pytest.mark.parametrize(
    ("name", "words", "printed"),
    [
        ("torch_digits", ["--epochs", "3"], "test accuracy 0."),
        ("torch_digits", ["--epochs", "2", "--optimizer", "lion", "--set", "lr=0.01"], "accuracy"),
        ("torch_chars", ["--updates", "2", "--width", "8", "--optimizer", "lion"], "lion: loss "),
    ],
)
def test_a_short_run_draws_curves(tmp_path, example, name, words, printed):
    output = tmp_path / "curves.png"
    done = CliRunner().invoke(example(name), [*words, "--output", str(output)])
    assert done.exit_code == 0, done.output
    assert printed in done.output
    assert output.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("torch_digits", ["--optimizer", "adma"], "unknown optimizer 'adma'; did you mean 'adam'"),
        ("torch_digits", ["--initializer", "xaver"], "did you mean 'xavier'"),
        ("torch_digits", ["--set", "wd=1"], "SGD() has no 'wd' here; use weight_decay"),
        ("torch_digits", ["--set", "momentum=2"], "momentum: expected a number in [0, 1), got 2"),
        ("torch_chars", ["--optimizer", "adma"], "unknown optimizer 'adma'; did you mean 'adam'"),
        ("torch_chars", ["--lr", "-1"], "lr: expected a number in [0, inf), got -1.0"),
    ],
)
def test_what_they_refuse_is_one_line(example, name, words, message):
    done = CliRunner().invoke(example(name), words)
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert message in done.output
    assert done.output.count("\n") == 1


def test_digits_learns(example, tmp_path):
    words = [
        "--epochs",
        "10",
        "--optimizer",
        "adam",
        "--initializer",
        "xavier",
        "--output",
        str(tmp_path / "curves.png"),
    ]
    done = CliRunner().invoke(example("torch_digits"), words)
    assert float(done.output.split("test accuracy ")[1].split(",")[0]) > 0.85
