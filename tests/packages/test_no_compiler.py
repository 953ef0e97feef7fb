"""Packages of rules from their sdists where there is no C compiler, or one that does not work."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from environments import clean

from weightopt_core.testing.arrays import same_bits, wild

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="programs that stand in for a compiler"),
    pytest.mark.xdist_group("packaging"),
]

STEPS = """
import sys, warnings
import numpy as np, weightopt_core as mx
grads = np.load("grads.npy")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    adam = mx.optimizer.create("adam", learning_rate=0.1, wd=0.01)
    for kind in ("f2", "f4", "f8"):
        weight = np.linspace(-1, 1, grads.shape[1]).astype(kind)
        state = adam.create_state(0, weight)
        for grad in grads:
            adam.update(0, weight, grad.astype(kind), state)
        np.save(sys.argv[1] + kind, weight)
print(adam.rule.compiled.reason or "compiled")
print(*{str(one.message) for one in caught if "rule" in str(one.message)}, sep="\\n")
"""


def without_compilers(folder):
    """Return a PATH on which no C compiler is."""
    folder.mkdir()
    for name in ("sh", "uname", "ldconfig"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return {"PATH": str(folder)}


def program(folder, text):
    """Write a program called gcc; return a PATH with that alone, and its name for setuptools."""
    path = without_compilers(folder)
    (folder / "gcc").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "gcc").chmod(0o755)
    return path | {"CC": "gcc", "LDSHARED": "gcc -shared"}


GCC = shutil.which("gcc")
#: A compiler that does not take some words, and finds its own parts.
REFUSING = 'case "$*" in {}) echo refused >&2; exit 1;; esac; PATH=/usr/bin:/bin exec {} "$@"'
#: What there is in the place of a compiler, and what is said of it.
LACKING = {
    "nothing": (without_compilers, ".*No such file or directory.*"),
    "CC that is not there": (
        lambda folder: without_compilers(folder) | {"CC": "no-such-cc"},
        ".*no-such-cc.*",
    ),
    "a stub": (
        lambda folder: program(folder, "echo no developer tools were found >&2; exit 1"),
        ".*gcc.* exit (code|status) 1.*",
    ),
    "no linker": (
        lambda folder: program(folder, REFUSING.format("*-shared*", GCC)),
        ".*gcc.* exit (code|status) 1.*",
    ),
}


@pytest.fixture(scope="module")
def sdist(dist):
    (found,) = dist.glob("weightopt_adam-*.tar.gz")
    return found


def build(installed, sdist, variables, *options):
    """Install an sdist; return what that printed and whether it went well."""
    command = [installed.bin / "python", "-m", "pip", "install", "-v", "--no-build-isolation"]
    command += ["--no-deps", "--no-index", "--force-reinstall", "--no-cache-dir", *options, sdist]
    done = subprocess.run(
        [str(part) for part in command], env=clean() | variables, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout, done.returncode == 0


def steps(installed, name):
    (installed.folder / "steps.py").write_text(STEPS)
    command = [installed.bin / "python", "steps.py", name]
    done = subprocess.run(
        [str(part) for part in command], cwd=installed.folder, env=clean(), text=True, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    runs, *warned = done.stdout.splitlines()
    weights = [np.load(installed.folder / f"{name}{kind}.npy") for kind in ("f2", "f4", "f8")]
    return weights, runs, [line for line in warned if line]


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.soak] * (kind != "nothing")) for kind in LACKING]
)
def test_a_package_is_built_without_its_extension(kind, spoilt, sdist, listed, tmp_path):
    rng = np.random.default_rng(0)
    grads = [wild(rng, 1003, np.dtype("f8")) for _ in range(5)]
    np.save(spoilt.folder / "grads.npy", np.stack(grads))
    expected, runs, warned = steps(spoilt, "compiled")
    assert (runs, warned) == ("compiled", [])
    make, cause = LACKING[kind]
    printed, built = build(spoilt, sdist, make(tmp_path / "programs"))
    assert built, printed
    said = rf"weightopt-adam: not compiled: there was no C compiler \({cause}\)\. It runs on NumPy"
    assert re.search(said, printed), printed
    weights, runs, warned = steps(spoilt, "plain")
    assert runs == "not compiled: there was no C compiler"
    (warning,) = warned
    assert "rule weightopt_adam.adam: not compiled" in warning
    assert "apt-get install gcc" in warning
    assert warning.endswith("pip install --force-reinstall --no-deps --no-cache-dir weightopt-adam")
    for one, other in zip(weights, expected):
        assert same_bits(one, other)
    assert "NumPy (not compiled: there was no C compiler)" in listed()
    assert "-py3-none-any.whl" in printed
    if kind == "a stub":  # what the warning says to do, once there is a compiler
        printed, built = build(spoilt, sdist, {})
        assert built, printed
        assert steps(spoilt, "again")[1:] == ("compiled", [])


@pytest.mark.soak
@pytest.mark.parametrize("options", ["-no-such-option", "-Werror -include no-such-header.h"])
def test_options_that_a_compiler_refuses_are_an_error(options, spoilt, sdist):
    printed, built = build(spoilt, sdist, {"CFLAGS": options})
    assert not built
    assert "not compiled" not in printed


def test_c_that_does_not_compile_is_an_error(spoilt, sdist, tmp_path):
    """One compiler takes the text that asks whether it works, and refuses that of rules."""
    variables = program(tmp_path / "programs", REFUSING.format(r"*_rules.c*", GCC))
    printed, built = build(spoilt, sdist, variables)
    assert not built
    assert "refused" in printed
