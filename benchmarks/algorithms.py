"""The project's optimizers that have a rule, found by their installed packages."""

from dataclasses import dataclass, field

import numpy as np

import weightopt_core as wo

#: Optimizers whose rule depends on a hyperparameter, by the names that they have here.
VARIANTS = {
    "sgd-momentum": ("sgd", {"momentum": 0.9}),
    "nag-momentum": ("nag", {"momentum": 0.9}),
    "dcasgd-momentum": ("dcasgd", {"momentum": 0.9}),
    "rmsprop-centered": ("rmsprop", {"centered": True}),
}


@dataclass(frozen=True)
class Algorithm:
    """An optimizer and what it is created with."""

    name: str
    optimizer: str
    arguments: dict = field(default_factory=dict)

    def create(self):
        """Return a new optimizer."""
        return wo.optimizer.create(self.optimizer, **self.arguments)

    @property
    def states(self):
        """How many arrays of the weight's shape the state has."""
        return len(state_arrays(self.create().create_state(0, np.ones(1, np.float32))))


def state_arrays(state):
    """Return the arrays of a state as a tuple."""
    return () if state is None else state if isinstance(state, tuple) else (state,)


def algorithms():
    """Return each `Algorithm` by its name; one rule under two names counts once."""
    classes = {name: wo.optimizer.registry.find(name) for name in wo.optimizer.registry.names()}
    found, rules = {}, set()
    for name in sorted(classes, key=lambda name: (len(classes[name].__mro__), name)):
        if issubclass(classes[name], wo.optimizer.Wrapper):
            continue
        rule = wo.optimizer.create(name).rule
        if rule is not None and rule not in rules:
            rules.add(rule)
            found[name] = Algorithm(name, name)
    for name, (optimizer, arguments) in VARIANTS.items():
        if optimizer in found:
            found[name] = Algorithm(name, optimizer, arguments)
    return dict(sorted(found.items()))
