"""torch's fused kernels alone, without the optimizer around them."""

from ..contestant import Contestant
from .torch_optim import tensors

#: For each algorithm the kernel, how many lists of states it takes, and its numbers.
ADAM = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False}
KERNELS = {
    "adam": ("_fused_adam_", ADAM | {"weight_decay": 0.0}),
    "adamw": ("_fused_adamw_", ADAM | {"weight_decay": 0.01}),
    "sgd-momentum": (
        "_fused_sgd_",
        {
            "lr": 0.01,
            "momentum": 0.9,
            "weight_decay": 0.0,
            "dampening": 0.0,
            "nesterov": False,
            "is_first_step": False,
        },
    ),
}


class TorchKernel(Contestant):
    """The least that torch can do: tensors bound once, one call, one count for all tensors."""

    name = "torch kernel"
    modules = ("torch",)
    algorithms = KERNELS
    dtypes = ("float32", "float64", "float16", "bfloat16")

    def set_threads(self, threads):
        import torch

        torch.set_num_threads(threads)

    def step(self, weights, grads, algorithm):
        import torch

        name, numbers = KERNELS[algorithm.name]
        kernel = getattr(torch, name)
        params, grads = tensors(weights), tensors(grads)
        states = [[torch.zeros_like(param) for param in params] for _ in range(algorithm.states)]
        count = torch.zeros(())
        steps = [[], [count] * len(params)] if "adam" in name else []

        def run():
            count.add_(1)
            kernel(params, grads, *states, *steps, **numbers, maximize=False)
            return weights

        return run


PEERS = [TorchKernel()]
