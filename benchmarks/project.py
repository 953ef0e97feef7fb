"""The project's own step, through its public interface."""

from dataclasses import replace

import weightopt_core as wo

from .contestant import Contestant

DTYPES = ("float32", "float64", "float16", "bfloat16")


class WeightOpt(Contestant):
    """All tensors in one call of `update`, with states from `create_state`."""

    name = "weightopt"
    dtypes = DTYPES

    def set_threads(self, threads):
        wo.set_num_threads(threads)

    def step(self, weights, grads, algorithm):
        optimizer = algorithm.create()
        indices = list(range(len(weights)))
        states = [optimizer.create_state(*item) for item in enumerate(weights)]
        if len(weights) == 1:
            arguments = 0, weights[0], grads[0], states[0]
        else:
            arguments = indices, weights, grads, states

        def run():
            optimizer.update(*arguments)
            return weights

        return run


class RoundedStates(WeightOpt):
    """With states in bfloat16 or in 8 bits, rounded stochastically."""

    dtypes = ("float32",)

    def __init__(self, state_dtype):
        self.state_dtype = state_dtype
        self.name = f"weightopt, state_dtype={state_dtype}"

    def step(self, weights, grads, algorithm):
        given = algorithm.arguments | {"state_dtype": self.state_dtype}
        return super().step(weights, grads, replace(algorithm, arguments=given))


class Updater(WeightOpt):
    """The same through `get_updater`, which keeps the states."""

    name = "weightopt, updater"

    def step(self, weights, grads, algorithm):
        update = wo.optimizer.get_updater(algorithm.create())
        indices = list(range(len(weights)))

        def run():
            update(indices, grads, weights)
            return weights

        return run


class OneByOne(WeightOpt):
    """A call of `update` for each tensor."""

    name = "weightopt, one by one"

    def step(self, weights, grads, algorithm):
        optimizer = algorithm.create()
        states = [optimizer.create_state(*item) for item in enumerate(weights)]
        items = list(zip(range(len(weights)), weights, grads, states))

        def run():
            for item in items:
                optimizer.update(*item)
            return weights

        return run
