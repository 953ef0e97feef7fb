"""Rules with norms: of parameters and of what is made of them, used in every way."""

from weightopt_core import update_rule
from weightopt_core.rule import clip, maximum, norm, sqrt, where


@update_rule
def layerwise(weight, grad, mom, *, lr, wd, rescale_grad):
    grad = rescale_grad * grad
    size = norm(weight)
    length = norm(grad) + wd * size
    rate = lr * (0.01 * size / length if size > 0 and length > 0 else 1.0)
    mom = 0.9 * mom + rate * (grad + wd * weight)
    return weight - mom, mom


@update_rule
def limited(weight, grad, *, lr):
    bound = max(norm(grad), 1e-3)
    grad = clip(grad, bound / 8)
    step = where(grad > 0.5 * bound, sqrt(abs(grad)), grad)
    return weight - lr * step


@update_rule
def once_only(weight, grad, square, *, lr, t):
    """Some norms are taken twice, one is of no use, and one may be left out."""
    unused = norm(square)  # noqa: F841
    square = maximum(square, grad**2)
    step = grad / (sqrt(square) + 1e-8)
    ratio = norm(weight) / (1.0 + norm(step)) if t > 1 else 1.0
    return weight - lr * min(ratio, norm(weight), 2.0) * step, square


RULES = (layerwise, limited, once_only)
