"""The examples in the docstrings of the core; those of plugins are checks of the kit."""

import doctest
import importlib
import pkgutil

import pytest

import weightopt_core as mx

MODULES = [module.name for module in pkgutil.walk_packages(mx.__path__, "weightopt_core.")]


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("isolated", "on_the_host")
def test_examples(name):
    module = pytest.importorskip(name, exc_type=ImportError)
    assert doctest.testmod(module).failed == 0


def test_modules_with_examples_are_among_them():
    assert "weightopt_core.optimizer" in MODULES
    assert doctest.DocTestFinder().find(importlib.import_module("weightopt_core.optimizer"))
