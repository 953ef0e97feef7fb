"""One Adam step on an OpenCL device; ``python -m benchmarks.opencl``, with wheels alone.

Against the compiled path on the host, against a copy of as many bytes on the device, and many
small tensors against a large one. Each figure is a ratio of times taken in turn in one run.
"""

import click
import numpy as np
import pyopencl as cl
from pyopencl.array import to_device
from rich.console import Console
from rich.progress import track
from rich.table import Table

import weightopt_core as wo

from .timing import interleaved

#: Bytes that a float32 step of Adam reads and writes for each element.
TRAFFIC = 28


def step(shapes, place, finish):
    """Return a function that steps tensors of the given lengths in one call, to its end.

    `place` puts a list of NumPy arrays where they are stepped.
    """
    rng = np.random.default_rng(0)
    weights, grads = (
        place([rng.normal(size=shape).astype(np.float32) for shape in shapes]) for _ in range(2)
    )
    optimizer = wo.optimizer.create("adam")
    indices = list(range(len(shapes)))
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]

    def run():
        optimizer.update(indices, weights, grads, states)
        finish()

    return run


def parts_of_one(place):
    """Return what places arrays like `place`, one after the other in one buffer."""

    def place_all(values):
        whole = place(np.concatenate(values))
        ends = np.cumsum([value.size for value in values])
        return [whole[end - value.size : end] for end, value in zip(ends, values, strict=True)]

    return place_all


def each(place):
    """Return what places each of several arrays by itself."""
    return lambda values: [place(value) for value in values]


def copy(queue, size):
    """Return a function that copies within the device, reading and writing a step's bytes."""
    count = size * TRAFFIC // 2
    source, target = (cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, count) for _ in range(2))
    cl.enqueue_fill_buffer(queue, source, np.zeros(1, np.uint32), 0, count)

    def run():
        cl.enqueue_copy(queue, target, source, byte_count=count)
        queue.finish()

    return run


def device(name):
    """Return the first device whose platform or own name contains `name`."""
    for platform in cl.get_platforms():
        for found in platform.get_devices():
            if name.lower() in f"{platform.name} {found.name}".lower():
                return found
    raise click.ClickException(f"no OpenCL device called {name}; see weightopt devices")


@click.command()
@click.option("--device", "name", default="portable", show_default=True, help="a part of its name")
@click.option("--size", default=10_000_000, show_default=True)
@click.option("--tensors", default=1000, show_default=True, help="small ones, of 1,000 elements")
@click.option("--threads", default=2, show_default=True, help="of the host")
@click.option("--rounds", default=21, show_default=True)
def main(name, size, tensors, threads, rounds):
    """Print ratios of the times of Adam steps."""
    wo.set_num_threads(threads)
    context = cl.Context([device(name)])
    queue = cl.CommandQueue(context)

    def place(values):
        return to_device(queue, values)

    def on_device(shapes):
        return step(shapes, each(place), queue.finish)

    def on_host(shapes):
        return step(shapes, each(np.copy), lambda: None)

    small = [1000] * tensors
    functions = {
        "device": on_device([size]),
        "host": on_host([size]),
        "copy": copy(queue, size),
        "device, flat": on_device([sum(small)]),
        "device, many": on_device(small),
        "device, many in one buffer": step(small, parts_of_one(place), queue.finish),
        "host, flat": on_host([sum(small)]),
        "host, many": on_host(small),
    }
    times = interleaved(functions, rounds, progress=track)
    table = Table(f"Adam on {queue.device.name.strip()}", "ms", "over", "ratio", "quartiles")
    pairs = [("device", "host"), ("device", "copy"), ("device, many", "device, flat")]
    pairs += [
        ("device, many in one buffer", "device, flat"),
        ("host, many", "host, flat"),
        ("device, many", "host, many"),
    ]
    for one, other in pairs:
        low, middle, high = times[one].over(times[other])
        milliseconds = f"{times[one].median * 1e3:.3f}"
        table.add_row(one, milliseconds, other, f"{middle:.2f}", f"{low:.2f} to {high:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
