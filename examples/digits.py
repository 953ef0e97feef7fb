"""Train a small network on handwritten digits: initializer, optimizer and scheduler by name.

``python examples/digits.py --help`` shows the options.
"""

import itertools
import json
from pathlib import Path

import click
import matplotlib
import numpy as np
from rich.progress import track

import weightopt_core as wo
from weightopt_core import devices
from weightopt_core.testing.digits import (
    BATCH,
    HIDDEN,
    SHAPES,
    accuracy,
    backward,
    forward,
    load,
)

matplotlib.use("Agg")
from matplotlib import pyplot as plt

KERNELS = Path(__file__).with_suffix(".cl")
#: What suits this network, where the optimizer's own default does not. SGLD draws from the
#: posterior, so its gradient is that of all samples.
SUITED = {
    "sgd": {"learning_rate": 0.1},
    "ccsgd": {"learning_rate": 0.1},
    "nag": {"learning_rate": 0.1},
    "dcasgd": {"learning_rate": 0.1},
    "asgd": {"learning_rate": 0.1},
    "lars": {"learning_rate": 0.1, "momentum": 0.9, "eta": 0.1},
    "sgld": {"learning_rate": 1e-4, "rescale_grad": 1347 / BATCH},
    "adam": {"learning_rate": 0.003},
    "adamw": {"learning_rate": 0.003},
    "nadam": {"learning_rate": 0.003},
    "amsgrad": {"learning_rate": 0.003},
    "radam": {"learning_rate": 0.01},
    "adabelief": {"learning_rate": 0.003},
    "adan": {"learning_rate": 0.003},
    "ademamix": {"learning_rate": 0.003},
    "ftml": {"learning_rate": 0.01},
    "rmsprop": {"learning_rate": 0.003},
    "adamax": {"learning_rate": 0.01},
    "adagrad": {"learning_rate": 0.05},
    "ftrl": {"learning_rate": 1.0},
    "lamb": {"learning_rate": 0.01},
    "lion": {"learning_rate": 0.001},
}
#: Arguments of schedulers, for as many updates as there are by default.
SCHEDULES = {
    "factor": {"step": 100, "factor": 0.9},
    "multifactor": {"step": [1200, 2000], "factor": 0.3},
}


class Host:
    """The network on NumPy arrays."""

    def begin(self, data, order):
        """Take the samples, and their order in all epochs."""
        self.x, self.x_test, self.y, self.y_test = data
        self.order = order
        self.losses, self.accuracies = [], []

    def empty(self, shape):
        return np.empty(shape, np.float32)

    def gradients(self, params, begin, end):
        """Return the gradients of the samples ``order[begin:end]``; keep their mean loss."""
        batch = self.order[begin:end]
        hidden, log_p = forward(params, self.x[batch])
        self.losses.append(-log_p[np.arange(len(batch)), self.y[batch]].mean())
        return backward(params, self.x[batch], self.y[batch], hidden, log_p)

    def judge(self, params):
        """Keep the accuracy on the test samples."""
        self.accuracies.append(accuracy(params, self.x_test, self.y_test))

    def curves(self):
        return self.losses, self.accuracies


class OpenCL:
    """The network on a device: after the samples, nothing crosses until the curves are read."""

    def __init__(self):
        import pyopencl as cl
        import pyopencl.array

        self.array = pyopencl.array
        self.queue = cl.CommandQueue(cl.Context([devices.choose()]))
        program = cl.Program(self.queue.context, KERNELS.read_text("utf-8")).build()
        self.kernels = {kernel.function_name: kernel for kernel in program.all_kernels()}

    def empty(self, shape, dtype=np.float32):
        return self.array.empty(self.queue, shape, dtype)

    def begin(self, data, order):
        """Copy the samples, and their order in all epochs, and make room for the rest."""
        x, x_test, y, y_test, self.order = (
            self.array.to_device(self.queue, np.ascontiguousarray(array, dtype))
            for array, dtype in zip((*data, order), "ffiii", strict=True)
        )
        self.samples, self.tests = (x, y), (x_test, y_test)
        rows = max(2 * BATCH, len(x_test))
        self.batch = self.empty((rows, 64)), self.empty(rows, np.int32)
        self.hidden, self.d_hidden = self.empty((rows, HIDDEN)), self.empty((rows, HIDDEN))
        self.logits, self.loss, self.right = (self.empty((rows, n)) for n in (10, 1, 1))
        self.losses, self.accuracies = self.empty(order.size), self.empty(order.size)
        self.updates = self.epochs = 0
        self.grads = {name: self.empty(shape) for name, shape in SHAPES.items()}

    def run(self, name, size, *arguments):
        """Put a kernel into the queue; integers among its arguments are ints there."""
        arguments = [
            np.int32(value) if isinstance(value, int) else value.data for value in arguments
        ]
        self.kernels[name](self.queue, size, None, *arguments)

    def forward(self, params, x, labels, count):
        """Leave hidden activations, losses, hits and the gradients of the logits on the device."""
        fc1, fc2 = ((params[f"fc{i}_weight"], params[f"fc{i}_bias"]) for i in (1, 2))
        self.run("dense", (count, HIDDEN), x, *fc1, 64, 1, self.hidden)
        self.run("dense", (count, 10), self.hidden, *fc2, HIDDEN, 0, self.logits)
        self.run("judge", (count,), self.logits, labels, 10, self.loss, self.right)

    def gradients(self, params, begin, end):
        """Return the gradients of the samples ``order[begin:end]``; keep their mean loss."""
        count, (x, labels), grads = end - begin, self.batch, self.grads
        self.run("gather", (count, 64), *self.samples, self.order, begin, x, labels)
        self.forward(params, x, labels, count)
        self.run("mean", (1,), self.loss, count, self.losses, self.updates)
        self.updates += 1
        back = self.logits, params["fc2_weight"], 10, self.hidden, self.d_hidden
        self.run("back", (count, HIDDEN), *back)
        for layer, d_out, inputs in (("fc2", self.logits, self.hidden), ("fc1", self.d_hidden, x)):
            d_weight, d_bias = grads[f"{layer}_weight"], grads[f"{layer}_bias"]
            self.run("gradient", d_weight.shape, d_out, inputs, count, d_weight, d_bias)
        return grads

    def judge(self, params):
        """Keep the accuracy on the test samples."""
        count = len(self.tests[0])
        self.forward(params, *self.tests, count)
        self.run("mean", (1,), self.right, count, self.accuracies, self.epochs)
        self.epochs += 1

    def curves(self):
        losses, accuracies = self.losses.get(), self.accuracies.get()
        return losses[: self.updates].tolist(), accuracies[: self.epochs].tolist()


