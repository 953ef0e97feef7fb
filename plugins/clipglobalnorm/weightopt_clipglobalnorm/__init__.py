"""Clips gradients by their common norm before another optimizer takes them."""

import math

from weightopt_core.algorithm import Conformance
from weightopt_core.hyperparameters import Real
from weightopt_core.optimizer import Nested, Wrapper, global_norm, update_scaled
from weightopt_core.optimizer.clipping import factors_for
from weightopt_core.optimizer.guard import admits

__all__ = ["ClipGlobalNorm"]


class ClipGlobalNorm(Wrapper):
    r"""Clip the gradients of a call by their common norm, and let another optimizer take them.

    With :math:`\|g\|` the Euclidean norm of all elements of all gradients of the call, each
    gradient counts as

    .. math::

        g \cdot \min\left(1, \frac{\text{max\_norm}}{\|g\|}\right)

    Parameters
    ----------
    optimizer : Optimizer
        What makes the updates: an optimizer, its name, or what its `dumps` returned.
    max_norm : float, optional
        The largest norm that gradients may have together, above 0.
    **kwargs
        None: all common hyperparameters belong to `optimizer`.

    Attributes
    ----------
    norm : float or None
        That of the gradients of the last call, before they were clipped.

    Raises
    ------
    ValueError
        When called: the norm is not finite, and `on_nonfinite` of `optimizer` is ``"propagate"``.
        No factor would help a gradient that holds an infinity or NaN. Nothing has changed.

    See Also
    --------
    SkipNonfinite : Leaves such calls out, and counts them.

    Notes
    -----
    State: that of `optimizer`. Give all weights in one call: the norm is that of what is in it,
    without what is frozen. The norm comes before ``rescale_grad`` and `clip_gradient` of
    `optimizer`.

    The bits are those of `weightopt_core.optimizer.clip_global_norm` and a step of `optimizer`
    after it. But gradients are only read: in one pass for the norm, and in that of the step, which
    takes the products where they are needed. A norm that is finite also says that all gradients
    are, so ``on_nonfinite`` takes no pass of its own. Where `optimizer` holds others, or overrides
    `update`, it is given copies.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
    networks", ICML 2013, https://arxiv.org/abs/1211.5063

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgd = wo.optimizer.create("sgd", learning_rate=1)
    >>> optimizer = wo.optimizer.create("clip-global-norm", optimizer=sgd, max_norm=1.0)
    >>> weights = [np.zeros(1), np.zeros(1)]
    >>> optimizer.update([0, 1], weights, [np.array([3.0]), np.array([4.0])], [None, None])
    >>> weights, optimizer.norm
    ([array([-0.6]), array([-0.8])], 5.0)
    """

    optimizer = Nested()
    max_norm = Real(1.0, "(0, inf)")
    conformance = Conformance(
        arguments={"optimizer": ["sgd", {"momentum": 0.9}]},
        expected_failures={"many_at_once_are_one_by_one": "the norm is that of all in a call"},
    )

    guards = True
    norm: float | None = None

    def step(self, indices, weights, grads, states):
        norm = global_norm(grads)
        if not math.isfinite(norm) and not admits(self, indices, grads):
            return
        factors = factors_for(self.max_norm, norm)
        update_scaled(self.optimizer, indices, weights, grads, states, factors)
        self.norm = norm
