"""Rules with norms, totals and the like: of parameters and of what is made of them."""

from weightopt_core import update_rule
from weightopt_core.rule import clip, largest, maximum, mean, norm, sqrt, total, where


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


@update_rule
def shifted(weight, grad, mom, *, lr, wd, rescale_grad):
    """A total of signed numbers, one of what is chosen by element, and a norm beside them."""
    grad = rescale_grad * grad
    shift = 1e-4 * total(grad - 0.5 * weight)
    scale = 1 + abs(total(where(weight > grad, weight, grad))) + norm(grad)
    mom = 0.9 * mom + lr * (grad - shift + wd * weight)
    return weight - mom / scale, mom


@update_rule
def centred(weight, grad, square, *, lr, wd, t):
    """Every reduction at once, two of them of one array, in conditions too."""
    centre = mean(grad)
    bound = largest(grad) * (0.5 if t > 1 else 1.0)
    size = max(mean(square), 1e-8) if bound < 1e30 else 1.0
    length = norm(square * grad)
    square = square + (grad - centre) ** 2
    grad = maximum(grad, -bound) + wd * weight
    step = 1e-3 * total(weight) / (1 + length) + largest(weight * 0.125)
    return weight - lr / size**0.5 * grad * min(step, 2.0), square


RULES = (layerwise, limited, once_only, shifted, centred)
