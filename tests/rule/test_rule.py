"""Reading, checking and lowering of update rules, and what each refusal says."""

import copy
import math
import pickle

import numpy as np
import pytest
from reducing_rules import layerwise
from rule_constants import constants_of
from written_rules import HEADER, everything, load, plain

from weightopt_core import RuleError, update_rule
from weightopt_core.engine.constants import Constants, Evaluator
from weightopt_core.rule import Rule


def test_runs_as_written_on_numpy():
    weight = np.ones(3)
    assert plain(weight, weight, lr=0.5) == pytest.approx([0.5] * 3)
    assert (weight == 1).all()


def test_knows_states_and_numbers():
    assert everything.states == ("first", "second")
    assert everything.numbers == ("lr", "bound", "t")
    assert isinstance(everything, Rule)
    assert "everything(weight, grad, first, second, *, lr, bound, t)" in repr(everything)


def test_numbers_alone_are_evaluated_once_in_double():
    constants = dict(
        zip(
            everything.lowered.constants,
            constants_of(everything, {"lr": 0.1, "bound": None, "t": 3}),
            strict=True,
        )
    )
    (rate,) = [value for text, value in constants.items() if text.startswith("lr * ")]
    assert rate == 0.1 * 0.5 * 0.9**3
    assert constants["clip.bound(bound)"] == math.inf
    assert constants["math.pi"] == math.pi


def test_and_or_are_the_operand_that_settles_them():
    @update_rule
    def rule(weight, grad, *, a, b):
        return weight * (a or b or 3) * (a and b and 4)

    for a, b in ((0.5, 0.0), (0.0, 0.25), (0, 0), (2, 5)):
        weight = np.ones(1)
        first, second = constants_of(rule, {"a": a, "b": b})
        assert rule(weight, weight, a=a, b=b) == first * second


def test_a_missing_number_is_named():
    constants = Constants(np.zeros((1, 3)), np.zeros(1, np.int32))
    with pytest.raises(TypeError, match="missing lr"):
        layerwise.with_results(constants, [{}], [np.ones((1, 2))], None, [1])
    with pytest.raises(TypeError, match="lr"):
        plain(np.ones(1), np.ones(1))


def test_a_number_that_is_none_is_named():
    with pytest.raises(TypeError, match="lr: expected a number, got None"):
        Evaluator(plain, (), lambda source: (), ("lr",)).row(None, (None,))


def test_fingerprint_follows_the_source():
    @update_rule
    def other(weight, grad, *, lr):
        return weight - lr * (grad + grad)

    assert other.lowered.fingerprint != plain.lowered.fingerprint


def test_pickles_and_copies_by_name():
    assert pickle.loads(pickle.dumps(plain)) is plain
    assert copy.deepcopy(plain) is plain


REFUSED = {
    "grad += weight; return weight": ("grad", "write grad = grad"),
    "if lr: weight = grad\n    return weight": ("if lr", "two rules"),
    "for i in range(3): weight = grad\n    return weight": ("for i in", "assignments"),
    "return np.sqrt(weight)": ("np.sqrt", "weightopt_core.rule"),
    "return math.exp(weight)": ("math.exp", "on arrays"),
    "return weight**3": ("power", "product"),
    "return weight**lr": ("power", "product"),
    "return 2**weight": ("power", "product"),
    "return weight // 2": ("//", "on arrays"),
    "return weight % 2": ("%", "on arrays"),
    "return weight @ grad": ("MatMult", "on arrays"),
    "return weight if grad else grad": ("'if' on arrays", "where"),
    "return where(weight, grad, grad)": ("mask", "compare"),
    "return (weight > 0) * grad": ("mask", "on arrays"),
    "return weight > 0": ("mask used as a number", "where"),
    "return where(0 < weight < 1, grad, grad)": ("0 < weight < 1", "&"),
    "return where(weight > 0 and grad > 0, grad, grad)": ("and", "&"),
    "return where(not weight, grad, grad)": ("not", "on arrays"),
    "return clip(weight, grad)": ("array as bound", "number"),
    "return clip(weight)": ("1 arguments", "takes 2"),
    "return sqrt(x=weight)": ("keyword", "position"),
    "return weight * missing": ("'missing'", "weight, grad, lr"),
    "return weight * LIMIT": ("'LIMIT'", "numbers"),
    "return weight * 'a'": ("'a'", "literals"),
    "return weight[0]": ("Subscript", "on arrays"),
    "return weight.T": ("weight.T", "math"),
    "return weight, grad": ("2 returned values", "return <new weight>"),
    "weight = grad": ("no return", "return <new weight>"),
    "return [weight for _ in (1,)][0]": ("Subscript", "on arrays"),
    "return print(weight)": ("print", "math"),
    "return open('x')": ("open", "math"),
    "return (lambda x: x)(weight)": ("lambda", "math"),
    "weight, other = grad, grad\n    return weight": ("several targets", "one name"),
    "grad[:] = 0\n    return weight": ("several targets", "one name"),
    "import os\n    return weight": ("import os", "assignments"),
    "return __import__('os').system('true') * weight": ("", "math"),
}


@pytest.mark.parametrize("body", REFUSED)
def test_refusals_name_file_line_construct_and_what_is_allowed(body, tmp_path):
    construct, allowed = REFUSED[body]
    source = f"{HEADER}\n@update_rule\ndef rule(weight, grad, *, lr):\n    {body}\n"
    with pytest.raises(RuleError) as caught:
        load(source, tmp_path)
    text = str(caught.value)
    assert construct in text
    assert allowed in text
    assert f"{tmp_path / 'rules.py'}:" in text
    assert caught.value.lineno in (10, 11)
    assert "rule 'rule'" in text


SIGNATURES = {
    "def rule(weight, *, lr): return weight": "weight, grad",
    "def rule(grad, weight, *, lr): return weight": "grad, weight",
    "def rule(weight, grad, lr=1): return weight": "default",
    "def rule(weight, grad, *, lr=1): return weight": "default",
    "def rule(weight, grad, *states): return weight": "*",
    "def rule(weight, grad, **numbers): return weight": "**",
    "def rule(weight, grad, *, λ): return weight": "λ",
    "def rule(weight, grad, *, lr): pass": "no return",
    "async def rule(weight, grad, *, lr): return weight": "AsyncFunctionDef",
}


@pytest.mark.parametrize("source", SIGNATURES)
def test_signatures_that_are_no_rule(source, tmp_path):
    with pytest.raises(RuleError, match=r"rules\.py:") as caught:
        load(f"{HEADER}\n@update_rule\n{source}\n", tmp_path)
    assert SIGNATURES[source] in str(caught.value)


def test_a_rule_without_source_says_what_to_do():
    names = {}
    exec("def rule(weight, grad): return weight", names)
    with pytest.raises(RuleError, match=r"cannot be read.*\.py file"):
        update_rule(names["rule"])


def test_only_functions_become_rules():
    with pytest.raises(TypeError, match="expected a function"):
        update_rule(3)
    with pytest.raises(RuleError, match="once"):
        update_rule(plain)


@update_rule
def selfish(weight, grad, *, self):
    return weight - self * grad


def test_a_number_may_be_called_like_what_a_method_takes():
    assert selfish(np.ones(1), np.ones(1), self=0.25) == [0.75]
