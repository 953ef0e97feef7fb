"""Train a small network on handwritten digits: initializer, optimizer and scheduler by name.

``python examples/digits.py --help`` shows the options.
"""

from pathlib import Path

import click
import matplotlib
import numpy as np
from rich.progress import track
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import weightopt_core as mx

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BATCH = 64
HIDDEN = 64
SHAPES = {
    "fc1_weight": (HIDDEN, 64),
    "fc1_bias": (HIDDEN,),
    "fc2_weight": (10, HIDDEN),
    "fc2_bias": (10,),
}


def forward(params, x):
    """Return the hidden activations and the logarithms of the class probabilities."""
    hidden = np.maximum(x @ params["fc1_weight"].T + params["fc1_bias"], 0)
    logits = hidden @ params["fc2_weight"].T + params["fc2_bias"]
    logits -= logits.max(axis=1, keepdims=True)
    return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def backward(params, x, y, hidden, log_p):
    """Return the gradients of the summed cross-entropy by parameter."""
    d_logits = np.exp(log_p)
    d_logits[np.arange(len(y)), y] -= 1
    d_hidden = (d_logits @ params["fc2_weight"]) * (hidden > 0)
    return {
        "fc1_weight": d_hidden.T @ x,
        "fc1_bias": d_hidden.sum(axis=0),
        "fc2_weight": d_logits.T @ hidden,
        "fc2_bias": d_logits.sum(axis=0),
    }


def accuracy(params, x, y):
    """Return the share of `x` that is classified as `y`."""
    return float((forward(params, x)[1].argmax(axis=1) == y).mean())


def load(seed):
    """Return train and test images in [0, 1] as float32, with their labels."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    return train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)


class Host:
    """Weights, gradients and states in host memory: nothing is copied."""

    def empty(self, shape):
        return np.empty(shape, np.float32)

    def put(self, array):
        return array

    def get(self, array):
        return array


class OpenCL:
    """Weights, gradients and states on a device. The network computes on copies."""

    def __init__(self):
        import pyopencl as cl
        import pyopencl.array as cl_array

        self.array = cl_array
        self.context = cl.create_some_context(interactive=False)
        self.queue = cl.CommandQueue(self.context)

    def empty(self, shape):
        return self.array.empty(self.queue, shape, np.float32)

    def put(self, array):
        return self.array.to_device(self.queue, np.ascontiguousarray(array))

    def get(self, array):
        return array.get()


BACKENDS = {"numpy": Host, "opencl": OpenCL}


def train(optimizer, initializer, epochs, seed, backend=None):
    """Train, and return the curves of loss, learning rate and test accuracy."""
    backend = backend or Host()
    x, x_test, y, y_test = load(seed)
    weights = {name: backend.empty(shape) for name, shape in SHAPES.items()}
    for name, array in weights.items():
        initializer(name, array)
    params = {name: backend.get(array) for name, array in weights.items()}
    updater = mx.optimizer.get_updater(optimizer)
    order = np.random.default_rng(seed)
    curves = {"loss": [], "learning rate": [], "test accuracy": []}
    for _ in track(range(epochs), description="training"):
        for batch in np.array_split(order.permutation(len(x)), len(x) // BATCH):
            hidden, log_p = forward(params, x[batch])
            grads = backward(params, x[batch], y[batch], hidden, log_p)
            grads = [backend.put(grads[name]) for name in SHAPES]
            updater(list(range(len(SHAPES))), grads, list(weights.values()))
            params = {name: backend.get(array) for name, array in weights.items()}
            curves["loss"].append(-log_p[np.arange(len(batch)), y[batch]].mean())
            scheduler = optimizer.lr_scheduler
            lr = scheduler(optimizer.num_update) if scheduler else optimizer.lr
            curves["learning rate"].append(lr)
        curves["test accuracy"].append(accuracy(params, x_test, y_test))
    return curves


def plot(curves, path):
    """Draw the curves, one below the other."""
    _, axes = plt.subplots(len(curves), 1, figsize=(7, 8), layout="constrained")
    for axis, (name, values) in zip(axes, curves.items(), strict=True):
        axis.plot(values)
        axis.set_ylabel(name)
        axis.set_xlabel("epoch" if name == "test accuracy" else "update")
    plt.savefig(path, dpi=120)


def options(_context, _parameter, words):
    """Turn ``name=value`` words into keyword arguments."""
    pairs = dict(word.split("=", 1) for word in words)
    return {name: float(value) for name, value in pairs.items()}


@click.command()
@click.option("--optimizer", default="sgd", show_default=True, help="its name")
@click.option(
    "--set", "given", multiple=True, callback=options, help="a hyperparameter, as wd=0.001"
)
@click.option("--initializer", default="uniform", show_default=True, help="its name")
@click.option("--scheduler", default="factor", show_default=True, help="its name, or none")
@click.option("--backend", default="numpy", show_default=True, type=click.Choice(list(BACKENDS)))
@click.option("--epochs", default=120, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--output", default="digits.png", show_default=True, type=click.Path(path_type=Path))
def main(optimizer, given, initializer, scheduler, backend, epochs, seed, output):
    """Train on the digits, print the test accuracy, draw the curves."""
    mx.random.seed(seed)
    lr_scheduler = None
    if scheduler != "none":
        lr_scheduler = mx.lr_scheduler.create(scheduler, step=100, factor=0.9)
    given = {"learning_rate": 0.1, "wd": 1e-4} | given
    chosen = mx.optimizer.create(
        optimizer,
        rescale_grad=1 / BATCH,
        param_idx2name=dict(enumerate(SHAPES)),
        lr_scheduler=lr_scheduler,
        **given,
    )
    curves = train(chosen, mx.init.create(initializer), epochs, seed, BACKENDS[backend]())
    plot(curves, output)
    print(f"test accuracy {curves['test accuracy'][-1]:.4f}, curves in {output}")


if __name__ == "__main__":
    main()
