"""Compare optimizers by name on a small transformer that reads Python's help texts.

It guesses the next character. ``python examples/torch_chars.py --help`` shows the options.
"""

import time
from pathlib import Path

import click
import matplotlib
import torch
import weightopt_torch
from chars import load
from rich.progress import track
from torch import nn

import weightopt_core as wo

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BATCH = 16
LENGTH = 64
#: Learning rates that suit this network; others start from the optimizer's own default.
RATES = {
    "sgd": 0.3,
    "nag": 0.3,
    "adam": 0.002,
    "adamw": 0.002,
    "nadam": 0.002,
    "rmsprop": 0.001,
    "adamax": 0.004,
    "adagrad": 0.02,
    "lamb": 0.01,
    "lion": 0.0003,
}
#: Decay is for matrices alone.
UNDECAYED = {"*bias|*norm*|embed*": {"weight_decay": 0.0}}


class Transformer(nn.Module):
    """Characters in, and for each the logits of the next."""

    def __init__(self, characters, width, heads, layers):
        super().__init__()
        self.embed_characters = nn.Embedding(characters, width)
        self.embed_places = nn.Embedding(LENGTH, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, characters)
        mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x):
        length = x.shape[1]
        hidden = self.embed_characters(x) + self.embed_places.weight[:length]
        hidden = self.blocks(hidden, mask=self.mask[:length, :length], is_causal=True)
        return self.out(self.norm(hidden))


def create(name, module, rate):
    """Return an optimizer with a rate that suits it, and decay for the matrices."""
    rate = RATES.get(wo.optimizer.registry.key(name)) if rate is None else rate
    return weightopt_torch.create(name, module, lr=rate, weight_decay=0.01, groups=UNDECAYED)


def batches(numbers, updates, seed):
    """Yield the same stretches of the text for every optimizer."""
    places = torch.Generator().manual_seed(seed)
    for _ in range(updates):
        begins = torch.randint(len(numbers) - LENGTH - 1, (BATCH,), generator=places).tolist()
        rows = torch.stack([numbers[begin : begin + LENGTH + 1] for begin in begins])
        yield rows[:, :-1], rows[:, 1:]


def train(module, optimizer, numbers, updates, seed, label):
    """Train, and return the loss of each update, and the seconds that all steps took."""
    warm = max(1, updates // 10)
    warming = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, warm)
    losses, seconds = [], 0.0
    given = batches(numbers, updates, seed)
    for x, y in track(given, total=updates, description=label):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(x).flatten(0, 1), y.flatten())
        loss.backward()
        begin = time.perf_counter()
        optimizer.step()
        seconds += time.perf_counter() - begin
        warming.step()
        losses.append(loss.item())
    return losses, seconds


def plot(curves, path):
    """Draw the losses, each smoothed over about 10 updates."""
    figure, axis = plt.subplots(figsize=(7, 5), layout="constrained")
    for label, losses in curves.items():
        smooth = torch.tensor(losses).unfold(0, min(10, len(losses)), 1).mean(dim=1)
        axis.plot(smooth, label=label)
    axis.set(xlabel="update", ylabel="loss in nats a character")
    axis.legend()
    figure.savefig(path, dpi=120)


class Refused(click.ClickException):
    """What is wrong with what was asked for, in one line."""

    exit_code = 2


@click.command()
@click.option(
    "--optimizer",
    "names",
    multiple=True,
    default=("adamw", "lion", "lamb", "sgd"),
    show_default=True,
    help="a name; give it once for each curve",
)
@click.option("--lr", type=float, help="by default one that suits the optimizer")
@click.option("--width", default=64, show_default=True, type=click.IntRange(4))
@click.option("--layers", default=2, show_default=True, type=click.IntRange(1))
@click.option("--updates", default=200, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--output", default="torch_chars.png", show_default=True, type=click.Path(path_type=Path)
)
def main(names, lr, width, layers, updates, seed, output):
    """Train once with each optimizer, print the last losses, draw the curves."""
    torch.set_num_threads(1)  # for products as small as these, threads mostly wait
    text, characters = load()
    numbers = torch.as_tensor(text)
    curves, lines = {}, []
    for name in names:
        module = Transformer(characters, width, 4, layers)
        weightopt_torch.init(module, "xavier", seed=seed, magnitude=2)
        try:
            optimizer = create(name, module, lr)
        except (RuntimeError, TypeError, ValueError) as error:
            raise Refused(" ".join(str(error).split())) from error
        losses, seconds = train(module, optimizer, numbers, updates, seed, name)
        curves[name] = losses
        last = losses[-20:]
        mean, each = sum(last) / len(last), 1000 * seconds / updates
        lines.append(f"{name}: loss {mean:.3f} nats a character, {each:.2f} ms a step")
    plot(curves, output)
    print("\n".join(lines))
    print(f"curves in {output}")


if __name__ == "__main__":
    main()
