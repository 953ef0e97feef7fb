"""Muon (Jordan and others, 2024), https://kellerjordan.github.io/posts/muon."""

import math

import numpy as np

from weightopt_core.algorithm import Conformance
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Choice, Flag, Integer, LearningRate, Real
from weightopt_core.optimizer import HostOptimizer

__all__ = ["Muon", "orthogonalised"]

#: Of the quintic polynomial: its slope at 0 is steep, and it keeps [0, 1] near 1 thereafter.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalised(matrix, steps=5, epsilon=1e-7):
    """Return a matrix of nearly the same singular vectors, with singular values from 0.5 to 1.5.

    Parameters
    ----------
    matrix : numpy.ndarray
        Of two dimensions, float32 or float64.
    steps : int
        How many Newton-Schulz steps are made.
    epsilon : float
        The least norm that `matrix` is divided by.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.linalg.svd(orthogonalised(np.diag([5.0, 1.0, 0.1])))[1]
    >>> bool((abs(values - 1) < 0.5).all())
    True
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / max(float(np.linalg.norm(wide)), epsilon)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = A * wide + (B * gram + C * (gram @ gram)) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


class Muon(HostOptimizer):
    r"""Muon: momentum, whose matrix is made nearly orthogonal by Newton-Schulz steps.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`

    .. math::

        m &\leftarrow \mu m + (1 - \mu) \, G \\
        X &= \mu m + (1 - \mu) \, G \quad \text{with Nesterov's momentum, else } m \\
        X &\leftarrow X / \|X\|_F, \text{ and } k \text{ times }
            X \leftarrow a X + (b \, X X^T + c \, (X X^T)^2) \, X \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \cdot s \, X

    where :math:`(a, b, c) = (3.4445, -4.7750, 2.0315)`. For a matrix of :math:`n` rows and
    :math:`m` columns :math:`s = \sqrt{\max(1, n / m)}`, or :math:`0.2 \sqrt{\max(n, m)}`. A weight
    of more dimensions, such as that of a convolution, is a matrix of its first one and the rest.

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    momentum : float, optional
        The decay :math:`\mu`, in [0, 1).
    nesterov : bool, optional
        Whether the momentum is Nesterov's.
    steps : int, optional
        The number :math:`k` of Newton-Schulz steps, from 1 to 99.
    adjust_lr : {'original', 'match_rms_adamw'}, optional
        Which :math:`s` it is: the first, or the second, with which steps are as large as AdamW's,
        so that its learning rate and weight decay serve.
    epsilon : float, optional
        The least norm that :math:`X` is divided by, above 0.
    wd : float, optional
        Weight decay, at least 0; apart from the gradient, as in AdamW.
    **kwargs
        Those of `weightopt_core.Optimizer`, but no `state_dtype`.

    Raises
    ------
    ValueError
        When a state is created or a weight updated: it has fewer than two dimensions.

    See Also
    --------
    SGD : The momentum is taken as it is, without making it orthogonal.
    AdamW : For weights of any shape, each element by itself.
    MixedOptimizer : Gives matrices to this one and the rest to another.

    Notes
    -----
    State: the momentum, of the weight's shape, in float32, or in float64 for float64 weights; 4
    bytes a float32 weight.

    It is for the matrices of hidden layers. Give embeddings, the last layer, and all vectors to
    another optimizer, by `weightopt_mixedoptimizer.MixedOptimizer`::

        mixed = wo.optimizer.create(
            "mixed", patterns=["block.*_weight", ".*"], optimizers=["muon", "adamw"]
        )

    Products are those of NumPy's BLAS, on the host, in the precision of the state. So bits may
    differ from one machine or number of threads to another. PyTorch computes them in bfloat16.

    References
    ----------
    K. Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon; J. Liu and others, "Muon is Scalable for LLM
    Training", 2025, https://arxiv.org/abs/2502.16982, for 'match_rms_adamw'

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> muon = wo.optimizer.create("muon", learning_rate=0.1, wd=0)
    >>> weight = np.zeros((2, 2))
    >>> muon.update(0, weight, np.diag([3.0, -0.01]), muon.create_state(0, weight))
    >>> (weight / 0.1).round(2)
    array([[-0.7 ,  0.  ],
           [ 0.  ,  1.16]])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    momentum = Real(0.95, "[0, 1)")
    nesterov = Flag(True)
    steps = Integer(5, "[1, 99]")
    adjust_lr = Choice("original", ("original", "match_rms_adamw"))
    epsilon = Real(1e-7, "(0, inf)")
    wd = Real(0.1, "[0, inf)")

    # Both are tried by its own tests: products of matrices take the kit long.
    conformance = Conformance(
        arguments={"nesterov": True, "adjust_lr": "original"}, host_only=True, dimensions=2
    )

    def state_shapes(self, shape):
        if len(shape) < 2:
            remedy = "give it to another optimizer, as mixedoptimizer does by patterns of names"
            got = f"shape {shape}"
            raise ValueError(wording("weight", "two dimensions or more for muon", got, remedy))
        return super().state_shapes(shape)

    def compute(self, weight, grad, mean, *, lr, wd, momentum, nesterov, steps, adjust_lr, epsilon):
        mean = momentum * mean + (1 - momentum) * grad
        step = momentum * mean + (1 - momentum) * grad if nesterov else mean
        rows, columns = len(step), math.prod(step.shape[1:])
        step = orthogonalised(step.reshape(rows, columns), steps, epsilon).reshape(weight.shape)
        scale = math.sqrt(max(1, rows / max(columns, 1)))
        if adjust_lr != "original":
            scale = 0.2 * math.sqrt(max(rows, columns))
        return (1 - lr * wd) * weight - lr * scale * step, mean
