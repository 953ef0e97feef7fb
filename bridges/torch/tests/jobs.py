"""Models, data and optimizers of the distributed tests: all follow from seeds."""

import torch
import torch.distributed as dist
import weightopt_torch

import weightopt_core as wo

#: Settings with which an algorithm has all the states that it can have.
FULL = {
    "sgd": {"momentum": 0.9},
    "nag": {"momentum": 0.9},
    "rmsprop": {"centered": True},
    "dcasgd": {"momentum": 0.9},
    "sgld": {"seed": 7},
    "test": {"rescale_grad": -0.01},
}


def names():
    """Return the optimizers that are installed and have a rule."""
    find = wo.optimizer.registry.find
    return [n for n in wo.optimizer.registry.names() if find(n).rule is not None]


def takes_state_dtype(name):
    """Whether an optimizer may keep its states in another dtype than the weight's."""
    return "state_dtype" in wo.optimizer.registry.find(name).hyperparameters


def settings(name):
    cls = wo.optimizer.registry.find(name)
    return {"lr": 0.01, "weight_decay": 0.01, **cls.conformance.arguments, **FULL.get(name, {})}


def optimizer_class(name):
    return getattr(weightopt_torch, wo.optimizer.registry.find(name).__name__)


def model(dtype=torch.float32):
    """Return a network whose first dimensions are 7, 1 and 5."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1), torch.nn.Linear(1, 5)]
    return torch.nn.Sequential(*layers).to(dtype)


def batch(step, rank=0):
    generator = torch.Generator().manual_seed(1000 * step + rank)
    return torch.randn(6, 5, generator=generator)


def loss(model, batch):
    return (model(batch) - batch.flip(1)).square().mean()


def twin_of(model):
    """Return whole copies of the parameters, for a run in one process."""
    return [torch.nn.Parameter(whole(p).clone()) for p in model.parameters()]


def whole(tensor):
    tensor = tensor.detach()
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def copy_grads(model, twin):
    for parameter, copy in zip(model.parameters(), twin):
        copy.grad = whole(parameter.grad).clone()


def differing(model, twin):
    """Return the numbers of the parameters that are not equal to their copies."""
    pairs = enumerate(zip(model.parameters(), twin))
    return [i for i, (one, other) in pairs if not torch.equal(whole(one), other.detach())]


def weights(model):
    return [whole(parameter).clone() for parameter in model.parameters()]


def rank():
    return dist.get_rank()


def call(function, arguments, options):
    return function(*arguments, **options)
