"""Constants of rules: what the same statements give where the rule runs on NumPy."""

import math

import numpy as np
import pytest
from written_rules import HEADER, load

from weightopt_core import update_rule
from weightopt_core.rule import norm, sqrt

NAMES = ["a", "b", "c", "d"]
FORMS = [
    "({} + {})",
    "({} - {})",
    "{} * {}",
    "{} / {}",
    "({} // {})",
    "{} % {}",
    "-{}",
    "(not {})",
    "({} if {} else {})",
    "({} and {})",
    "({} or {} or {})",
    "({} and {} and {})",
    "({} < {})",
    "({} < {} <= {})",
    "({} is None)",
    "({} == {} != {})",
    "max({}, {})",
    "math.sqrt({})",
    "sqrt({})",
    "sign({})",
    "clip({}, 1.5)",
    "({} if {} > {} else {} / {})",
    "({})**2",
    "min({}, 3)",
]


class Maker:
    """Makes rules whose numbers are random."""

    def __init__(self, rng):
        self.rng = rng

    def expression(self, names, depth):
        if depth == 0 or self.rng.random() < 0.2:
            return self.rng.choice([*names, *names, "0", "1", "2", "0.5", "True"])
        form = self.rng.choice(FORMS)
        return form.format(*[self.expression(names, depth - 1) for _ in range(form.count("{}"))])

    def rule(self, number):
        lines, names = [], list(NAMES)
        for i in range(self.rng.integers(1, 7)):
            name = self.rng.choice([*NAMES, f"x{i}"])
            lines.append(f"    {name} = {self.expression(names, self.rng.integers(1, 5))}")
            names.append(name)
        result = self.expression(names, 2)
        lines.append(f"    return where(grad > 0, weight * ({result}), weight * ({names[-1]}))")
        signature = f"weight, grad, *, {', '.join(NAMES)}"
        return f"@update_rule\ndef rule{number}({signature}):\n" + "\n".join(lines) + "\n"


def evaluated(rule, own, numbers):
    """Return all constants, evaluated in two parts."""
    settings = [name for name in rule.numbers if name not in own]
    settle, moving = rule.lowered.split(settings, own)
    fixed, evaluate = settle(*[numbers[n] for n in settings], *[g() for g in rule.lowered.outside])
    varying = evaluate(*[numbers[name] for name in own])
    fixed, varying = iter(fixed), iter(varying)
    places = range(len(rule.lowered.constants))
    return [next(varying) if i in moving else next(fixed) for i in places]


def rule_places(rule):
    """Return which constants the two weights of a random rule are multiplied with."""
    tree = rule.lowered.tree
    (result,) = tree.results
    products = [tree.nodes[number] for number in tree.nodes[result].operands[1:]]
    return [tree.constants.index(product.operands[1]) for product in products]


@pytest.mark.filterwarnings("ignore:.is. with .*literal:SyntaxWarning")
@pytest.mark.filterwarnings("ignore:.is not. with .*literal:SyntaxWarning")
@pytest.mark.parametrize("seed", range(3))
def test_constants_are_what_the_statements_give(seed, tmp_path):
    """All of them, the errors too: what a statement computes is computed, and nothing else is."""
    rng = np.random.default_rng(seed)
    maker = Maker(rng)
    imports = f"{HEADER}\nfrom weightopt_core.rule import sign\n"
    module = load(imports + "\n".join(map(maker.rule, range(100))), tmp_path)
    raised = 0
    for number in range(100):
        rule = getattr(module, f"rule{number}")
        for _ in range(5):
            numbers = dict(zip(NAMES, rng.choice([0, 0.0, 1, -1.0, 2, 0.3, -2.5], 4).tolist()))
            own = [name for name in NAMES if rng.random() < 0.5]
            try:
                with np.errstate(all="ignore"):
                    first = rule(np.ones(1), np.ones(1), **numbers)
                    second = rule(np.ones(1), np.zeros(1), **numbers)
            except (ArithmeticError, ValueError, TypeError):
                raised += 1
                with pytest.raises((ArithmeticError, ValueError, TypeError)):
                    evaluated(rule, own, numbers)
                continue
            found = evaluated(rule, own, numbers)
            results = [float(found[i]) for i in rule_places(rule)]
            np.testing.assert_array_equal(results, [first[0], second[0]])
    assert 20 < raised < 400


@update_rule
def lazy(weight, grad, *, lr, t):
    bias = 1 / (t - 1) if t > 1 else 0
    shared = math.log(t)
    other = shared + lr if t > 2 and lr < 1 / (t - 2) else shared
    return weight - bias * grad * other


def test_what_is_not_needed_is_not_evaluated():
    assert evaluated(lazy, ["t"], {"lr": 0.5, "t": 1}) == [0, 0.0]
    assert evaluated(lazy, ["t"], {"lr": 0.5, "t": 2}) == [1.0, math.log(2)]
    assert evaluated(lazy, ["t"], {"lr": 0.5, "t": 3}) == [0.5, math.log(3) + 0.5]


@update_rule
def unused(weight, grad, *, lr):
    what = 1 / lr  # noqa: F841
    return weight - lr * grad


def test_what_a_statement_computes_for_nothing_is_computed_too():
    for own in ([], ["lr"]):
        assert evaluated(unused, own, {"lr": 0.5}) == [0.5]
        with pytest.raises(ZeroDivisionError):
            evaluated(unused, own, {"lr": 0.0})
    with pytest.raises(ZeroDivisionError):
        unused(np.ones(1), np.ones(1), lr=0.0)


@update_rule
def equal_numbers(weight, grad, *, lr):
    return weight * (lr * 1) + grad * (lr * 1.0) - (weight * (lr * True) + grad * 7)


def test_numbers_that_are_equal_keep_their_types():
    assert evaluated(equal_numbers, [], {"lr": 2**60 + 1}) == [
        2**60 + 1,
        float(2**60),
        2**60 + 1,
        7,
    ]


@update_rule
def counted(weight, grad, *, lr, t):
    root = sqrt(t)
    first = root * lr
    second = first * root
    size = norm(grad)
    rate = second * size if size > 1 else root / size
    return weight - first * grad - rate * weight


def test_norms_come_last():
    assert counted.lowered.constants == ["sqrt(t) * lr"]
    assert counted.lowered.reduced == ["norm(grad)"]
    for size in (0.5, 2.0):
        (rate,) = counted.lowered.evaluate_measured(0.5, 4, size)
        assert rate == (2.0 * 0.5 * 2.0 * size if size > 1 else 2.0 / size)
    with pytest.raises(ZeroDivisionError):
        counted.lowered.evaluate_measured(0.5, 4, 0.0)


def test_a_function_is_called_once_for_what_is_used_often(monkeypatch):
    """A constant that others use is evaluated once, and settings are not evaluated at each step."""
    calls = []
    tree = counted.lowered.tree
    (number,) = [i for i, node in enumerate(tree.nodes) if getattr(node, "function", 0) is sqrt]
    node = tree.nodes[number]
    monkeypatch.setitem(vars(node), "function", lambda x: calls.append(x) or math.sqrt(x))
    settle, moving = counted.lowered.split(["t"], ["lr"])
    (fixed, evaluate) = settle(4)
    assert (fixed, moving, calls) == ((), [0], [4])
    assert evaluate(0.5) == (1.0,)
    assert evaluate(0.25) == (0.5,)
    assert calls == [4]
