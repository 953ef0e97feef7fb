"""The command ``weightopt``, on what is installed here."""

import pytest
from click.testing import CliRunner

from weightopt_core.cli import main


def weightopt(*arguments):
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_list():
    done = weightopt("list")
    assert done.exit_code == 0
    lines = {line.split()[0]: line.split() for line in done.output.splitlines()}
    assert lines["adam"] == ["adam", "optimizer", "weightopt-adam", "0.1.0", "compiled"]
    assert lines["xavier"] == ["xavier", "initializer", "weightopt-xavier", "0.1.0", "Python"]
    assert "scheduler" in lines["factor"]


def test_show_an_optimizer():
    text = weightopt("show", "Adam").output
    assert "Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, **kwargs)" in text
    assert "a number in [0, 1)" in text
    assert "states: mean, var, compiled" in text
    assert "def adam(weight, grad, mean, var" in text
    assert "weightopt_adam" in text


@pytest.mark.parametrize("name", ["uniform", "factor"])
def test_show_others(name):
    assert weightopt("show", name).exit_code == 0


def test_show_what_is_unknown():
    done = weightopt("show", "adm")
    assert done.exit_code != 0
    assert "did you mean 'adam'" in done.output
