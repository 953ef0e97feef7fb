"""Stochastic gradient descent, with and without momentum."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Flag, Real
from weightopt_core.rule import clip

__all__ = ["SGD", "ccSGD", "sgd", "sgd_momentum"]


@update_rule
def sgd(weight, grad, *, lr, wd, rescale_grad, clip_gradient):
    return (1 - lr * wd) * weight - lr * clip(rescale_grad * grad, clip_gradient)


@update_rule
def sgd_momentum(weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, momentum):
    mom = momentum * mom - lr * wd * weight - lr * clip(rescale_grad * grad, clip_gradient)
    return weight + mom, mom


class SGD(Optimizer):
    momentum = Real(0.0, "[0, 1)")
    multi_precision = Flag(False)

    @property
    def rule(self):
        return sgd_momentum if self.momentum else sgd


class ccSGD(SGD):  # noqa: N801 the page's name
    """The old name of `SGD`."""
