"""Weights from a normal distribution."""

from weightopt_core.hyperparameters import Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["Normal"]


class Normal(RandomInitializer):
    r"""Initialize weights with numbers drawn from a normal distribution of mean 0.

    Parameters
    ----------
    sigma : float, optional
        The standard deviation, at least 0.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    See Also
    --------
    Uniform : From a uniform distribution.
    TruncatedNormal : Without the tails.
    Kaiming : The deviation follows from the shape of the weight.

    Notes
    -----
    The numbers are uniform ones of `weightopt_core.random.stream` put through the inverse of the
    normal distribution function; neither NumPy nor MXNet draws the same ones. Where `sigma` is 0
    the weights are 0, while MXNet ends the process.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((100, 100), np.float32)
    >>> wo.init.Normal(0.5, seed=1)("fc1_weight", weight)
    >>> bool(abs(weight.mean()) < 0.03 and 0.48 < weight.std() < 0.52)
    True
    """

    sigma = Real(0.01, "[0, inf)")

    def _init_weight(self, name, arr):
        self._normal(name, arr, 0.0, self.sigma)
