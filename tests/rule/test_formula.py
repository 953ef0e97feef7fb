"""Formulas of rules in plain text: the same arithmetic, in the names of the author."""

import math
import sys

import numpy as np
import pytest
import random_rules
from written_rules import HEADER, everything, load, plain

import weightopt_core as mx
from weightopt_core import update_rule
from weightopt_core.rule import Rule, clip, norm, where


@update_rule
def precedence(weight, grad, *, lr, wd):
    a = -((lr + wd) ** 2) - (lr - (wd - 1))
    b = (lr if a > 0 else wd) * (2**-lr) ** wd
    c = where(~((grad > 0) & (weight < 0)) | (grad == 1), (grad / weight) / 2, grad / (weight / 2))
    return weight - (a and b or not lr) * (c - (grad - 1)) * math.pi  # noqa: RUF021


def test_brackets_stand_where_they_are_needed_and_only_there():
    assert precedence.lowered.formula == [
        "a = -(lr + wd)**2 - (lr - (wd - 1))",
        "b = (lr if a > 0 else wd) * (2**(-lr))**wd",
        "c = where(~((grad > 0) & (weight < 0)) | (grad == 1), grad / weight / 2, "
        "grad / (weight / 2))",
        "new weight = weight - (a and b or not lr) * (c - (grad - 1)) * math.pi",
    ]


@update_rule
def signed(weight, grad, *, lr, wd):
    a = +(-lr)
    b = -(+wd)
    return weight - (a - b) * grad


def test_signs_of_signs_need_no_brackets():
    assert signed.lowered.formula == [
        "a = +-lr",
        "b = -+wd",
        "new weight = weight - (a - b) * grad",
    ]


@update_rule
def renamed(weight, grad, mom, *, lr):
    grad = 2 * grad
    same = grad
    lr = lr / 2
    lr = lr / 2
    x = same + mom
    x = x * x
    mom = clip(x, lr)
    return weight - norm(weight) * mom, mom


def test_names_that_are_assigned_again_are_told_apart():
    assert renamed.lowered.formula == [
        "grad' = 2 * grad",
        "lr' = lr / 2",
        "lr'' = lr' / 2",
        "x = grad' + mom",
        "x' = x * x",
        "mom' = clip(x', lr'')",
        "new weight = weight - norm(weight) * mom'",
        "new mom = mom'",
    ]


@update_rule
def renamed_often(weight, grad, *, lr):
    lr = lr / 2
    lr = lr / 3
    lr = lr / 5
    lr = lr / 7
    return weight - lr * grad


def test_more_than_three_primes_are_counted():
    assert renamed_often.lowered.formula == [
        "lr' = lr / 2",
        "lr'' = lr' / 3",
        "lr''' = lr'' / 5",
        "lr'4 = lr''' / 7",
        "new weight = weight - lr'4 * grad",
    ]


def written_again(rule, name):
    """Return the text of a rule that is made from the formula of another."""
    lines = [line.replace("'", "_new") for line in rule.lowered.formula]
    results = [line.partition(" = ")[2] for line in lines if line.startswith("new ")]
    body = [line for line in lines if not line.startswith("new ")]
    signature = ", ".join([*rule.lowered.arrays, "*" * bool(rule.numbers), *rule.numbers])
    text = "\n    ".join([*body, f"return {', '.join(results)}"])
    return f"@update_rule\ndef {name}({signature.replace(', , ', ', ')}):\n    {text}\n"


def installed():
    """Return every rule of the installed optimizers."""
    found = {}
    for name in mx.optimizer.registry.names():
        module = sys.modules.get(mx.optimizer.registry.find(name).__module__)
        if module is None:  # of a class that another test has registered
            continue
        rules = [value for value in vars(module).values() if isinstance(value, Rule)]
        found |= {f"{rule.module}.{rule.name}": rule for rule in rules}
    return found


def test_a_formula_is_the_rule(tmp_path):
    """Read as a rule again, it is lowered to the same text."""
    rules = [plain, everything, precedence, *installed().values()]
    imports = f"{HEADER}\nfrom weightopt_core.rule import minimum, norm, sign\nRATE = 0.25\n"
    texts = [written_again(rule, f"rule{i}") for i, rule in enumerate(rules)]
    module = load(imports + "\n\n".join(texts), tmp_path)
    for i, rule in enumerate(rules):
        again = getattr(module, f"rule{i}")
        assert again.lowered.fingerprint == rule.lowered.fingerprint, rule
        assert again.lowered.formula == [x.replace("'", "_new") for x in rule.lowered.formula]


@pytest.mark.parametrize("seed", range(3))
def test_a_formula_is_the_random_rule(seed, tmp_path):
    maker = random_rules.Maker(np.random.default_rng(seed), 3)
    names = [f"n{i}" for i in range(16)]
    texts = [maker.rule(f"rule{i}", names, i % 2) for i in range(20)]
    module = load(random_rules.HEADER + "\n\n".join(texts), tmp_path)
    rules = [getattr(module, f"rule{i}") for i in range(20)]
    imports = random_rules.HEADER + "from weightopt_core.rule import clip, maximum, minimum\n"
    imports += "from weightopt_core.rule import largest, mean, norm, sign, sqrt, total, where\n"
    texts = [written_again(rule, f"rule{i}") for i, rule in enumerate(rules)]
    (tmp_path / "again").mkdir()
    module = load(imports + "\n\n".join(texts), tmp_path / "again")
    for i, rule in enumerate(rules):
        assert getattr(module, f"rule{i}").lowered.fingerprint == rule.lowered.fingerprint
