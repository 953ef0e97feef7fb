"""Leaves out updates by another optimizer whose gradients hold an infinity or NaN."""

from weightopt_core.algorithm import Conformance
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Integer
from weightopt_core.optimizer import Nested, Wrapper
from weightopt_core.optimizer.guard import named, nonfinite

__all__ = ["SkipNonfinite"]


class SkipNonfinite(Wrapper):
    """Leave out calls of another optimizer whose gradients hold an infinity or NaN.

    All gradients of a call are looked through before it. If one holds an infinity or NaN, nothing
    changes and nothing is counted but the call itself, in `skipped`.

    Parameters
    ----------
    optimizer : Optimizer
        What makes the updates: an optimizer, its name, or what its `dumps` returned.
    most : int, optional
        How many calls one after another may be left out, at least 0: the next one raises. With 0
        the first one does. By default any number may be.
    **kwargs
        None: all common hyperparameters belong to `optimizer`.

    Attributes
    ----------
    skipped : int
        How many calls were left out or refused.
    in_a_row : int
        How many of them since the last update.

    Raises
    ------
    FloatingPointError
        When called: more than `most` calls one after another hold an infinity or NaN. Nothing has
        changed but the two attributes.

    See Also
    --------
    Accumulate : Makes one update of several, instead of leaving some out.
    ClipGlobalNorm : Clips gradients; a norm that is finite says that all of them are.

    Notes
    -----
    State: that of `optimizer`. All gradients are looked through in one pass, which only reads them.
    ``on_nonfinite="skip"`` of `optimizer` leaves out any number of calls without this class. The
    two attributes are those of a run, and are not saved.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> optimizer = wo.optimizer.create("skip-nonfinite", optimizer="sgd", most=10)
    >>> weight = np.array([1.0, 2.0])
    >>> optimizer.update(0, weight, np.array([1.0, np.nan]), None)
    >>> weight, optimizer.skipped, optimizer.num_update
    (array([1., 2.]), 1, 0)
    """

    optimizer = Nested()
    most = Integer(None, "[0, inf)", optional=True)
    conformance = Conformance(arguments={"optimizer": ["sgd", {"momentum": 0.9}], "most": None})

    in_a_row: int = 0

    def step(self, indices, weights, grads, states):
        self._check(indices, weights, grads, states)
        found = nonfinite(self, indices, grads)
        if not found:
            self.optimizer.update(indices, weights, grads, states)
            self.in_a_row = 0
            return
        self._shared().calls.skip()
        self.in_a_row += 1
        if self.most is not None and self.in_a_row > self.most:
            got = f"an infinity or NaN in {self.in_a_row} calls one after another"
            remedy = "lower the learning rate"
            of = named(self, found)
            raise FloatingPointError(wording(of, "finite numbers", got, remedy))
