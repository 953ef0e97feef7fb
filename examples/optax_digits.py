"""The network of digits.py in JAX: gradients by jax.grad, steps by weightopt-optax.

``python examples/optax_digits.py --help`` shows the options.
"""

import itertools

import click
import digits
import jax
import jax.numpy as jnp
import numpy as np
import weightopt_optax

import weightopt_core as wo


def loss(params, x, y):
    """Return the mean cross-entropy."""
    hidden = jax.nn.relu(x @ params["fc1_weight"].T + params["fc1_bias"])
    log_p = jax.nn.log_softmax(hidden @ params["fc2_weight"].T + params["fc2_bias"])
    return -log_p[jnp.arange(len(y)), y].mean()


def train(tx, initializer, epochs, seed):
    """Train, and return the losses and the test accuracy after each epoch."""
    x, x_test, y, y_test = digits.load(seed)
    params = {name: np.empty(shape, np.float32) for name, shape in digits.SHAPES.items()}
    for name, array in params.items():
        initializer(name, array)
    params = {name: jnp.array(array) for name, array in params.items()}  # copies
    state = tx.init(params)

    @jax.jit
    def step(params, state, x, y):
        value, grads = jax.value_and_grad(loss)(params, x, y)
        params, state = tx.apply(params, grads, state)
        return params, state, value

    shuffle = np.random.default_rng(seed)
    size = len(x) // digits.BATCH * digits.BATCH
    losses, accuracies = [], []
    for _ in range(epochs):
        order = shuffle.permutation(len(x))[:size]
        for begin, end in itertools.pairwise(range(0, size + 1, digits.BATCH)):
            batch = order[begin:end]
            params, state, value = step(params, state, x[batch], y[batch])
            losses.append(float(value))
        host = {name: np.asarray(array) for name, array in params.items()}
        accuracies.append(digits.accuracy(host, x_test, y_test))
    return losses, accuracies


@click.command()
@click.option("--optimizer", default="adam", show_default=True, help="its name")
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def main(optimizer, epochs, seed):
    """Train on the digits, and print how well they are told apart."""
    wo.random.seed(seed)
    key = wo.optimizer.registry.key(optimizer)
    suited = digits.SUITED.get(key, {}) if key != "sgld" else {"learning_rate": 1e-4}
    try:
        decays = {name: float(name.endswith("_weight")) for name in digits.SHAPES}
        tx = weightopt_optax.transform(optimizer, wd=1e-4, wd_mult=decays, **suited)
    except (TypeError, ValueError) as error:
        raise digits.Refused(" ".join(str(error).split())) from error
    losses, accuracies = train(tx, wo.init.create("uniform"), epochs, seed)
    print(f"{optimizer}: loss {losses[-1]:.4f}, test accuracy {accuracies[-1]:.4f}")


if __name__ == "__main__":
    main()
