"""optax's optimizers, compiled by jax with the update of the weights, in donated memory."""

from ..contestant import Contestant

#: optax's function and arguments for what each algorithm computes.
OPTIMIZERS = {
    "adam": ("adam", {"learning_rate": 0.001}),
    "adamw": ("adamw", {"learning_rate": 0.001, "weight_decay": 0.01}),
    "sgd-momentum": ("sgd", {"learning_rate": 0.01, "momentum": 0.9}),
    "nag-momentum": ("sgd", {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("rmsprop", {"learning_rate": 0.001, "decay": 0.9}),
    "lion": ("lion", {"learning_rate": 0.0001, "b2": 0.99, "weight_decay": 0.0}),
}


class JaxOptax(Contestant):
    """One compiled function for the whole list, called until the weights are ready."""

    name = "jax + optax"
    modules = ("jax", "optax")
    algorithms = OPTIMIZERS
    #: The compiler takes minutes for a list of thousands.
    most_tensors = 200
    any_threads = False

    def step(self, weights, grads, algorithm):
        import jax
        import optax

        function, arguments = OPTIMIZERS[algorithm.name]
        optimizer = getattr(optax, function)(**arguments)
        params, grads = ([jax.numpy.array(array) for array in list_] for list_ in (weights, grads))
        state = optimizer.init(params)

        def update(params, state, grads):
            changes, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, changes), state

        update = jax.jit(update, donate_argnums=(0, 1))

        def run():
            nonlocal params, state
            params, state = jax.block_until_ready(update(params, state, grads))
            return params

        return run


PEERS = [JaxOptax()]
