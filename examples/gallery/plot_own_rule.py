"""
An optimizer of your own, in a few lines
========================================

A rule and a class are all. Here it runs on NumPy; ``weightopt new optimizer`` makes a package of
it, in which it is compiled.
"""

import numpy as np
import weightopt as wo
from matplotlib import pyplot as plt

from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip, sign


@wo.update_rule
def sign_momentum(weight, grad, mean, *, lr, wd, rescale_grad, clip_gradient, beta):
    grad = clip(rescale_grad * grad, clip_gradient)
    mean = beta * mean + (1 - beta) * grad
    return (1 - lr * wd) * weight - lr * sign(mean), mean


class SignMomentum(wo.Optimizer):
    """Steps by the sign of a mean of gradients."""

    beta = Real(0.9, "[0, 1)")

    rule = sign_momentum


# %%
# What the rule says, as ``weightopt show`` prints it:

print("\n".join(sign_momentum.lowered.formula))

# %%
# It walks down a bowl beside two others. Steps by the sign are of one length in each direction:


def way(optimizer):
    """Return the points on the way down."""
    weight = np.array([-4.0, 1.5])
    state = optimizer.create_state(0, weight)
    points = [weight.copy()]
    for _ in range(60):
        optimizer.update(0, weight, weight * [1, 10], state)
        points.append(weight.copy())
    return np.array(points)


_, axis = plt.subplots(figsize=(7, 3.5))
for optimizer in (
    SignMomentum(learning_rate=0.1),
    wo.optimizer.create("sgd", learning_rate=0.05, momentum=0.7),
    wo.optimizer.create("adam", learning_rate=0.2),
):
    axis.plot(*way(optimizer).T, marker=".", label=type(optimizer).__name__)
axis.plot(0, 0, "*", color="tab:red", markersize=12)
axis.legend(frameon=False)
plt.show()

# %%
# Arguments are checked as those of every other optimizer are:

try:
    SignMomentum(beta=1)
except ValueError as error:
    print(error)