BACKENDS = {"numpy": Host, "opencl": OpenCL}


def train(optimizer, initializer, epochs, seed, backend=None):
    """Train, and return the curves of loss, learning rate and test accuracy."""
    data = load(seed)
    size = len(data[0])
    shuffle = np.random.default_rng(seed)
    order = np.concatenate([shuffle.permutation(size) for _ in range(epochs)])
    sizes = [len(part) for part in np.array_split(order[:size], size // BATCH)]
    bounds = np.cumsum([0, *sizes]).tolist()
    network = backend or Host()
    network.begin(data, order)
    params = {name: network.empty(shape) for name, shape in SHAPES.items()}
    for name, array in params.items():
        initializer(name, array)
    updater = wo.optimizer.get_updater(optimizer)
    rates = []
    for epoch in track(range(epochs), description="training"):
        for begin, end in itertools.pairwise(bounds):
            grads = network.gradients(params, epoch * size + begin, epoch * size + end)
            grads = [grads[name] for name in params]
            updater(list(range(len(params))), grads, list(params.values()))
            scheduler = optimizer.lr_scheduler
            rates.append(scheduler(optimizer.num_update) if scheduler else optimizer.lr)
        network.judge(params)
    losses, accuracies = network.curves()
    return {"loss": losses, "learning rate": rates, "test accuracy": accuracies}


def plot(curves, path):
    """Draw the curves, one below the other."""
    _, axes = plt.subplots(len(curves), 1, figsize=(7, 8), layout="constrained")
    for axis, (name, values) in zip(axes, curves.items(), strict=True):
        axis.plot(values)
        axis.set_ylabel(name)
        axis.set_xlabel("epoch" if name == "test accuracy" else "update")
    plt.savefig(path, dpi=120)


class Refused(click.ClickException):
    """What is wrong with what was asked for, in one line."""

    exit_code = 2


def options(_context, _parameter, words):
    """Turn ``name=value`` words, whose values are JSON, into keyword arguments."""
    found = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            found[name] = json.loads(text)
        except ValueError:
            raise Refused(f"{word!r}: expected NAME=VALUE, such as wd=0.001") from None
    return found


def choices(optimizer, given, initializer, scheduler, scheduled):
    """Return what the options name: an optimizer with its scheduler, and an initializer."""
    if scheduler == "none":
        if scheduled:
            raise ValueError("schedule: expected no arguments beside --scheduler none")
        schedule = None
    else:
        suited = SCHEDULES.get(wo.lr_scheduler.registry.key(scheduler), {})
        schedule = wo.lr_scheduler.create(scheduler, **(suited | scheduled))
    common = {"wd": 1e-4, "rescale_grad": 1 / BATCH, "lr_scheduler": schedule}
    common["param_idx2name"] = dict(enumerate(SHAPES))
    suited = SUITED.get(wo.optimizer.registry.key(optimizer), {})
    chosen = wo.optimizer.create(optimizer, **(common | suited | given))
    return chosen, wo.init.create(initializer)


@click.command()
@click.option("--optimizer", default="sgd", show_default=True, help="its name")
@click.option(
    "--set", "given", multiple=True, callback=options, help="a hyperparameter, as wd=0.001"
)
@click.option(
    "--initializer", default="uniform", show_default=True, help="its name, or what its dumps() gave"
)
@click.option("--scheduler", default="factor", show_default=True, help="its name, or none")
@click.option(
    "--schedule",
    "scheduled",
    multiple=True,
    callback=options,
    help="an argument of the scheduler, as step=100 or step=[500,1000]",
)
@click.option("--backend", default="numpy", show_default=True, type=click.Choice(list(BACKENDS)))
@click.option("--epochs", default=120, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--output", default="digits.png", show_default=True, type=click.Path(path_type=Path))
def main(optimizer, given, initializer, scheduler, scheduled, backend, epochs, seed, output):
    """Train on the digits, print the test accuracy, draw the curves."""
    wo.random.seed(seed)
    try:
        chosen, init = choices(optimizer, given, initializer, scheduler, scheduled)
        curves = train(chosen, init, epochs, seed, BACKENDS[backend]())
        plot(curves, output)
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise Refused(" ".join(str(error).split())) from error
    print(f"test accuracy {curves['test accuracy'][-1]:.4f}, curves in {output}")


if __name__ == "__main__":
    main()
