"""Train on handwritten digits by workers whose gradients come late: SGD against DCASGD.

Workers push to a key-value store on Ray, which updates at each push. They pull anew only after some
pushes, so that gradients are computed at weights which others have meanwhile moved.
``python examples/async_digits.py --help`` shows the options.
"""

from pathlib import Path

import click
import matplotlib
import numpy as np
import ray
import weightopt_ray
from rich.progress import track

import weightopt_core as wo
from weightopt_core.testing.digits import BATCH, SHAPES, accuracy, backward, forward, load

matplotlib.use("Agg")
from matplotlib import pyplot as plt

WORKERS = 4
NAMES = list(SHAPES)
#: What is compared: an optimizer, and from which weight on it compensates for being late.
WAYS = {
    "SGD": ("sgd", "key"),
    "DCASGD, a backup for each key": ("dcasgd", "key"),
    "DCASGD, a backup for each worker": ("dcasgd", "worker"),
}


@ray.remote(num_cpus=0)
def work(store, rank, x, y, delay, updates, seed):
    """Push gradients, and pull anew after each `delay` pushes more than one."""
    store = store.worker(rank)
    shuffle = np.random.default_rng([seed, rank])
    for number in range(updates):
        if number % (delay + 1) == 0:
            params = dict(zip(NAMES, store.pull(NAMES), strict=True))
        batch = shuffle.choice(len(x), BATCH, replace=False)
        hidden, log_p = forward(params, x[batch])
        grads = backward(params, x[batch], y[batch], hidden, log_p)
        store.push(NAMES, [grads[name] for name in NAMES])
    store.barrier()


def train(way, data, delay, updates, seed, settings):
    """Train once; return the mean staleness, the loss on the test samples and the accuracy."""
    name, backup = WAYS[way]
    x, x_test, y, y_test = data
    store = wo.kvstore.create("ray", mode="dist_async", num_workers=WORKERS, backup=backup)
    params = {name: np.empty(shape, np.float32) for name, shape in SHAPES.items()}
    wo.random.seed(seed)
    initializer = wo.init.create("uniform")
    for parameter, array in params.items():
        initializer(parameter, array)
    store.init(NAMES, list(params.values()))
    store.set_optimizer(wo.optimizer.create(name, rescale_grad=1 / BATCH, **settings[name]))
    share = ray.put(x), ray.put(y)
    ray.get([work.remote(store, rank, *share, delay, updates, seed) for rank in range(WORKERS)])
    params = dict(zip(NAMES, store.pull(NAMES), strict=True))
    staleness = store.report().staleness
    store.close()
    late = sum(number * count for number, count in staleness.items()) / sum(staleness.values())
    with np.errstate(invalid="ignore"):
        log_p = forward(params, x_test)[1]
    loss = float(-log_p[np.arange(len(y_test)), y_test].mean())
    return late, loss, accuracy(params, x_test, y_test)


def plot(found, path):
    """Draw the loss against the staleness."""
    _, axis = plt.subplots(figsize=(7, 5), layout="constrained")
    for way, points in found.items():
        late, losses, _ = zip(*points, strict=True)
        axis.plot(late, losses, marker="o", label=way)
    axis.set_xlabel("staleness: updates between pull and push, in the mean")
    axis.set_ylabel("loss on images that were not seen")
    axis.set_yscale("log")
    axis.legend()
    plt.savefig(path, dpi=120)


@click.command()
@click.option("--delay", "delays", multiple=True, type=click.IntRange(0), default=(0, 2, 3, 4))
@click.option("--updates", default=170, show_default=True, type=click.IntRange(1), help="a worker")
@click.option("--learning-rate", default=0.1, show_default=True)
@click.option("--lamda", default=24.0, show_default=True, help="of DCASGD: how much is compensated")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--output", default="async_digits.png", show_default=True, type=click.Path(path_type=Path)
)
def main(delays, updates, learning_rate, lamda, seed, output):
    """Train with each way and each delay, print how it went, draw loss against staleness."""
    weightopt_ray.start(log_to_driver=False)
    settings = {"sgd": {"learning_rate": learning_rate}}
    settings["dcasgd"] = settings["sgd"] | {"lamda": lamda}
    data, found = load(seed), {way: [] for way in WAYS}
    runs = [(delay, way) for delay in delays for way in WAYS]
    for delay, way in track(runs, description="training"):
        found[way].append(train(way, data, delay, updates, seed, settings))
    for way, points in found.items():
        for delay, (late, loss, right) in zip(delays, points, strict=True):
            print(f"{way}: delay {delay}, staleness {late:.1f}, loss {loss:.3f}, right {right:.3f}")
    plot(found, output)
    print(f"loss against staleness in {output}")


if __name__ == "__main__":
    main()
