"""Initialize and update weights: `weightopt_core` under a shorter name.

>>> import weightopt as wo
>>> wo.optimizer.create("adam", learning_rate=0.1)
Adam(learning_rate=0.1)

Every name is the core's own, and so is every module: ``from weightopt.optimizer import Adam``
gives the class that ``weightopt_core.optimizer.Adam`` is. A package that provides an algorithm
imports `weightopt_core`, which is all that it depends on.
"""

import sys
from types import ModuleType

import weightopt_core
from weightopt_core import *  # noqa: F403
from weightopt_core import __version__, rule

__all__ = ["__version__", "rule"]
__all__ += weightopt_core.__all__

# The import system looks here first, so that no module is loaded a second time.
for _name in __all__:
    if isinstance(_module := globals()[_name], ModuleType):
        sys.modules[f"{__name__}.{_name}"] = _module
