"""How fast checkpoints are saved and loaded, beside `dd` on that disk: python -m benchmarks.saving.

The two take turns, each with files of the same size. `dd` writes zeros and flushes them; a
checkpoint has random states of Adam, a checksum for each tensor, and flushes file and folder.
"""

import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import click
import numpy as np

import weightopt_core as wo

_MEGABYTE = 10**6


def updater_of(size, tensors=16):
    """Return an updater of Adam whose states have about `size` bytes."""
    updater = wo.optimizer.get_updater(wo.optimizer.create("adam"))
    rng = np.random.default_rng(0)
    each = max(1, size // (8 * tensors))
    for index in range(tensors):
        states = tuple(rng.random(each, np.float32) for _ in range(2))
        updater.states[index] = states
        updater.optimizer._index_update_count[index] = 1
    updater.optimizer.num_update = 1
    return updater


def seconds(function, *args):
    """Return how long a call takes."""
    begin = time.perf_counter()
    function(*args)
    return time.perf_counter() - begin


def dd(path, size):
    """Write a file of `size` bytes with dd, and flush it."""
    blocks = [f"of={path}", "if=/dev/zero", "bs=1M", f"count={size}", "iflag=count_bytes"]
    subprocess.run(["dd", *blocks, "conv=fsync", "status=none"], check=True)


def peak_bytes():
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@click.command()
@click.option("--megabytes", default=1000, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--folder", default=".", show_default=True, help="On the disk to measure.")
def main(megabytes, rounds, folder):
    """Print the medians of saving, of loading and of dd, and how much memory saving takes."""
    updater = updater_of(megabytes * _MEGABYTE)
    times = {"dd conv=fsync": [], "save": [], "save(wait=False)": [], "load": []}
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name, "run.safetensors")
        before = peak_bytes()
        updater.save(path)
        size = path.stat().st_size
        for _ in range(rounds):
            path.unlink()
            times["dd conv=fsync"].append(seconds(dd, path, size))
            path.unlink()
            times["save"].append(seconds(updater.save, path))
        extra = peak_bytes() - before
        loading = wo.optimizer.get_updater(wo.optimizer.create("adam"))
        for _ in range(min(rounds, 3)):
            begin = time.perf_counter()
            saving = updater.save(path, wait=False)
            times["save(wait=False)"].append(time.perf_counter() - begin)
            saving.wait()
            times["load"].append(seconds(loading.load, path))
            loading.states.clear()
    print(f"{size / _MEGABYTE:.0f} MB, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        low, high = min(times[name]), max(times[name])
        speed = size / _MEGABYTE / median
        print(f"{name:17} {median:6.2f} s ({low:.2f} to {high:.2f})  {speed:6.0f} MB/s")
    print(f"save against dd: {medians['dd conv=fsync'] / medians['save']:.2f} of its speed")
    print(f"memory beside the states: {extra / _MEGABYTE:.1f} MB")


if __name__ == "__main__":
    main()
