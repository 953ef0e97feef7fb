"""Initialize and update weights on NumPy arrays and OpenCL devices; every algorithm a plugin."""

from . import hyperparameters, lr_scheduler, optimizer
from .errors import PluginError, RuleError
from .lr_scheduler import LRScheduler
from .optimizer import Optimizer
from .rule import update_rule
from .threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "LRScheduler",
    "Optimizer",
    "PluginError",
    "RuleError",
    "get_num_threads",
    "hyperparameters",
    "lr_scheduler",
    "optimizer",
    "set_num_threads",
    "update_rule",
]
