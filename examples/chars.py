"""Train a character LSTM on the help texts of Python, from several biases of its forget gates.

All its weights and biases are one vector, as FusedRNN lays them out. ``python examples/chars.py
--help`` shows the options.
"""

from pathlib import Path
from pydoc_data.topics import topics

import click
import matplotlib
import numpy as np
from rich.progress import track
from threadpoolctl import threadpool_limits
from weightopt_fusedrnn import Layout, unpack

import weightopt_core as wo

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BATCH = 32
LENGTH = 50
#: Learning rates that suit this network; others start from the optimizer's own default.
RATES = {
    "sgd": 3.0,
    "ccsgd": 3.0,
    "nag": 3.0,
    "dcasgd": 3.0,
    "adam": 0.01,
    "adamw": 0.01,
    "nadam": 0.01,
    "rmsprop": 0.01,
    "adamax": 0.03,
    "adagrad": 0.1,
    "ftrl": 1.0,
    "lamb": 0.03,
    "lion": 0.003,
}
GATES = ("_i", "_f", "_c", "_o")


def load():
    """Return the text as numbers below the number of characters, and that number."""
    codes = np.frombuffer("\n".join(topics.values()).encode("ascii", "ignore"), np.uint8)
    characters, numbers = np.unique(codes, return_inverse=True)
    return numbers, len(characters)


def pieces(vector, hidden):
    """Return views of the weights from input and hidden state, and of the biases, by gate."""
    found = unpack(vector, hidden, 1, "lstm")
    kinds = ("i2h{}_weight", "h2h{}_weight", "i2h{}_bias", "h2h{}_bias")
    return [[found["l0_" + kind.format(gate)] for gate in GATES] for kind in kinds]


def sigmoid(x):
    return 0.5 * np.tanh(0.5 * x) + 0.5


def forward(params, x, state):
    """Return what each time step leaves for `backward`, and the hidden states.

    `x` holds characters by time and text, `state` the hidden state and the cell before it.
    """
    hidden, cell = state
    parts = pieces(params["lstm_parameters"], hidden.shape[1])
    from_input, from_hidden, *biases = (np.concatenate(part) for part in parts)
    steps = []
    for characters in x:
        total = from_input.T[characters] + hidden @ from_hidden.T + sum(biases)
        i, f, c, o = np.split(total, 4, axis=1)
        i, f, c, o = sigmoid(i), sigmoid(f), np.tanh(c), sigmoid(o)
        before = hidden, cell
        cell = f * cell + i * c
        squashed = np.tanh(cell)
        hidden = o * squashed
        steps.append((i, f, c, o, squashed, *before))
    return steps, np.stack([o * squashed for _, _, _, o, squashed, _, _ in steps]), (hidden, cell)


