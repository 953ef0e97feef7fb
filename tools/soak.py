"""Steps, saves, loads, kills and threads for an hour: python tools/soak.py --minutes 5.

Rounds follow one another until the time is over. Each round steps optimizers on the host and on an
OpenCL device if there is one, saves them, beside the steps of other threads too, loads the file
into others and compares every bit, and kills processes that save. Memory and open files are
measured after each round. The report at the end has what was done; the exit status is 1 if a
round failed, or if memory or files grew.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import weightopt_core as wo
from weightopt_core import devices

KILLS = Path(__file__).parents[1] / "tests" / "kills.py"
OPTIMIZERS = ("adam", "sgd", "lamb", "sgld", "ftrl")
STEPS = 20
#: Rounds until all caches are filled, and how much may be added after that.
WARM, MOST_BYTES, MOST_FILES = 2, 32e6, 2


def updater_of(name):
    """Return an updater whose noise every other one has too."""
    optimizer = wo.optimizer.create(name, learning_rate=1e-3)
    optimizer.noise_seed = 1
    return wo.optimizer.get_updater(optimizer)


def places():
    """Return how arrays are made in each place, by its name."""
    found = {"host": np.copy}
    try:
        device = devices.choose()
    except (ImportError, RuntimeError):
        return found
    import pyopencl as cl
    import pyopencl.array

    queue = cl.CommandQueue(cl.Context([device]))
    return found | {device.name: lambda values: pyopencl.array.to_device(queue, values)}


class Soak:
    """What is done again and again, and how often it was done."""

    def __init__(self, folder, kills):
        self.folder, self.kills = Path(folder), kills
        self.places = places()
        self.done = {"rounds": 0, "steps": 0, "saves": 0, "loads": 0, "kills": 0}

    def round(self):
        """Do everything once."""
        number = self.done["rounds"]
        for place, make in self.places.items():
            for name in OPTIMIZERS:
                self.resumed(name, make, f"{name} on {place}", number)
        self.beside_threads()
        if self.kills:
            self.killed(number)
        self.done["rounds"] += 1

    def stepped(self, updater, weights, make, seed):
        """Step weights by gradients that follow from a seed."""
        rng = np.random.default_rng(seed)
        for _ in range(STEPS):
            grads = [make(rng.random(weight.shape, np.float32)) for weight in weights.values()]
            updater(list(weights), grads, list(weights.values()))
        self.done["steps"] += STEPS

    def resumed(self, name, make, what, seed):
        """Save a run, go on from the file in the host's memory, and compare the two."""
        path = self.folder / f"{name}.safetensors"
        values = np.random.default_rng(seed).random((2, 50_000), np.float32)
        weights = {"fc_weight": make(values[0]), "fc_bias": make(values[1])}
        whole, other = updater_of(name), updater_of(name)
        self.stepped(whole, weights, make, seed)
        saving = whole.save(path, weights=weights, keep=2, wait=False)
        self.stepped(whole, weights, make, seed + 1)
        saving.wait()
        resumed = other.load(path)
        self.stepped(other, resumed, np.copy, seed + 1)
        if whole.get_states() != other.get_states():
            raise RuntimeError(f"{what}: the resumed run has other states")
        for index, weight in weights.items():
            host = weight if isinstance(weight, np.ndarray) else weight.get()
            if host.tobytes() != resumed[index].tobytes():
                raise RuntimeError(f"{what}: the resumed run has another {index}")
        self.done["saves"] += 1
        self.done["loads"] += 1

    def beside_threads(self):
        """Save while other threads step; a file that is there is whole."""
        updater, path = updater_of("adam"), self.folder / "threads.safetensors"
        weights = {str(n): np.ones(20_000, np.float32) for n in range(4)}
        stops = threading.Event()

        def step(index):
            while not stops.is_set():
                updater(index, weights[index], weights[index].copy())
                time.sleep(0.002)

        threads = [threading.Thread(target=step, args=(index,)) for index in weights]
        for thread in threads:
            thread.start()
        try:
            for number in range(4):
                try:
                    saving = updater.save(path, weights=weights, wait=number % 2)
                except RuntimeError:  # steps came between
                    continue
                if saving:
                    saving.wait()
                updater_of("adam").load(path)
                self.done["saves"] += 1
                self.done["loads"] += 1
        finally:
            stops.set()
            for thread in threads:
                thread.join()

    def killed(self, seed):
        """Kill processes that save; `tests/kills.py` ends with an error where a file is lost."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            command = [sys.executable, KILLS, folder, self.kills, seed]
            env = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            run = subprocess.run(
                list(map(str, command)), env=env, text=True, capture_output=True, check=False
            )
        if run.returncode:
            raise RuntimeError(run.stderr)
        self.done["kills"] += json.loads(run.stdout)["kills"]


def memory():
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(words=None):
    """Run, print the progress and the report, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kills", type=int, default=50, help="in each round")
    given = parser.parse_args(words)
    begin, sizes, files = time.monotonic(), [], []
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(folder, given.kills)
        while len(sizes) <= WARM or time.monotonic() - begin < 60 * given.minutes:
            soak.round()
            gc.collect()
            sizes.append(memory())
            files.append(len(os.listdir("/proc/self/fd")))
            passed = (time.monotonic() - begin) / 60
            counted = ", ".join(f"{count} {what}" for what, count in soak.done.items())
            state = f"{sizes[-1] / 1e6:.1f} MB, {files[-1]} files"
            print(f"{passed:5.1f} of {given.minutes:g} min: {counted}; {state}", flush=True)
    more_bytes, more_files = max(sizes[WARM:]) - sizes[WARM], max(files[WARM:]) - files[WARM]
    grew = more_bytes > MOST_BYTES or more_files > MOST_FILES
    report = {
        "places": list(soak.places),
        **soak.done,
        "memory": f"{sizes[WARM] / 1e6:.1f} MB, at most {more_bytes / 1e6:.1f} MB more",
        "files": f"{files[WARM]}, at most {more_files} more",
        "result": "memory or files grew" if grew else "nothing lost, nothing grew",
    }
    for what, value in report.items():
        print(f"{what:10} {value}")
    return int(grew)


if __name__ == "__main__":
    sys.exit(main())
