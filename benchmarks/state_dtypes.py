"""How training goes with states in float32, in bfloat16 and in 8 bits: digits, and characters.

``python -m benchmarks.state_dtypes`` prints the table of docs/design/rounded-states.md. It depends
on the machine as far as NumPy's products of matrices do, and not on its speed.
"""

import importlib.util
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import weightopt_core as wo
from weightopt_core.backends.interface import STATE_DTYPES
from weightopt_core.testing import digits

EXAMPLE = Path(__file__).parents[1] / "examples" / "chars.py"
SEEDS = range(3)
#: For each model the optimizers, at rates that suit them.
OPTIMIZERS = {
    "digits": {
        "adam": {"learning_rate": 0.003},
        "adamw": {"learning_rate": 0.003, "wd": 0.01},
        "sgd": {"learning_rate": 0.05, "momentum": 0.9},
    },
    "characters": {
        "adam": {"learning_rate": 0.01},
        "sgd": {"learning_rate": 0.3, "momentum": 0.9},
    },
}
EPOCHS = 30
UPDATES = 600


def updater_of(name, params, given):
    """Return an updater for parameters by name."""
    names = dict(enumerate(params))
    return wo.optimizer.get_updater(wo.optimizer.create(name, param_idx2name=names, **given))


def on_digits(name, seed, given):
    """Return the loss on the training samples after the last epoch, and the accuracy on others."""
    wo.random.seed(seed)
    train_x, test_x, train_y, test_y = digits.load(seed)
    init = wo.init.create("xavier")
    params = {key: np.empty(shape, np.float32) for key, shape in digits.SHAPES.items()}
    for key, array in params.items():
        init(key, array)
    updater = updater_of(name, params, given | {"rescale_grad": 1 / digits.BATCH})
    order = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        shuffled = order.permutation(len(train_x))
        for at in range(0, len(train_x) - digits.BATCH + 1, digits.BATCH):
            chosen = shuffled[at : at + digits.BATCH]
            x, y = train_x[chosen], train_y[chosen]
            grads = digits.backward(params, x, y, *digits.forward(params, x))
            for index, key in enumerate(params):
                updater(index, grads[key].astype(np.float32), params[key])
    log_p = digits.forward(params, train_x)[1]
    loss = -log_p[np.arange(len(train_y)), train_y].mean()
    return float(loss), digits.accuracy(params, test_x, test_y)


def on_characters(name, seed, given):
    """Return the mean loss of the last fifty updates, in nats a character."""
    spec = importlib.util.spec_from_file_location("chars", EXAMPLE)
    chars = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(chars)
    chars.track = lambda steps, description: steps  # no bar
    wo.random.seed(seed)
    numbers, characters = chars.load()
    params = chars.parameters(wo.init.create("xavier"), characters, 64, 1.0)
    updater = updater_of(name, params, given)
    losses = chars.train(params, numbers, updater, UPDATES, "")
    return (float(np.mean(losses[-50:])),)


def main():
    """Print the table: mean and standard deviation over the seeds."""
    models = {"digits": on_digits, "characters": on_characters}
    for model, train in models.items():
        for name, given in OPTIMIZERS[model].items():
            for state_dtype in (None, *STATE_DTYPES):
                runs = [train(name, seed, given | {"state_dtype": state_dtype}) for seed in SEEDS]
                means, spreads = np.mean(runs, axis=0), np.std(runs, axis=0)
                found = [f"{m:.4f} ± {s:.4f}" for m, s in zip(means, spreads, strict=True)]
                print(f"| {model} | {name} | {state_dtype} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