def backward(params, x, steps, d_hiddens):
    """Return the gradient of the vector, from those of the hidden states."""
    d_vector = np.zeros_like(params["lstm_parameters"])
    hidden = d_hiddens.shape[2]
    from_hidden = np.concatenate(pieces(params["lstm_parameters"], hidden)[1])
    d_totals = np.empty((*d_hiddens.shape[:2], 4 * hidden), d_vector.dtype)
    d_hidden = d_cell = 0
    for t in reversed(range(len(x))):
        i, f, c, o, squashed, _, cell = steps[t]
        d_hidden = d_hiddens[t] + d_hidden
        d_cell = d_cell + d_hidden * o * (1 - squashed**2)
        d_gates = (d_cell * c, d_cell * cell, d_cell * i, d_hidden * squashed)
        slopes = (i * (1 - i), f * (1 - f), 1 - c**2, o * (1 - o))
        d_totals[t] = np.concatenate([d * s for d, s in zip(d_gates, slopes, strict=True)], axis=1)
        d_hidden, d_cell = d_totals[t] @ from_hidden, d_cell * f
    flat = d_totals.reshape(-1, 4 * hidden)
    before = np.concatenate([step[5] for step in steps])
    one_hot = np.zeros((x.size, d_vector.size // (4 * hidden) - hidden - 2), d_vector.dtype)
    one_hot[np.arange(x.size), x.ravel()] = 1
    d_biases = flat.sum(axis=0)
    grads = (flat.T @ one_hot, flat.T @ before, d_biases, d_biases)
    for parts, grad in zip(pieces(d_vector, hidden), grads, strict=True):
        for part, of_gate in zip(parts, np.split(grad, 4), strict=True):
            part[...] = of_gate
    return d_vector


def loss_and_grads(params, x, y, state):
    """Return the mean loss in nats a character, its gradients, and the state afterwards."""
    steps, hiddens, state = forward(params, x, state)
    flat = hiddens.reshape(x.size, -1)
    logits = flat @ params["out_weight"].T + params["out_bias"]
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    right = np.arange(x.size), y.ravel()
    d_logits = np.exp(log_p)
    d_logits[right] -= 1
    d_logits /= x.size
    d_hiddens = (d_logits @ params["out_weight"]).reshape(hiddens.shape)
    grads = {
        "lstm_parameters": backward(params, x, steps, d_hiddens),
        "out_weight": d_logits.T @ flat,
        "out_bias": d_logits.sum(axis=0),
    }
    return -log_p[right].mean(), grads, state


def parameters(initializer, characters, hidden, forget_bias):
    """Return initialized parameters by name."""
    rnn = wo.init.FusedRNN(initializer, hidden, 1, "lstm", forget_bias=forget_bias)
    init = wo.init.Mixed([".*_parameters", ".*"], [rnn, initializer])
    shapes = {
        "lstm_parameters": (Layout(hidden, 1, "lstm").size(characters),),
        "out_weight": (characters, hidden),
        "out_bias": (characters,),
    }
    params = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    for name, array in params.items():
        init(name, array)
    return params


def train(params, numbers, updater, updates, label):
    """Train, and return the loss of each update."""
    texts = numbers[: len(numbers) // BATCH * BATCH].reshape(BATCH, -1).T
    state = start = np.zeros((2, BATCH, params["out_weight"].shape[1]), np.float32)
    losses = []
    for update in track(range(updates), description=label):
        at = update % ((len(texts) - 1) // LENGTH) * LENGTH
        state = start if at == 0 else state
        x, y = texts[at : at + LENGTH], texts[at + 1 : at + 1 + LENGTH]
        loss, grads, state = loss_and_grads(params, x, y, state)
        for index, name in enumerate(params):
            updater(index, grads[name], params[name])
        losses.append(loss)
    return losses


def plot(curves, path):
    """Draw the losses, each smoothed over about 20 updates."""
    figure, axis = plt.subplots(figsize=(7, 5), layout="constrained")
    for label, losses in curves.items():
        width = min(20, len(losses))
        axis.plot(np.convolve(losses, np.ones(width) / width, "valid"), label=label)
    axis.set(xlabel="update", ylabel="loss in nats a character")
    axis.legend()
    figure.savefig(path, dpi=120)


def rate(optimizer, given):
    """Return the learning rate as an argument, or none where the optimizer's own default holds."""
    suited = RATES.get(wo.optimizer.registry.key(optimizer)) if given is None else given
    return {} if suited is None else {"learning_rate": suited}


class Refused(click.ClickException):
    """What is wrong with what was asked for, in one line."""

    exit_code = 2


@click.command()
@click.option(
    "--forget-bias",
    "forget_biases",
    multiple=True,
    default=(0.0, 1.0),
    show_default=True,
    help="the first biases of the forget gates; give it once for each curve",
)
@click.option("--initializer", default="xavier", show_default=True, help="its name")
@click.option("--optimizer", default="adam", show_default=True, help="its name")
@click.option("--learning-rate", type=float, help="by default one that suits the optimizer")
@click.option("--hidden", default=64, show_default=True, help="units of the LSTM")
@click.option("--updates", default=600, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--output", default="chars.png", show_default=True, type=click.Path(path_type=Path))
def main(forget_biases, initializer, optimizer, learning_rate, hidden, updates, seed, output):
    """Train once for each forget bias, print the last losses, draw the curves."""
    numbers, characters = load()
    curves = {}
    for forget_bias in forget_biases:
        wo.random.seed(seed)
        try:
            params = parameters(wo.init.create(initializer), characters, hidden, forget_bias)
            chosen = wo.optimizer.create(optimizer, **rate(optimizer, learning_rate))
        except (RuntimeError, TypeError, ValueError) as error:
            raise Refused(" ".join(str(error).split())) from error
        label = f"forget bias {forget_bias:g}"
        updater = wo.optimizer.get_updater(chosen)
        # The products are too small to be shared: threads would mostly wait for one another.
        with threadpool_limits(1):
            curves[label] = train(params, numbers, updater, updates, label)
    plot(curves, output)
    for label, losses in curves.items():
        print(f"{label}: loss {np.mean(losses[-50:]):.3f} nats a character")
    print(f"curves in {output}")


if __name__ == "__main__":
    main()
