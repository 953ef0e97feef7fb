"""The command ``weightopt``, on what is installed here and beside packages with odd contents."""

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


STRANGE = """
import weightopt_core

class Worse:
    def __repr__(self):
        raise RuntimeError

class Mine(weightopt_core.Optimizer):
    "Łojasiewicz's method, [bold]brackets[/bold], [/nothing] and list[int] :smile:."
    def __init__(self, groups: "list[str]" = (), sep="[/x]", last=1):
        super().__init__()
"""
NAME = "my-companys-very-own-second-order-optimizer-of-2026"


@pytest.fixture
def strange(tmp_path):
    """Return a function that runs the command beside a package whose module has a given text."""

    def run(*words, text=STRANGE, name=NAME, stdout=subprocess.PIPE, **env):
        (tmp_path / "mine.py").write_text(text, "utf-8")
        info = tmp_path / "mine-1.0.dist-info"
        info.mkdir()
        points = f"[weightopt.optimizers]\n{name} = mine:Mine\n"
        (info / "entry_points.txt").write_text(points, "utf-8")
        (info / "METADATA").write_text(f"Name: weightopt-{name}\nVersion: 1.0\n", "utf-8")
        env = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"} | env
        return subprocess.run(
            [sys.executable, "-m", "weightopt_core.cli", *words],
            env=env,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )

    return run


def test_others_text_is_printed_as_it_is_written(strange):
    done = strange("show", NAME)
    assert done.returncode == 0, done.stderr
    assert "Mine(groups: 'list[str]' = (), sep='[/x]', last=1), optimizer" in done.stdout
    assert "Łojasiewicz's method, [bold]brackets[/bold], [/nothing] and list[int] :smile:." in (
        done.stdout
    )


@pytest.mark.parametrize("words", [["list"], ["show", NAME], ["check", NAME]])
def test_an_error_with_brackets_and_lines_is_printed_whole(strange, words):
    text = """raise ImportError('no file [/etc/mine];\\npip install "mine[all]"')"""
    done = strange(*words, text=text)
    assert done.returncode == (words != ["list"])
    printed = " ".join((done.stdout + done.stderr).split())
    assert 'no file [/etc/mine]; pip install "mine[all]"' in printed
    assert "Traceback" not in done.stderr


def test_nothing_is_cut_in_a_pipe_and_no_line_ends_in_spaces(strange):
    lines = strange("list", COLUMNS="20", FORCE_COLOR="1").stdout.splitlines()
    assert f"weightopt-{NAME} " in next(line for line in lines if line.startswith("mycompanys"))
    assert any(line.startswith("adam ") for line in lines)
    assert not [line for line in lines if line.endswith(" ")]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict"])
@pytest.mark.parametrize("command", ["list", "show"])
def test_what_a_terminal_lacks_is_escaped(strange, command, encoding):
    name = NAME + "-ł"
    words = [name] if command == "show" else []
    done = strange(command, *words, name=name, LC_ALL="C", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert (r"\u0142" if command == "list" else r"\u0141ojasiewicz") in done.stdout


def test_bars_are_drawn_in_ascii_where_that_is_all(tmp_path):
    words = ["factor", "--set", "step=10", "--updates", "5", "--output", str(tmp_path / "a.png")]
    done = subprocess.run(
        [sys.executable, "-m", "weightopt_core.cli", "plot-lr", *words],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "#" * 40 in done.stdout


@pytest.mark.parametrize("words", [["list"], ["show", NAME], ["devices"], ["--help"]])
def test_a_pipe_that_closes_early_is_no_error_to_read(strange, words):
    reading, writing = os.pipe()
    os.close(reading)
    done = strange(*words, stdout=writing)
    os.close(writing)
    assert done.stderr == ""


def test_a_closed_output_is_no_error():
    command = f"{sys.executable} -m weightopt_core.cli list >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


ODD = {
    "default": STRANGE.replace("last=1", "last=Worse()"),
    "signature": STRANGE + "\nMine.__signature__ = 3\n",
    "docstring": STRANGE + "\nMine.__doc__ = 3\n",
    "module": STRANGE + "\nMine.__module__ = 'elsewhere'\n",
    "no module": STRANGE + "\nMine.__module__ = None\n",
    "source": f"exec({STRANGE!r})",
}


@pytest.mark.parametrize("text", ODD.values(), ids=list(ODD))
def test_show_says_what_can_be_found_out(strange, text):
    done = strange("show", NAME, text=text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Mine(")
    assert "learning_rate" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("source: ")


@pytest.mark.parametrize("words", [["list"], ["show", "adam"], ["check", "adam"]])
def test_what_is_wrong_in_a_strict_environment_is_one_line(strange, words):
    done = strange(*words, text="import nothing_of_this_name", WEIGHTOPT_STRICT="1")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: WEIGHTOPT_STRICT: ")
    assert done.stderr.count("\n") == 1
