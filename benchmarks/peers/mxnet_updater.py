"""MXNet's Updater, whose interface this project has kept."""

from ..contestant import Contestant

#: MXNet's name and arguments for what each algorithm computes.
OPTIMIZERS = {
    "adam": ("adam", {}),
    "sgd": ("sgd", {}),
    "sgd-momentum": ("sgd", {"momentum": 0.9}),
    "rmsprop": ("rmsprop", {"gamma1": 0.9}),
    "ftrl": ("ftrl", {}),
    "adagrad": ("adagrad", {}),
    "adamax": ("adamax", {}),
}


class MXNet(Contestant):
    """``get_updater(optimizer)(indices, grads, weights)``, until the engine is done."""

    name = "MXNet"
    modules = ("mxnet",)
    algorithms = OPTIMIZERS
    any_threads = False

    def load(self):
        import numpy as np

        # MXNet 1.9.1 asks for names that NumPy 2 has removed. No optimizer uses any of them.
        kept = np.__getattr__

        def lenient(name):
            try:
                return kept(name)
            except AttributeError:
                return None

        np.__getattr__ = lenient
        try:
            super().load()
        finally:
            np.__getattr__ = kept

    def step(self, weights, grads, algorithm):
        import mxnet

        name, arguments = OPTIMIZERS[algorithm.name]
        update = mxnet.optimizer.get_updater(mxnet.optimizer.create(name, **arguments))
        copies = [mxnet.nd.array(weight) for weight in weights]
        grads = [mxnet.nd.array(grad) for grad in grads]
        indices = list(range(len(weights)))

        def run():
            update(indices, grads, copies)
            mxnet.nd.waitall()
            return copies

        return run

    def values(self, weights):
        return [weight.asnumpy() for weight in weights]


PEERS = [MXNet()]
