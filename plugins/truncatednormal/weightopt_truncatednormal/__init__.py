"""Weights from a normal distribution without its tails."""

from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["TruncatedNormal"]


class TruncatedNormal(RandomInitializer):
    r"""Initialize weights with normal numbers, of which none is outside an interval.

    The density in ``[lower, upper]`` is that of the normal distribution, and 0 elsewhere. So the
    standard deviation is less than `sigma`: 0.88 of it where both ends are two `sigma` away.

    Parameters
    ----------
    mean : float, optional
        The mean of the normal distribution.
    sigma : float, optional
        Its standard deviation, above 0.
    lower, upper : float, optional
        The ends of the interval, as in PyTorch numbers of weights, and no multiples of `sigma`.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        When called: `upper` is not above `lower`.

    See Also
    --------
    Normal : With its tails.
    VarianceScaling : The deviation follows from the shape of the weight.

    Notes
    -----
    Uniform numbers of `weightopt_core.random.stream`, put through the inverse of the distribution
    function, in float64 on the host, and rounded to the type of the weight. Keras's interval is
    two `sigma` on both sides of the mean.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((100, 100), np.float32)
    >>> wo.init.TruncatedNormal(sigma=0.02, lower=-0.04, upper=0.04, seed=1)("fc1_weight", weight)
    >>> bool(abs(weight).max() <= 0.04), round(float(weight.std() / 0.02), 2)
    (True, 0.88)
    """

    mean = Real(0.0)
    sigma = Real(1.0, "(0, inf)")
    lower = Real(-2.0)
    upper = Real(2.0)

    def _init_weight(self, name, arr):
        if not self.lower < self.upper:
            raise ValueError(wording("upper", f"a number above {self.lower}", f"{self.upper}"))
        self._truncated_normal(name, arr, self.mean, self.sigma, self.lower, self.upper)
