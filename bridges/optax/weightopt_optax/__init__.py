"""Every installed optimizer of weightopt as an optax gradient transformation.

>>> import jax.numpy as jnp
>>> import optax
>>> import weightopt_optax
>>> tx = weightopt_optax.transform("sgd", learning_rate=0.5)
>>> params = {"w": jnp.ones(2)}
>>> updates, state = tx.update({"w": jnp.ones(2)}, tx.init(params), params)
>>> optax.apply_updates(params, updates)
{'w': Array([0.5, 0.5], dtype=float32)}
"""

from typing import Any

from .factories import factory
from .functions import State
from .transformation import Transformation, transform

__all__ = ["State", "Transformation", "transform"]


def __getattr__(name: str) -> Any:
    """Return a function of the hyperparameters of one optimizer, for ``inject_hyperparams``."""
    return factory(name, __name__)
