"""The same steps through torch and through the core on NumPy arrays, and what to step."""

import numpy as np
import torch
import weightopt_torch
from weightopt_torch.memory import host_view, in_order
from weightopt_torch.settings import WORDS

import weightopt_core as wo
from weightopt_core.testing.arrays import same_bits, wild
from weightopt_core.testing.subject import Subject

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
#: By name; the second lies in memory with its channels last.
SHAPES = {
    "embed.weight": (120, 150),
    "conv.weight": (4, 3, 5, 5),
    "conv.bias": (),
    "fc.weight": (7, 11),
    "fc.bias": (0, 3),
    "norm.weight": (13,),
}
#: Seeds and draws differ by group, as all else may.
GROUPS = {"embed*|*bias": {"noise_seed": 5}, "fc*": {"noise_seed": 6}}


def named(dtype, seed=0):
    """Return parameters by name."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in SHAPES.items():
        tensor = torch.tensor(rng.normal(size=shape)).to(dtype)
        if len(shape) == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        found[name] = torch.nn.Parameter(tensor)
    return found


def gradients(params, rng):
    """Yield a gradient for each parameter, over 35 orders of magnitude; some lie otherwise."""
    for parameter in params.values():
        values = wild(rng, tuple(parameter.shape), np.float64)
        values = np.where(np.isfinite(values), np.clip(values, -60000, 60000), 1)
        gradient = torch.tensor(values).to(parameter.dtype)
        if parameter.ndim == 4 and rng.random() < 0.5:
            gradient = gradient.contiguous(memory_format=torch.channels_last)
        yield gradient


def in_torch_words(given):
    return {WORDS.get(name, name): value for name, value in given.items()}


def cases(name):
    """Return settings, in torch's words, that lead to each rule of an optimizer."""
    subject = Subject(wo.optimizer.registry.find(name))
    return [in_torch_words(subject.arguments | given) for given in subject.settings()]


def memory(tensor):
    """Return a NumPy array over a dense tensor, flat and in the order of its memory."""
    return host_view(in_order(tensor)).reshape(-1)


class Twin:
    """NumPy arrays that are stepped as the parameters of a torch optimizer are.

    Parameters
    ----------
    optimizer : weightopt_torch.Optimizer
        Made of ``named_parameters()``, before its first step.
    """

    def __init__(self, optimizer):
        self.groups = []
        for group in optimizer.param_groups:
            cls = optimizer.algorithm
            names = {WORDS.get(name, name): name for name in cls.hyperparameters}
            given = {names[key]: group[key] for key in group if key in names}
            given = {k: v for k, v in given.items() if v != cls.hyperparameters[k].default}
            core = cls(**given)
            core.noise_seed = group.get("noise_seed", core.noise_seed)
            core.set_wd_mult({name: 1.0 for name in group["param_names"]})
            weights = {
                name: memory(p).copy() for name, p in zip(group["param_names"], group["params"])
            }
            states = {name: core.create_state(name, w) for name, w in weights.items()}
            self.groups.append((core, weights, states))

    def step(self, grads):
        for core, weights, states in self.groups:
            for name, weight in weights.items():
                core.update(name, weight, grads[name], states[name])

    def check(self, optimizer):
        """Assert that weights and states have the same bits."""
        for (_, weights, states), group in zip(self.groups, optimizer.param_groups):
            for name, parameter in zip(group["param_names"], group["params"]):
                assert same_bits(weights[name], memory(parameter)), name
                mine = states[name]
                mine = mine if isinstance(mine, tuple) else () if mine is None else (mine,)
                found = [v for k, v in optimizer.state[parameter].items() if k != "step"]
                assert len(mine) == len(found)
                for one, other in zip(mine, found):
                    assert other.shape == parameter.shape
                    assert one.dtype == memory(other).dtype
                    assert same_bits(one, memory(other)), name


def set_gradients(params, rng):
    """Give each parameter a gradient; return them as `Twin.step` takes them."""
    grads = {}
    for (name, parameter), grad in zip(params.items(), gradients(params, rng)):
        parameter.grad = grad
        like = torch.empty_like(parameter, requires_grad=False).copy_(grad)
        grads[name] = memory(like).copy()
    return grads


def follow(name, dtype, given, steps=20):
    """Step through torch and on NumPy; compare all bits at the end."""
    params = named(dtype)
    groups = {pattern: dict(own) for pattern, own in GROUPS.items()}
    groups["fc*"] |= {"lr": 0.03, "weight_decay": 0.25, "rescale_grad": 0.5}
    groups["embed*|*bias"] |= {"weight_decay": 0.0}
    optimizer = weightopt_torch.create(name, params.items(), groups=groups, **given)
    optimizer.param_groups[0]["noise_seed"] = 4
    optimizer.load_state_dict(optimizer.state_dict())
    twin = Twin(optimizer)
    rng = np.random.default_rng(1)
    for _ in range(steps):
        twin.step(set_gradients(params, rng))
        optimizer.step()
    twin.check(optimizer)
