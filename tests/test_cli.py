"""The command ``weightopt``, on what is installed here."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from weightopt_core.cli import main
from weightopt_core.testing import makers


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
    assert "new weight = weight - step * mean' / (sqrt(var') + epsilon)\n" in text
    assert "def adam(weight, grad, mean, var" in text
    assert "weightopt_adam" in text


@pytest.mark.parametrize("name", ["uniform", "factor"])
def test_show_others(name):
    assert weightopt("show", name).exit_code == 0


def test_show_what_is_unknown():
    done = weightopt("show", "adm")
    assert done.exit_code != 0
    assert "did you mean 'adam'" in done.output


def test_check_has_a_column_for_each_device():
    summary, *table = weightopt("check", "zero", "--verbose").output.splitlines()
    names = [maker.name for maker in makers()]
    assert summary.startswith("initializer zero, weightopt-zero ")
    assert summary.endswith(f" passed; on {' and '.join(names)}")
    rows = {line.split()[0]: line.split()[1:] for line in table if line.strip()}
    assert rows["check"][0] == "cpu"
    assert rows["fills_in_place"] == ["passed"] * len(names)
    assert rows["gives_the_hosts_numbers"] == ["passed"] * (len(names) - 1)
    assert rows["examples_run"] == ["passed"]


def test_devices():
    cl = pytest.importorskip("pyopencl")
    try:
        names = [device.name.strip() for p in cl.get_platforms() for device in p.get_devices()]
    except cl.Error:
        names = []
    done = weightopt("devices")
    assert done.exit_code == (0 if names else 1)
    assert all(name in done.output for name in names)


@pytest.mark.parametrize(("hidden", "hint"), [("platforms", "[pocl]"), ("pyopencl", "[opencl]")])
def test_no_devices(hidden, hint):
    if hidden == "platforms":
        pytest.importorskip("pyopencl")
    code = f"import sys; sys.modules[{hidden!r}] = None\n"
    code += "from weightopt_core.cli import main; main(['devices'])"
    environment = os.environ | {"OCL_ICD_VENDORS": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f'pip install "weightopt-core{hint}"' in done.stderr
