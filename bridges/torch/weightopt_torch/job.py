"""What holds where an optimizer is one of several, in the processes of a job."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable

import torch
import torch.distributed as dist

from weightopt_core import random

#: Which of the seeds it is; the processes of a job make their optimizers in one order.
_numbers = itertools.count()


def is_one_of_several() -> bool:
    """Whether this process is joined with others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def agreed_seed() -> int | None:
    """Return a seed that all processes of the job have; None where there is one process alone.

    It is what the first of them draws. No process waits for another. Seeds that each draws for
    itself would let replicas of weights drift apart.
    """
    if not is_one_of_several():
        return None
    store = dist.distributed_c10d._get_default_store()
    key = f"weightopt/seed/{next(_numbers)}"
    return int(store.compare_set(key, "", str(int(random.draw_seed("noise")))))


def warn_of_own_gradients(parameters: Iterable[torch.Tensor]) -> None:
    """Warn where parameters are stepped in the backward pass that others may have replicas of."""
    if is_one_of_several() and not all(hasattr(one, "device_mesh") for one in parameters):
        warnings.warn(
            "step_in_backward steps before gradients are averaged over processes: under "
            "DistributedDataParallel replicas part; leave it out there, or use fully_shard",
            RuntimeWarning,
            stacklevel=4,
        )
