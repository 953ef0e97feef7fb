"""One seed for all processes of a job: what each draws for itself lets their weights part."""

from __future__ import annotations

import itertools

import torch.distributed as dist

from weightopt_core import random

#: Which of the seeds it is; the processes of a job make their optimizers in one order.
_numbers = itertools.count()


def agreed_seed() -> int | None:
    """Return a seed that all processes of the job have; None where there is one process alone.

    It is what the first of them draws. No process waits for another.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return None
    store = dist.distributed_c10d._get_default_store()
    key = f"weightopt/seed/{next(_numbers)}"
    return int(store.compare_set(key, "", str(int(random.draw_seed("noise")))))
