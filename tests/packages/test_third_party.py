"""A stranger's package, made by the guide in an environment that has nothing but wheels."""

import re

import numpy as np
import pytest
from environments import ROOT, run

from weightopt_core.testing.arrays import same_bits, wild

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

GUIDE = (ROOT / "docs" / "third-party.md").read_text("utf-8")
(MODULE,) = re.findall(r"```python\n(from .*?__all__ = .*?)```", GUIDE, re.S)
(NUMBERS,) = re.findall(r"```python\n(def test_.*?)```", GUIDE, re.S)

#: Steps weights on the host and on every OpenCL device; saves what comes out, prints how.
STEPS = """
import sys, warnings
import numpy as np, weightopt_core as mx
from weightopt_core.testing import makers
warnings.simplefilter("ignore")
arrays = np.load("arrays.npz")
results = {}
for maker in makers():
    optimizer = mx.optimizer.create("lion", wd=0.01, clip_gradient=0.5)
    weight = maker.make(arrays["weight"])
    state = optimizer.create_state(0, weight)
    for grad in arrays["grads"]:
        optimizer.update(0, weight, maker.make(grad), state)
    results |= {f"weight {maker.name}": maker.host(weight), f"mom {maker.name}": maker.host(state)}
np.savez("results.npz", **results)
print(optimizer.rule.compiled.reason or "compiled", "weightopt_adam" in sys.modules)
"""


LICENCE = ["--license", "mit", "--author", "Ada L. <ada@example.org>"]


@pytest.fixture
def author(installed, tmp_path):
    """Return functions that make and install packages, and uninstall them afterwards."""
    made = []

    def new(kind, cls, *options):
        installed.weightopt("new", kind, cls, "--folder", tmp_path, *options)
        made.append(f"weightopt-{cls.lower().removesuffix('scheduler')}")
        return tmp_path / made[-1]

    yield new
    installed.pip("uninstall", "--yes", *made)


def run_tests(environment, project):
    """Run the tests of a package against what is installed of it.

    They are on the host: ``weightopt check`` is the same on devices.
    """
    command = [environment.bin / "python", "-m", "pytest", "-q", "--import-mode=importlib"]
    host = {"WEIGHTOPT_TEST_OPENCL": "no platform"}
    return run(*command, project / "tests", cwd=environment.folder, env=host)


def by_hand(text, generated):
    """Return the lines of `text` that an author writes: those that `generated` has not."""
    known = set(generated.splitlines())
    return [line for line in text.splitlines() if line.strip() and line not in known]


def steps(environment, expected):
    """Return weights and states by device after some steps, on the host `expected`."""
    assert environment.python(STEPS).strip() == f"{expected} False"
    return dict(np.load(environment.folder / "results.npz"))


@pytest.mark.parametrize(
    ("kind", "cls", "options", "runs"),
    [
        ("optimizer", "Tiger", [], "compiled"),
        ("optimizer", "Jaguar", ["--plain", *LICENCE], "NumPy (not compiled)"),
        ("initializer", "Band", [], "Python"),
        ("scheduler", "DecayScheduler", [], "Python"),
    ],
)
def test_a_new_package_works_as_it_comes(kind, cls, options, runs, installed, author):
    project = author(kind, cls, *options)
    assert (project / "setup.py").exists() == (runs == "compiled")
    installed.build(project)
    (line,) = [line for line in installed.weightopt("list").splitlines() if project.name in line]
    assert line.split()[1:4] == [kind, project.name, "0.1.0"]
    assert runs in line
    assert " passed" in run_tests(installed, project)
    assert " passed" in installed.weightopt("check", project.name)
    code = f"from importlib.metadata import metadata; print(dict(metadata({project.name!r})))"
    said = {"'License-Expression': 'MIT'", "Ada L.", "'License-File': 'LICENSE'"}
    printed = installed.python(code)
    assert {words for words in said if words in printed} == (said if options[1:] else set())


