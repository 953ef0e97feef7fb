"""What the README, the page and the docstrings show."""

import pytest

torch = pytest.importorskip("torch")

import doctest
import importlib

import weightopt_torch
from pages import ROOT, run_python


@pytest.mark.parametrize("page", ["bridges/torch/README.md", "docs/torch.md"])
def test_page(page):
    run_python(ROOT / page)


@pytest.mark.parametrize("name", ["", ".optimizer", ".initialize"])
def test_docstrings(name):
    module = importlib.import_module(f"weightopt_torch{name}")
    assert doctest.testmod(module).failed == 0


def test_examples_are_run():
    for public in (weightopt_torch.create, weightopt_torch.init, weightopt_torch.Optimizer):
        assert ">>> " in public.__doc__, public
    assert set(weightopt_torch.__all__) <= set(dir(weightopt_torch))
