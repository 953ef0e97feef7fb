"""What processes do with DistributedDataParallel, and with ZeroRedundancyOptimizer."""

import io

import torch
import torch.distributed as dist
from jobs import batch, copy_grads, differing, loss, model, optimizer_class, settings, twin_of
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel


def _made(name, dtype, **options):
    ddp = DistributedDataParallel(model(dtype))
    kind = optimizer_class(name)
    given = settings(name) | options
    return ddp, ZeroRedundancyOptimizer(ddp.parameters(), optimizer_class=kind, **given)


def _train(ddp, zero, steps, twin=None, reference=None):
    """Train for these steps, and a twin on the averaged gradients; return what is not equal."""
    for step in steps:
        zero.zero_grad()
        loss(ddp, batch(step, dist.get_rank()).to(next(ddp.parameters()).dtype)).backward()
        if twin:
            copy_grads(ddp, twin)
        zero.step()
        if twin:
            reference.step()
            found = differing(ddp, twin)
            if found:
                return step, found
    return None


def equal_to_one_process(names, dtype, options):
    """Return for each optimizer what differs, and of how many parameters states are here."""
    found = {}
    for name in names:
        ddp, zero = _made(name, dtype, **options)
        twin = twin_of(ddp)
        reference = optimizer_class(name)(twin, **settings(name) | options)
        differs = _train(ddp, zero, range(5), twin, reference)
        found[name] = differs, len(zero.optim.state), len(twin)
    return found


def resumed(names, dtype, options):
    """Return for each optimizer whether a run that was saved equals one that was not."""
    found = {}
    for name in names:
        straight, zero = _made(name, dtype, **options)
        _train(straight, zero, range(3))
        zero.consolidate_state_dict(to=0)
        memory = [None]
        if dist.get_rank() == 0:
            saved = io.BytesIO()
            torch.save({"model": straight.state_dict(), "optim": zero.state_dict()}, saved)
            memory = [saved.getvalue()]
        dist.broadcast_object_list(memory)
        loaded = torch.load(io.BytesIO(memory[0]), weights_only=True)
        _train(straight, zero, range(3, 6))
        ddp, other = _made(name, dtype, **options)
        ddp.load_state_dict(loaded["model"])
        other.load_state_dict(loaded["optim"])
        _train(ddp, other, range(3, 6))
        found[name] = differing(ddp, list(straight.parameters()))
    return found


def replicas(cases):
    """Return for each case what differs from a run on the averaged gradients, and the weights."""
    found = {}
    for label, (name, options, in_buckets) in cases.items():
        ddp = DistributedDataParallel(model(), gradient_as_bucket_view=in_buckets)
        given = {**settings(name), **options}
        optimizer = optimizer_class(name)(ddp.parameters(), **given)
        twin = twin_of(ddp)
        reference = optimizer_class(name)(twin, **given)
        seed = optimizer.param_groups[0].get("noise_seed")
        if seed is not None:
            reference.param_groups[0]["noise_seed"] = seed
        differs = _train(ddp, optimizer, range(4), twin, reference)
        found[label] = differs, [parameter.detach() for parameter in ddp.parameters()]
    return found


def without_parameters():
    """Return what differs where a process has no parameter to step, straight on and resumed."""
    found = []
    for steps in (range(4), range(2)):
        ddp = DistributedDataParallel(torch.nn.Linear(5, 5, bias=False))
        torch.nn.init.eye_(ddp.module.weight)
        zero = ZeroRedundancyOptimizer(ddp.parameters(), optimizer_class("adam"), lr=0.01)
        _train(ddp, zero, steps)
        zero.consolidate_state_dict(to=0)
        found.append((ddp, zero))
    memory = [found[1][1].state_dict() if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(memory)
    ddp, zero = found[1]
    zero.load_state_dict(memory[0])
    _train(ddp, zero, range(2, 4))
    return differing(ddp, list(found[0][0].parameters())), len(zero.optim.state)
