"""What processes do with torch.distributed.checkpoint."""

import jobs
import torch
import torch.distributed.checkpoint as dcp
from jobs import model, optimizer_class, settings
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor
from torch.nn.parallel import DistributedDataParallel

import weightopt_core as wo

WAYS = {
    "fully_shard": lambda module: fully_shard(module) or module,
    "ddp": DistributedDataParallel,
    "plain": lambda module: module,
}


def _made(name, way, options):
    module = model(options.get("dtype", torch.float32))
    module = WAYS[way](module)
    given = settings(name) | {key: value for key, value in options.items() if key != "dtype"}
    return module, optimizer_class(name)(module.parameters(), **given)


def _step(module, optimizer, steps):
    """Step with gradients that are the same whatever the processes are."""
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for parameter in module.parameters():
            grad = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
            if hasattr(parameter, "device_mesh"):
                grad = distribute_tensor(grad, parameter.device_mesh, parameter.placements)
            parameter.grad = grad
        optimizer.step()
    return jobs.weights(module)


def _wanted(flat):
    return StateDictOptions(flatten_optimizer_state_dict=flat)


def saved(names, way, folder, options, flat):
    """Step, save, and step on; return the weights then."""
    found = {}
    for name in names:
        module, optimizer = _made(name, way, options)
        _step(module, optimizer, range(3))
        weights, states = get_state_dict(module, optimizer, options=_wanted(flat))
        dcp.save({"model": weights, "optim": states}, checkpoint_id=folder / name)
        found[name] = _step(module, optimizer, range(3, 6))
    return found


def resumed(names, way, folder, options, flat):
    """Load what `saved` has saved, and step on; return the weights then."""
    found = {}
    for name in names:
        module, optimizer = _made(name, way, options)
        weights, states = get_state_dict(module, optimizer, options=_wanted(flat))
        both = {"model": weights, "optim": states}
        dcp.load(both, checkpoint_id=folder / name)
        given = {"model_state_dict": both["model"], "optim_state_dict": both["optim"]}
        set_state_dict(module, optimizer, **given, options=_wanted(flat))
        found[name] = _step(module, optimizer, range(3, 6))
    return found


def asked_for_states(names):
    """Return what differs between runs where states were asked for before the first step or not."""
    found = {}
    for name in names:
        module, optimizer = _made(name, "fully_shard", {})
        other, asked = _made(name, "fully_shard", {})
        states = get_optimizer_state_dict(other, asked)["state"]
        counts = {int(state["step"]) for state in states.values()}
        _step(module, optimizer, range(3))
        _step(other, asked, range(3))
        found[name] = counts, jobs.differing(module, jobs.weights(other))
    return found


def scheduled():
    """Return whether states can be asked for where a scheduler gives the rate."""
    schedule = wo.lr_scheduler.create("factor", step=1, factor=0.5)
    module = fully_shard(model()) or model()
    optimizer = optimizer_class("adam")(module.parameters(), lr=0.1, lr_scheduler=schedule)
    get_optimizer_state_dict(module, optimizer)
    _step(module, optimizer, range(3))
    return optimizer.param_groups[0]["lr"]
