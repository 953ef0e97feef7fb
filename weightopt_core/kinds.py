"""The kinds of algorithms: what each is called, and where its classes are found."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of algorithm.

    Attributes
    ----------
    name : str
        What it is called in words.
    group : str
        The entry-point group under which packages declare its classes.
    module : str
        The name in `weightopt_core` of the module that creates them.
    """

    name: str
    group: str
    module: str


OPTIMIZER = Kind("optimizer", "weightopt.optimizers", "optimizer")
INITIALIZER = Kind("initializer", "weightopt.initializers", "init")
SCHEDULER = Kind("scheduler", "weightopt.lr_schedulers", "lr_scheduler")
KINDS = {kind.name: kind for kind in (OPTIMIZER, INITIALIZER, SCHEDULER)}

#: Key-value stores are no algorithms: they have no hyperparameters, and no kit checks them.
KVSTORE = Kind("kvstore", "weightopt.kvstores", "kvstore")

#: The entry-point group of packages that take the arrays of a framework in its own way.
BRIDGES = "weightopt.bridges"
