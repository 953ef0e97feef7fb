"""A rule with a norm that nobody has compiled."""

import weightopt_core as wo
from weightopt_core.rule import norm


@wo.update_rule
def normed(weight, grad, *, lr):
    return weight - lr * grad / norm(grad)


class Normed(wo.Optimizer):
    rule = normed
