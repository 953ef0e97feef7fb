"""Plain NumPy, with ``out=`` so that nothing is allocated in a step."""

import numpy as np

from ..contestant import Contestant


def adam(weight, grad, scratch, states, t, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """One step of Adam."""
    mean, var = states
    np.multiply(mean, beta1, out=mean)
    np.multiply(grad, 1 - beta1, out=scratch)
    np.add(mean, scratch, out=mean)
    np.multiply(var, beta2, out=var)
    np.multiply(grad, grad, out=scratch)
    np.multiply(scratch, 1 - beta2, out=scratch)
    np.add(var, scratch, out=var)
    np.sqrt(var, out=scratch)
    np.add(scratch, epsilon, out=scratch)
    np.divide(mean, scratch, out=scratch)
    np.multiply(scratch, lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t), out=scratch)
    np.subtract(weight, scratch, out=weight)


def sgd_momentum(weight, grad, scratch, states, t, lr=0.01, momentum=0.9):
    """One step of gradient descent with momentum."""
    (mom,) = states
    np.multiply(mom, momentum, out=mom)
    np.multiply(grad, lr, out=scratch)
    np.subtract(mom, scratch, out=mom)
    np.add(weight, mom, out=weight)


def rmsprop(weight, grad, scratch, states, t, lr=0.001, gamma1=0.9, epsilon=1e-8):
    """One step of RMSProp."""
    (square,) = states
    np.multiply(square, gamma1, out=square)
    np.multiply(grad, grad, out=scratch)
    np.multiply(scratch, 1 - gamma1, out=scratch)
    np.add(square, scratch, out=square)
    np.add(square, epsilon, out=scratch)
    np.sqrt(scratch, out=scratch)
    np.divide(grad, scratch, out=scratch)
    np.multiply(scratch, lr, out=scratch)
    np.subtract(weight, scratch, out=weight)


class NumPy(Contestant):
    """A call of NumPy for each operation, on one thread."""

    name = "NumPy out="
    algorithms = {"adam": adam, "sgd-momentum": sgd_momentum, "rmsprop": rmsprop}  # noqa: RUF012

    def step(self, weights, grads, algorithm):
        function = self.algorithms[algorithm.name]
        states = [[np.zeros_like(weight) for _ in range(algorithm.states)] for weight in weights]
        # One buffer for all, which stays in the caches where the tensors are small.
        buffer = np.empty(max(weight.size for weight in weights), weights[0].dtype)
        scratch = [buffer[: weight.size].reshape(weight.shape) for weight in weights]
        items = list(zip(weights, grads, scratch, states))
        t = 0

        def run():
            nonlocal t
            t += 1
            for item in items:
                function(*item, t)
            return weights

        return run


PEERS = [NumPy()]
