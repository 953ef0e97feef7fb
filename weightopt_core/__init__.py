"""Initialize and update weights on NumPy arrays and OpenCL devices; every algorithm a plugin."""

from . import hyperparameters, initializer, kvstore, lr_scheduler, optimizer, random
from . import initializer as init
from .errors import PluginError, RuleError
from .initializer import InitDesc, Initializer
from .lr_scheduler import LRScheduler
from .optimizer import Optimizer
from .rule import update_rule
from .threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "InitDesc",
    "Initializer",
    "LRScheduler",
    "Optimizer",
    "PluginError",
    "RuleError",
    "get_num_threads",
    "hyperparameters",
    "init",
    "initializer",
    "kvstore",
    "lr_scheduler",
    "optimizer",
    "random",
    "set_num_threads",
    "update_rule",
]
