"""DeepSpeed's Adam for weights in host memory."""

from ..contestant import Contestant
from .torch_optim import tensors


class DeepSpeedCPU(Contestant):
    """``DeepSpeedCPUAdam``, whose kernel is built when it is first used."""

    name = "DeepSpeed"
    modules = ("torch", "deepspeed.ops.adam")
    algorithms = ("adam", "adamw")

    def load(self):
        super().load()
        from deepspeed.ops.op_builder import CPUAdamBuilder

        CPUAdamBuilder().load(verbose=False)

    def set_threads(self, threads):
        import torch

        torch.set_num_threads(threads)

    def step(self, weights, grads, algorithm):
        from deepspeed.ops.adam import DeepSpeedCPUAdam

        params = tensors(weights)
        for param, grad in zip(params, tensors(grads)):
            param.grad = grad
        decoupled = algorithm.name == "adamw"
        optimizer = DeepSpeedCPUAdam(
            params, lr=0.001, weight_decay=0.01 * decoupled, adamw_mode=decoupled
        )

        def run():
            optimizer.step()
            return weights

        return run


PEERS = [DeepSpeedCPU()]
