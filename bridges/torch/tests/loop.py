"""A training loop, and the same steps by the core alone."""

import numpy as np
import weightopt_torch
from jobs import batch, loss

import weightopt_core as wo


def made(module, **options):
    return weightopt_torch.create("adamw", module.parameters(), lr=0.01, **options)


def train(module, optimizer, steps, scheduler=None):
    for step in steps:
        optimizer.zero_grad()
        loss(module, batch(step)).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return [parameter.detach().clone() for parameter in module.parameters()]


class OnNumpy:
    """The same steps by the core alone, on copies."""

    def __init__(self, module, **options):
        self.core = wo.optimizer.create("adamw", wd=0.01, learning_rate=0.01, **options)
        self.weights = [p.detach().numpy().copy() for p in module.parameters()]
        self.states = [self.core.create_state(i, w) for i, w in enumerate(self.weights)]

    def step(self, grads, lr=None):
        if lr is not None:
            self.core.lr = lr
        self.core.update(list(range(len(grads))), self.weights, grads, self.states)

    def equals(self, module):
        pairs = zip(self.weights, module.parameters())
        return all(np.array_equal(weight, p.detach().numpy()) for weight, p in pairs)


def grads_of(module):
    return [parameter.grad.numpy().copy() for parameter in module.parameters()]
