"""The command ``weightopt compare``: a small network, trained by each of several optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from .. import optimizer, random
from ..errors import PluginError
from ..testing import digits
from . import composed
from .console import figure, progress, table, tell

#: What stands after a colon, as in ``lookahead:adam``.
HELD = "optimizer"
#: The learning rates that --tune tries, and for how many epochs.
RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
TRIED = 5


class Curves(NamedTuple):
    """How one training went.

    Attributes
    ----------
    name : str
        As it was asked for, and the learning rate.
    losses : list of float
        The mean loss of each update's samples.
    accuracies : list of float
        The accuracy on the test samples after each epoch.
    """

    name: str
    losses: list[float]
    accuracies: list[float]

    def loss(self) -> float:
        """Return the mean loss of the last epoch; infinity where it is no number."""
        last = self.losses[-(len(self.losses) // len(self.accuracies)) :]
        mean = float(np.mean(last))
        return mean if np.isfinite(mean) else np.inf


@click.command()
@click.argument("optimizers", nargs=-1, required=True)
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--tune",
    is_flag=True,
    help=f"Where no learning rate is given, take the best of {RATES[0]} to {RATES[-1]} after "
    f"{TRIED} epochs, rather than the default.",
)
@click.option(
    "--output",
    default="compare.png",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The picture.",
)
def compare(optimizers: Sequence[str], epochs: int, seed: int, tune: bool, output: Path) -> None:
    """Train a small network on handwritten digits with each of OPTIMIZERS, and draw the curves.

    Each is a name; or a name with arguments, as "sgd(learning_rate=0.1, momentum=0.9)"; and after
    a colon stands what it holds, as in "lookahead:adam". All begin at the same weights.
    """
    try:
        data = digits.load(seed)
        makers = [Maker(text) for text in optimizers]
        with progress() as shown:
            tried = len(RATES) * TRIED * tune * sum(not maker.is_rated for maker in makers)
            task = shown.add_task("training", total=epochs * len(makers) + tried)
            advance = lambda: shown.advance(task)  # noqa: E731
            trained = [_of(maker, data, epochs, seed, tune, advance) for maker in makers]
        picture(trained, output)
    except (ImportError, OSError, PluginError, TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    listed = table("optimizer", "loss", "test accuracy")
    for curves in trained:
        listed.add_row(curves.name, f"{curves.loss():.4g}", f"{curves.accuracies[-1]:.3f}")
    tell(listed, f"curves in {output}")


class Maker:
    """Optimizers as one argument of the command asks for.

    Parameters
    ----------
    text : str
        The argument.
    """

    def __init__(self, text: str):
        self.text = text
        self.name, self.arguments = composed.read(text, HELD)
        self.is_rated = "learning_rate" in self._innermost()
        self.create()

    def create(self, rate: float | None = None) -> Any:
        """Return a new optimizer, with a learning rate if one is given."""
        made = optimizer.create(self.name, **self.arguments)
        made.rescale_grad = 1 / digits.BATCH
        if rate is not None:
            made.lr = rate
        return made

    def _innermost(self) -> dict[str, Any]:
        arguments = self.arguments
        while isinstance(arguments.get(HELD), list):
            arguments = arguments[HELD][1]
        return arguments


def _of(
    maker: Maker, data: Any, epochs: int, seed: int, tune: bool, advance: Callable[[], None]
) -> Curves:
    """Return the curves of an optimizer, at the learning rate that suits it if that is asked."""
    rate = None
    if tune and not maker.is_rated:
        losses = [train(maker, at, data, TRIED, seed, advance).loss() for at in RATES]
        rate = RATES[int(np.argmin(losses))]
    return train(maker, rate, data, epochs, seed, advance)


def train(
    maker: Maker,
    rate: float | None,
    data: Any,
    epochs: int,
    seed: int,
    advance: Callable[[], None],
) -> Curves:
    """Return the curves of one training; `advance` is called after each epoch."""
    x, x_test, y, y_test = data
    random.seed(seed)
    order = np.random.default_rng(seed)
    params = {name: _begin(order, shape) for name, shape in digits.SHAPES.items()}
    chosen = maker.create(rate)
    update = optimizer.get_updater(chosen)
    losses, accuracies = [], []
    with np.errstate(all="ignore"):  # a rate that is too high shows in the curve
        for _ in range(epochs):
            for batch in np.array_split(order.permutation(len(x)), len(x) // digits.BATCH):
                hidden, log_p = digits.forward(params, x[batch])
                losses.append(float(-log_p[np.arange(len(batch)), y[batch]].mean()))
                grads = digits.backward(params, x[batch], y[batch], hidden, log_p)
                update(list(params), [grads[name] for name in params], list(params.values()))
            accuracies.append(digits.accuracy(params, x_test, y_test))
            advance()
    return Curves(f"{maker.text}, rate {chosen.lr:g}", losses, accuracies)


def _begin(generator: Any, shape: tuple[int, ...]) -> Any:
    """Return weights as for layers that rectifiers follow, and biases of 0."""
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    return (generator.standard_normal(shape) * (2 / shape[1]) ** 0.5).astype(np.float32)


def picture(trained: Sequence[Curves], output: Path) -> None:
    """Draw losses and accuracies over the epochs."""
    drawn = figure(9, 4)
    loss, accuracy = drawn.subplots(1, 2)
    for curves in trained:
        epochs = len(curves.accuracies)
        means = np.reshape(curves.losses, (epochs, -1)).mean(axis=1)
        loss.plot(range(1, epochs + 1), means, label=curves.name)
        accuracy.plot(range(1, epochs + 1), curves.accuracies)
    loss.set(xlabel="epoch", ylabel="loss", yscale="log")
    accuracy.set(xlabel="epoch", ylabel="test accuracy")
    loss.legend()
    drawn.savefig(output, dpi=120)
