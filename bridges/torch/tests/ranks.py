"""Functions that run in several processes, which are joined by gloo."""

import os
import time
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import multiprocessing


def run(count, function, folder, *arguments, timeout=300):
    """Return what `function`, given `arguments`, returns in each of `count` processes.

    What a process raises is raised here. After `timeout` seconds all are ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = count, function, folder, arguments, timeout
    context = multiprocessing.start_processes(_run, given, count, join=False, start_method="spawn")
    end = time.monotonic() + timeout
    while not context.join(timeout=max(0.1, end - time.monotonic())):
        if time.monotonic() >= end:
            for process in context.processes:
                process.kill()
            raise TimeoutError(f"{function.__name__}: no end after {timeout} s")
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(count)]


def _run(rank, count, function, folder, arguments, timeout):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count))
    torch.set_num_threads(1)
    method = f"file://{folder / 'store'}"
    limit = timedelta(seconds=timeout)
    dist.init_process_group("gloo", init_method=method, rank=rank, world_size=count, timeout=limit)
    try:
        torch.save(function(*arguments), folder / f"{rank}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()
