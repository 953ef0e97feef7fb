"""A stranger's Cython module, compiled against nothing but the wheel of the core.

Its loops are in `with nogil`, where Cython refuses whatever needs a Python object.
"""

import pytest
from environments import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

MODULE = (ROOT / "tests" / "packages" / "stepping.pyx").read_text("utf-8")
PROJECT = """
[build-system]
requires = ["cython", "setuptools", "weightopt-core"]
build-backend = "setuptools.build_meta"

[project]
name = "stepping"
version = "1.0"

[tool.setuptools]
py-modules = []
ext-modules = [{name = "stepping", sources = ["stepping.pyx"]}]
"""
#: Adam for 50 steps of 100,003 weights, by the rule on NumPy and by the module's own loop.
TRAINING = """
import numpy as np, stepping, weightopt_core
from weightopt_adam import adam
print(weightopt_core.__file__)
numbers = dict(wd=0.01, rescale_grad=1.0, clip_gradient=2.0, beta1=0.9, beta2=0.999, epsilon=1e-8)
steps = [numbers | {"t": t, "lr": 1 / t} for t in range(1, 51)]
for dtype in (np.float32, np.float64):
    weight = np.linspace(-5, 5, 100_003, dtype=dtype)
    grad, states = np.empty_like(weight), np.zeros((2, weight.size), dtype)
    expected = weight, *states
    for step in steps:
        expected = adam(expected[0], expected[0] - 3, *expected[1:], **step)
    table = np.array([adam.evaluate(step) for step in steps], dtype)
    stepping.train(adam.compiled.kernel, weight, grad, states, table, 2)
    print((weight == expected[0]).all(), (states == expected[1:]).all())
    try:
        stepping.train(adam.compiled.kernel, weight, grad[:-1], states, table, 2)
    except (ValueError, IndexError) as error:
        print(error)
"""


def test_it_steps_its_own_buffers(installed, haste, tmp_path):
    (tmp_path / "stepping.pyx").write_text(MODULE, "utf-8")
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    installed.build(tmp_path, **haste)
    try:
        where, *printed = installed.python(TRAINING).splitlines()
    finally:
        installed.pip("uninstall", "--yes", "stepping")
    assert str(installed.folder) in where
    assert printed[0::2] == ["True True"] * 2
    assert len(printed[1::2]) == 2
