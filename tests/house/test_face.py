"""The package ``weightopt``: the core under a shorter name."""

import importlib
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import weightopt
from pages import run_python

import weightopt_core

META = Path(weightopt.__file__).parents[1]
MODULES = [name for name in weightopt.__all__ if isinstance(getattr(weightopt, name), ModuleType)]


def test_every_public_name_is_the_cores():
    assert set(weightopt_core.__all__) < set(weightopt.__all__)
    for name in weightopt.__all__:
        assert getattr(weightopt, name) is getattr(weightopt_core, name)
    assert META.name == "meta"


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_imported_once(name):
    assert importlib.import_module(f"weightopt.{name}") is getattr(weightopt_core, name)


def run(*words):
    return subprocess.run(
        [sys.executable, *words], cwd=META, text=True, capture_output=True, check=False
    )


@pytest.mark.parametrize(
    "code",
    [
        "from weightopt.optimizer import Adam; print(Adam())",
        "import weightopt.optimizer; print(weightopt.optimizer.Adam())",
        "import weightopt.optimizer as opt; print(opt.create('adam'))",
        "from weightopt import optimizer; print(optimizer.create('adam'))",
        "import weightopt as wo; print(wo.optimizer.create('adam'))",
        "from weightopt import *; print(optimizer.create('adam'))",
        "import weightopt_core, weightopt.init, weightopt as wo; print(wo.optimizer.Adam())",
    ],
)
def test_ways_to_import(code):
    done = run("-c", code)
    assert (done.stdout, done.stderr) == ("Adam()\n", "")


def test_rules_and_classes_are_written_with_it():
    from weightopt import Optimizer, update_rule
    from weightopt.hyperparameters import Real
    from weightopt.rule import clip

    @update_rule
    def halved(weight, grad, *, lr, wd, rescale_grad, clip_gradient, share):
        return weight - lr * share * clip(rescale_grad * grad, clip_gradient)

    class Halved(Optimizer):
        share = Real(0.5, "[0, 1]")
        rule = halved

    weight = np.ones(2)
    Halved(learning_rate=1.0).update(0, weight, np.ones(2), None)
    assert weight.tolist() == [0.5, 0.5]


@pytest.mark.usefixtures("isolated")
def test_what_its_readme_shows():
    run_python(META / "README.md")


def test_objects_pickle_as_the_cores():
    adam = pickle.loads(pickle.dumps(weightopt.optimizer.create("adam")))
    assert isinstance(adam, weightopt_core.Optimizer)


def test_the_command():
    assert run("-m", "weightopt", "--version").stdout.endswith(f"{weightopt_core.__version__}\n")
    done = run("-m", "weightopt", "show", "adma")
    assert done.returncode == 1
    assert "did you mean 'adam'" in done.stderr


def test_importing_it_loads_no_more_than_the_core():
    code = (
        "import sys, {0}; print(*sorted(m for m in sys.modules if not m.startswith('weightopt.')))"
    )
    core, face = (
        set(run("-c", code.format(name)).stdout.split()) for name in ("weightopt_core", "weightopt")
    )
    assert face - core == {"weightopt"}