def test_lion_by_the_guide(installed, author):
    project = author("optimizer", "Lion")
    module = project / "weightopt_lion" / "__init__.py"
    tests = project / "tests" / "test_lion.py"
    generated = module.read_text() + tests.read_text()
    assert len(by_hand(MODULE + NUMBERS, generated)) < 25
    module.write_text(MODULE)
    kept = re.sub(
        r"def test_two_steps_by_hand.*?(?=\n\n\n)", NUMBERS, tests.read_text(), flags=re.S
    )
    tests.write_text(kept)
    installed.build(project)
    assert " passed" in run_tests(installed, project)
    check = installed.weightopt("check", "lion", "--verbose")
    assert "update_has_the_bits_of_the_rule" in check
    assert "Portable Computing Language" in check


def test_lion_has_the_same_bits_wherever_it_runs(installed, author):
    project = author("optimizer", "Lion")
    module = project / "weightopt_lion" / "__init__.py"
    installed.build(project)
    rng = np.random.default_rng(0)
    arrays = {"weight": wild(rng, 10_007, "f4"), "grads": wild(rng, (5, 10_007), "f4")}
    np.savez(installed.folder / "arrays.npz", **arrays)
    generated = steps(installed, "compiled")
    module.write_text(MODULE)
    installed.build(project)
    compiled = steps(installed, "compiled")
    installed.remove_compiled("weightopt_lion")
    plain = steps(installed, "not compiled")
    assert not same_bits(compiled["weight cpu"], generated["weight cpu"])
    assert any("Portable Computing Language" in name for name in compiled)
    for results in (compiled, plain):
        for name, array in results.items():
            assert same_bits(array, plain[f"{name.split()[0]} cpu"]), name


def test_a_strangers_rule_takes_the_path_of_the_projects_own(installed, author):
    """Speed follows from the path: the same functions, with a kernel that the package brings."""
    installed.build(author("optimizer", "Tiger"))
    printed = installed.python(
        """
        import weightopt_core as mx
        tiger, adam = mx.optimizer.Tiger, mx.optimizer.Adam
        methods = [name for name in dir(mx.Optimizer) if callable(getattr(mx.Optimizer, name))]
        methods = [name for name in methods if not name.startswith("__")]
        def plain(cls, name):
            return getattr(getattr(cls, name), "__func__", getattr(cls, name))  # of a class method
        print([name for name in methods if plain(tiger, name) is not plain(adam, name)])
        print(tiger.rule.compiled.kernel is not None, adam.rule.compiled.kernel is not None)
        print(type(tiger.rule) is type(adam.rule), tiger.rule.module)
        """
    )
    own, compiled, kinds = printed.splitlines()
    assert own in ("[]", "['rule']")
    assert compiled == "True True"
    assert kinds == "True weightopt_tiger"


def test_after_an_uninstall_create_says_how_to_get_it_back(installed, author):
    installed.build(author("optimizer", "Lion"))
    installed.build(author("optimizer", "Tiger", "--plain"))
    code = """
        import weightopt_core as mx
        for name in ("lion", "lionn", "tiger", "quite-another"):
            try:
                print(mx.optimizer.create(name))
            except ValueError as error:
                print(error)
        print(mx.optimizer.create("adam"), mx.optimizer.create("sgd"))
        """
    assert installed.python(code).startswith("Lion()\n")
    installed.pip("uninstall", "--yes", "weightopt-lion", "weightopt-tiger")
    gone, misspelt, strangers, unknown, others = installed.python(code).splitlines()
    remedy = " install the package that provides it, or register() a class of your own"
    assert gone == "optimizer 'lion' is not installed; pip install weightopt-lion"
    assert misspelt == f"unknown optimizer 'lionn'; did you mean 'lion'? if not,{remedy}"
    assert strangers.startswith("unknown optimizer 'tiger'; ")
    assert unknown.startswith("unknown optimizer 'quite-another'; known: accumulate, adabelief, ")
    assert strangers.endswith(remedy)
    assert unknown.endswith(f";{remedy}")
    assert others == "Adam() SGD()"


def test_what_fails_the_checks_exits_with_1(installed, author):
    project = author("optimizer", "Tiger", "--plain")
    module = project / "weightopt_tiger" / "__init__.py"
    module.write_text(module.read_text().replace("weight - lr * mom", "weight + lr * mom"))
    installed.build(project)
    with pytest.raises(AssertionError, match=r"minimises_a_quadratic +(cpu +)?failed") as caught:
        installed.weightopt("check", "weightopt-tiger")
    assert "\nfailed minimises_a_quadratic: {}: of the loss " in str(caught.value)
