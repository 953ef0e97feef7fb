"""Key-value stores: weights by key, gradients pushed to them, and an optimizer that updates them.

>>> import numpy as np
>>> import weightopt_core as wo
>>> store = wo.kvstore.create("local")
>>> store.init("fc_weight", np.ones(2))
>>> store.set_optimizer(wo.optimizer.create("sgd", learning_rate=0.5))
>>> store.push("fc_weight", [np.ones(2), np.ones(2)])
>>> store.pull("fc_weight")
array([0., 0.])

`local` is a store in this process. Behind any other one is an engine that joins machines, which is
a package of its own: `server` and `client` are what such a store is made of, `transport` what it
has to bring.
"""

from .base import KVStore, create, register, registry

__all__ = ["KVStore", "create", "register", "registry"]
