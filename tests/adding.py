"""An optimizer whose weights tell which gradients they were given, and how often."""

import weightopt_core as wo


@wo.update_rule
def adding(weight, grad, *, lr):
    return weight + lr * grad


class Adding(wo.Optimizer):
    rule = adding
