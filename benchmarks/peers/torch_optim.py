"""torch's optimizers, in each of the ways in which they can step."""

from ..contestant import Contestant

#: torch's class and arguments for what each algorithm computes.
OPTIMIZERS = {
    "adam": ("Adam", {"lr": 0.001}),
    "adamw": ("AdamW", {"lr": 0.001, "weight_decay": 0.01}),
    "sgd": ("SGD", {"lr": 0.01}),
    "sgd-momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "nag-momentum": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {"lr": 0.01, "eps": 1e-7}),
    "rmsprop": ("RMSprop", {"lr": 0.001, "alpha": 0.9}),
    "adadelta": ("Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-5}),
    "adamax": ("Adamax", {"lr": 0.002}),
    "nadam": ("NAdam", {"lr": 0.001, "momentum_decay": 0.004}),
}
FUSED = ("adam", "adamw", "sgd", "sgd-momentum", "nag-momentum", "adagrad")
#: With foreach, Nesterov's momentum is added to the gradients themselves, which are not torch's.
FOREACH = tuple(name for name in OPTIMIZERS if name != "nag-momentum")


def tensors(arrays):
    """Return tensors that share the memory of `arrays`."""
    import torch

    def tensor(array):
        if array.dtype.name == "bfloat16":  # NumPy's exchange formats have no such type
            return torch.from_numpy(array.view("int16")).view(torch.bfloat16)
        return torch.from_numpy(array)

    return [tensor(array) for array in arrays]


class TorchOptim(Contestant):
    """``torch.optim``, whose `step` is called with the gradients in place."""

    modules = ("torch",)

    def __init__(self, mode, algorithms):
        self.name = f"torch {mode}"
        self.mode = {} if mode == "default" else {mode: True}
        self.algorithms = algorithms

    def set_threads(self, threads):
        import torch

        torch.set_num_threads(threads)

    def step(self, weights, grads, algorithm):
        import torch

        name, arguments = OPTIMIZERS[algorithm.name]
        params = tensors(weights)
        for param, grad in zip(params, tensors(grads)):
            param.grad = grad
        optimizer = getattr(torch.optim, name)(params, **arguments, **self.mode)

        def run():
            optimizer.step()
            return weights

        return run


PEERS = [
    TorchOptim("fused", FUSED),
    TorchOptim("foreach", FOREACH),
    TorchOptim("default", OPTIMIZERS),
]
