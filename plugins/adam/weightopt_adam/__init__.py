"""Adam (Kingma and Ba, 2015), https://arxiv.org/abs/1412.6980."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip, sqrt

__all__ = ["Adam", "adam"]


@update_rule
def adam(weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    step = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
    return weight - step * mean / (sqrt(var) + epsilon), mean, var


class Adam(Optimizer):
    learning_rate = Real(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = adam
