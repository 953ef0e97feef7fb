"""What the conformance kit knows of a class: combinations of its arguments, and its rules."""

import weightopt_core as mx
from weightopt_core.hyperparameters import Flag
from weightopt_core.testing.subject import Subject

BOTH = [{"flag": False}, {"flag": True}]


@mx.update_rule
def plain(weight, grad, *, lr):
    return weight - lr * grad


@mx.update_rule
def signed(weight, grad, *, lr):
    return weight + lr * grad


class Flagged(mx.Optimizer):
    """One rule, whatever the flag is."""

    flag = Flag(False)
    rule = plain


class Numbered(Flagged):
    """It may look at the flag where it forms its numbers."""

    def numbers(self, index, t):
        return {"lr": 0.5 if self.flag else 1.0}


class Forked(Flagged):
    """The flag chooses a rule."""

    @property
    def rule(self):
        return signed if self.flag else plain


def test_combinations_that_lead_to_one_rule_count_once():
    assert Subject(Flagged).settings() == BOTH
    assert len(Subject(Flagged).each_rule()) == 1


def test_each_rule_counts():
    assert Subject(Forked).each_rule() == BOTH


def test_all_count_where_methods_may_look_at_them():
    assert Subject(Numbered).each_rule() == BOTH
