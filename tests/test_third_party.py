"""A stranger's package, made by the guide in an environment that has nothing but wheels."""

import re

import numpy as np
import pytest
from environments import ROOT, Environment, build_wheel, run

from weightopt_core.testing.arrays import same_bits, wild

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

GUIDE = (ROOT / "docs" / "third-party.md").read_text("utf-8")
(MODULE,) = re.findall(r"```python\n(from .*?__all__ = .*?)```", GUIDE, re.S)

STEPS = """
import sys
import numpy as np, weightopt_core as mx
arrays = np.load("arrays.npz")
optimizer = mx.optimizer.create("lion", wd=0.01, clip_gradient=0.5)
weight = arrays["weight"].copy()
state = optimizer.create_state(0, weight)
for grad in arrays["grads"]:
    optimizer.update(0, weight, grad, state)
np.savez("results.npz", weight=weight, mom=state)
print(optimizer.rule.compiled.reason or "compiled", "weightopt_adam" in sys.modules)
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Return an environment with wheels of the core and two plugins, and the tools of an author."""
    folder = tmp_path_factory.mktemp("stranger")
    wheels = [build_wheel(project, folder) for project in (".", "plugins/adam", "plugins/sgd")]
    environment = Environment(folder / "env")
    core, *plugins = wheels
    environment.install("setuptools", "wheel", "pytest", "ml-dtypes")
    environment.install(f"{core}[build,checkpoint,cli]", *plugins)
    return environment


@pytest.fixture
def author(stranger, tmp_path):
    """Return functions that make and install packages, and uninstall them afterwards."""
    made = []

    def new(kind, cls, *options):
        stranger.weightopt("new", kind, cls, "--folder", tmp_path, *options)
        made.append(f"weightopt-{cls.lower().removesuffix('scheduler')}")
        return tmp_path / made[-1]

    yield new
    stranger.pip("uninstall", "--yes", *made)


def install(environment, project):
    environment.install("--no-build-isolation", "--no-deps", project)


def run_tests(environment, project):
    """Run the tests of a package against what is installed of it."""
    command = [environment.bin / "python", "-m", "pytest", "-q", "--import-mode=importlib"]
    return run(*command, project / "tests", cwd=environment.folder)


@pytest.mark.parametrize(
    ("kind", "cls", "options", "runs"),
    [
        ("optimizer", "Tiger", [], "compiled"),
        ("optimizer", "Leopard", ["--plain"], "NumPy (not compiled)"),
        ("initializer", "Band", [], "Python"),
        ("scheduler", "DecayScheduler", [], "Python"),
    ],
)
def test_a_new_package_works_as_it_comes(kind, cls, options, runs, stranger, author):
    project = author(kind, cls, *options)
    assert (project / "setup.py").exists() == (runs == "compiled")
    install(stranger, project)
    (line,) = [line for line in stranger.weightopt("list").splitlines() if project.name in line]
    assert line.split()[1:4] == [kind, project.name, "0.1.0"]
    assert runs in line
    assert " passed" in run_tests(stranger, project)
    assert " passed" in stranger.weightopt("check", project.name)


def test_lion_by_the_guide(stranger, author):
    project = author("optimizer", "Lion")
    module = project / "weightopt_lion" / "__init__.py"
    module.write_text(MODULE)
    (project / "tests" / "test_lion.py").write_bytes(
        (ROOT / "plugins" / "lion" / "tests" / "test_lion.py").read_bytes()
    )
    install(stranger, project)
    assert " passed" in run_tests(stranger, project)
    assert "update_has_the_bits_of_the_rule" in stranger.weightopt("check", "lion", "--verbose")
    rng = np.random.default_rng(0)
    arrays = {"weight": wild(rng, 10_007, "f4"), "grads": wild(rng, (5, 10_007), "f4")}
    np.savez(stranger.folder / "arrays.npz", **arrays)
    assert stranger.python(STEPS).split() == ["compiled", "False"]
    compiled = dict(np.load(stranger.folder / "results.npz"))
    # Without its compiled module the same text runs on NumPy.
    stranger.python(
        """
        import importlib.util, pathlib
        folder = pathlib.Path(importlib.util.find_spec("weightopt_lion").origin).parent
        for library in folder.glob("_rules*"):
            library.unlink()
        """
    )
    assert stranger.python(STEPS).split() == ["not", "compiled", "False"]
    plain = dict(np.load(stranger.folder / "results.npz"))
    assert all(same_bits(compiled[name], plain[name]) for name in ("weight", "mom"))


def test_after_an_uninstall_create_says_how_to_get_it_back(stranger, author):
    install(stranger, author("optimizer", "Lion"))
    code = """
        import weightopt_core as mx
        for name in ("lion", "lionn", "quite-another"):
            try:
                print(mx.optimizer.create(name))
            except ValueError as error:
                print(error)
        print(mx.optimizer.create("adam"), mx.optimizer.create("sgd"))
        """
    assert stranger.python(code).startswith("Lion()\n")
    stranger.pip("uninstall", "--yes", "weightopt-lion")
    gone, misspelt, unknown, others = stranger.python(code).splitlines()
    assert gone == "optimizer 'lion' is not installed; pip install weightopt-lion"
    assert misspelt.startswith("unknown optimizer 'lionn'; did you mean 'lion'")
    assert "; install the package that provides it, or register() a class" in unknown
    assert others == "Adam() SGD()"


def test_what_fails_the_checks_exits_with_1(stranger, author):
    project = author("optimizer", "Tiger", "--plain")
    module = project / "weightopt_tiger" / "__init__.py"
    module.write_text(module.read_text().replace("weight - lr * mom", "weight + lr * mom"))
    install(stranger, project)
    with pytest.raises(AssertionError, match=r"minimises_a_quadratic +(cpu +)?failed"):
        stranger.weightopt("check", "weightopt-tiger")
