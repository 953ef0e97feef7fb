"""Checks of every kind of algorithm: discovery, construction, ranges, documentation."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
import re
import subprocess
import sys
import unittest
from functools import partial
from typing import Any

from . import values
from .subject import Subject, refusal


def found_by_its_name(subject: Subject) -> None:
    """An entry point of an installed package, or a registered name, leads to the class."""
    registry, cls = subject.registry, subject.cls
    ours = [name for name in registry.names() if _path(registry, name) == _name(cls)]
    assert ours, f"no entry point of group {registry.group!r} names it; install its package"
    for name in ours:
        assert registry.find(name) is cls, f"{name!r} leads to {registry.find(name)}"


def import_prints_nothing(subject: Subject) -> None:
    """Importing the module writes to neither stdout nor stderr."""
    command = [sys.executable, "-c", f"import {subject.cls.__module__}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise unittest.SkipTest("its module cannot be imported by name elsewhere")
    assert not done.stdout + done.stderr, f"it printed {done.stdout + done.stderr!r}"


def takes_what_its_ranges_allow(subject: Subject) -> None:
    """Every value in a declared range is taken, and stored as it came."""
    for given in subject.variants(subject.own):
        ((name, value),) = given.items()
        stored = getattr(subject.create(**given), name)
        assert stored == value, f"{name}: given {value!r}, stored {stored!r}"


def refuses_what_its_ranges_forbid(subject: Subject) -> None:
    """A value out of range is refused by name, at construction and later, and changes nothing."""
    for name, declared in subject.own.items():
        instance = subject.create()
        before = getattr(instance, name)
        for value in values.illegal(declared) + ([] if declared.optional else [None]):
            constructing = partial(subject.create, **{name: value})
            for call in (constructing, partial(setattr, instance, name, value)):
                text = refusal(call)
                assert text is not None, f"{name}: took {value!r}"
                assert name in text, f"{name}: the error about {value!r} does not name it: {text}"
        assert getattr(instance, name) is before, f"{name}: changed by a value that was refused"


def refuses_unknown_arguments(subject: Subject) -> None:
    """An argument that it does not have is a TypeError which names it."""
    text = refusal(lambda: subject.create(no_such_argument=1))
    assert text is not None, "no_such_argument=1 was taken"
    assert "no_such_argument" in text, text


def copies_and_pickles(subject: Subject) -> None:
    """A copy has the same hyperparameters."""
    instance = subject.create()
    for twin in (copy.deepcopy(instance), pickle.loads(pickle.dumps(instance))):
        assert type(twin) is type(instance)
        assert repr(twin) == repr(instance), f"{twin!r} is a copy of {instance!r}"


def documents_its_arguments(subject: Subject) -> None:
    """The docstring is of numpydoc form, and its Parameters are the constructor's."""
    parameters = inspect.signature(subject.cls).parameters.values()
    named = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    documented = _documented(subject)
    for name in named:
        inherited = name in subject.cls.hyperparameters and name not in subject.own
        assert inherited or name in documented, (
            f"{name} is not in the section Parameters of the docstring"
        )
    for name in documented:
        known = {*named, *subject.cls.hyperparameters}
        assert name in known, f"{name} is in the section Parameters, and no argument"


def examples_run(subject: Subject) -> None:
    """The docstring has an example, and all examples of the module print what they say."""
    module = inspect.getmodule(subject.cls)
    docs = [inspect.getdoc(cls) or "" for cls in _lineage(subject)]
    assert any(">>> " in doc for doc in docs), "the docstring has no example"
    failures: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for example in doctest.DocTestFinder().find(module, module.__name__ if module else ""):
        runner.run(example, out=failures.append)
    assert not failures, "".join(failures)


CHECKS = (
    found_by_its_name,
    import_prints_nothing,
    takes_what_its_ranges_allow,
    refuses_what_its_ranges_forbid,
    refuses_unknown_arguments,
    copies_and_pickles,
    documents_its_arguments,
    examples_run,
)


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _path(registry: Any, name: str) -> str:
    """Return module and class behind a name, without an import of other packages."""
    registered = registry._registered.get(name)
    if registered is not None:
        return _name(registered)
    point = registry.entry_points(name)[0]
    inside = sys.modules.get(point.module)
    found = getattr(inside, point.attr, None)
    return _name(found) if isinstance(found, type) else point.value


def _lineage(subject: Subject) -> list[type]:
    """Return the class and its bases, as far as they are not the core's base class."""
    return [cls for cls in subject.cls.__mro__ if not issubclass(subject.registry.base, cls)]


def _documented(subject: Subject) -> list[str]:
    """Return the names in the section Parameters of the first docstring that has one."""
    for cls in _lineage(subject):
        doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
        found = re.search(r"^Parameters\n-{3,}\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", doc, re.M | re.S)
        if found:
            heads = re.findall(r"^([^\s*][^:\n]*?)\s*(?::.*)?$", found[1], re.M)
            return [name.strip() for head in heads for name in head.split(",")]
    return []
