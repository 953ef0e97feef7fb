"""Train the network of digits.py with torch: its gradients, and our initializer and optimizer.

``python examples/torch_digits.py --help`` shows the options.
"""

from pathlib import Path

import click
import torch
import weightopt_torch
from digits import BATCH, HIDDEN, SUITED, Refused, load, options, plot
from rich.progress import track
from torch import nn

import weightopt_core as wo


def network():
    """Return the network, with the names of parameters that digits.py has, but for the dots."""
    layers = {"fc1": nn.Linear(64, HIDDEN), "relu": nn.ReLU(), "fc2": nn.Linear(HIDDEN, 10)}
    module = nn.Sequential()
    for name, layer in layers.items():
        module.add_module(name, layer)
    return module


def settings(optimizer, given):
    """Return what suits this network, in torch's words, and what was asked for."""
    suited = dict(SUITED.get(wo.optimizer.registry.key(optimizer), {}))
    suited.pop("rescale_grad", None)
    if "learning_rate" in suited:
        suited["lr"] = suited.pop("learning_rate")
    return {"weight_decay": 1e-4} | suited | given


def train(module, optimizer, scheduler, epochs, seed):
    """Train, and return the curves of loss, learning rate and test accuracy."""
    x, x_test, y, y_test = (torch.as_tensor(array) for array in load(seed))
    shuffle = torch.Generator().manual_seed(seed)
    curves = {"loss": [], "learning rate": [], "test accuracy": []}
    for _ in track(range(epochs), description="training"):
        for batch in torch.randperm(len(x), generator=shuffle).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(module(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            curves["loss"].append(loss.item())
            curves["learning rate"].append(optimizer.param_groups[0]["lr"])
        scheduler.step()
        with torch.no_grad():
            right = module(x_test).argmax(dim=1) == y_test
        curves["test accuracy"].append(right.float().mean().item())
    return curves


@click.command()
@click.option("--optimizer", default="sgd", show_default=True, help="its name")
@click.option(
    "--set", "given", multiple=True, callback=options, help="a setting, as weight_decay=0.001"
)
@click.option("--initializer", default="uniform", show_default=True, help="its name")
@click.option("--epochs", default=120, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--output", default="torch_digits.png", show_default=True, type=click.Path(path_type=Path)
)
def main(optimizer, given, initializer, epochs, seed, output):
    """Train on the digits, print the test accuracy, draw the curves."""
    torch.set_num_threads(1)  # for products as small as these, threads mostly wait
    module = network()
    try:
        weightopt_torch.init(module, initializer, seed=seed)
        chosen = weightopt_torch.create(optimizer, module, **settings(optimizer, given))
    except (RuntimeError, TypeError, ValueError) as error:
        raise Refused(" ".join(str(error).split())) from error
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(chosen, epochs)
    curves = train(module, chosen, scheduler, epochs, seed)
    plot(curves, output)
    print(f"test accuracy {curves['test accuracy'][-1]:.4f}, curves in {output}")


if __name__ == "__main__":
    main()
