"""What processes do with parameters that are DTensors."""

import itertools
import warnings

import jobs
import torch
import weightopt_torch
from jobs import batch, differing, loss, model, optimizer_class, rank, settings, twin_of, whole
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

import weightopt_core as wo
from weightopt_core.testing.subject import Subject

#: How a parameter may lie on a mesh, by the shape of the mesh.
LAYOUTS = {
    (2,): [(Shard(0),), (Shard(1),), (Replicate(),)],
    (3,): [(Shard(0),), (Shard(1),)],
    (2, 2): [(Replicate(), Shard(0)), (Shard(0), Shard(1)), (Shard(0), Shard(0))],
}
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
SHAPES = [(7, 5), (1, 4), (0, 3), (2, 3, 3)]


def everything(steps, **calls):
    """Return what these functions return, by name; starting processes takes longer than all."""
    mesh_shape, cases = steps
    found = {"stepped": {label: stepped(mesh_shape, *case) for label, case in cases.items()}}
    return found | {name: globals()[name](*given) for name, given in calls.items()}


def trained_like_one_process(names):
    """Train with fully_shard and beside it whole copies; return what is not equal after a step."""
    found = {}
    for name in names:
        sharded = model()
        fully_shard(sharded)
        optimizer = optimizer_class(name)(sharded.parameters(), **settings(name))
        twin = twin_of(sharded)
        reference = optimizer_class(name)(twin, **settings(name))
        found[name] = None
        for step in range(4):
            optimizer.zero_grad()
            loss(sharded, batch(step, rank())).backward()
            jobs.copy_grads(sharded, twin)
            optimizer.step()
            reference.step()
            found[name] = found[name] or differing(sharded, twin)
        for parameter in sharded.parameters():
            for key, state in optimizer.state[parameter].items():
                if key != "step":
                    assert isinstance(state, DTensor)
                    assert state.placements == parameter.placements
                    assert state.shape == parameter.shape
                    assert state.to_local().shape == parameter.to_local().shape
    return found


def stepped(mesh_shape, names, dtype, options, size=1.0):
    """Step parameters of all layouts and whole copies; return the largest difference of each.

    It is in units in the last place of the largest weight.
    """
    mesh = init_device_mesh("cpu", mesh_shape)
    found = {}
    for name, placements in itertools.product(names, LAYOUTS[mesh_shape]):
        generator = torch.Generator().manual_seed(1)
        made = [size * _random(shape, generator, dtype) for shape in SHAPES]
        twin = [torch.nn.Parameter(values) for values in made]
        sharded = [_sharded(p, mesh, placements) for p in twin]
        given = settings(name) | options
        one, other = optimizer_class(name)(twin, **given), optimizer_class(name)(sharded, **given)
        for _ in range(3):
            for whole_one, part in zip(twin, sharded):
                whole_one.grad = _random(whole_one.shape, generator, dtype)
                part.grad = distribute_tensor(whole_one.grad, mesh, placements)
            one.step()
            other.step()
        found[name, str(placements)] = max(map(_difference, twin, sharded))
    return found


def _random(shape, generator, dtype):
    return torch.randn(shape, generator=generator).to(dtype)


def _sharded(parameter, mesh, placements):
    sharded = distribute_tensor(parameter.detach().clone(), mesh, placements)
    # torch 2.6 leaves gaps in shards of columns, which are refused.
    local, form = (
        sharded.to_local().contiguous(),
        {"shape": sharded.shape, "stride": sharded.stride()},
    )
    return torch.nn.Parameter(DTensor.from_local(local, mesh, placements, **form))


def _difference(one, other):
    if not one.numel():
        return 0.0
    one, other = one.detach(), whole(other).detach()
    unit = torch.finfo(one.dtype).eps * one.abs().max().double()
    return float((one.double() - other.double()).abs().max() / unit)


def noise_of_shards():
    """Return the noise that each row of a parameter got, and in how many replicas it is equal."""
    mesh = init_device_mesh("cpu", (2, 2))
    zeros = torch.nn.Parameter(torch.zeros(4, 100))
    sharded = [_sharded(zeros, mesh, (Replicate(), Shard(0))) for _ in range(2)]
    optimizer = optimizer_class("sgld")(sharded, lr=0.01)
    for parameter in sharded:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return [whole(parameter) for parameter in sharded], optimizer.state_dict()["param_groups"]


def what_is_refused():
    """Return the messages of what cannot be done with shards."""
    mesh = init_device_mesh("cpu", (2,))
    found = {}
    whole_one = torch.nn.Parameter(torch.ones(4, 3))
    sharded = _sharded(whole_one, mesh, (Shard(0),))
    before = whole(sharded).clone()
    sharded.grad = torch.zeros_like(sharded)
    partial = DTensor.from_local(torch.ones(4, 3), mesh, [_partial()], run_check=False)
    found["partial"] = _message(optimizer_class("sgd"), [torch.nn.Parameter(partial)])
    adam = optimizer_class("adam")([sharded], lr=0.0, weight_decay=0.0)
    adam.step()
    plain = optimizer_class("adam")([whole_one], lr=0.1)
    found["shard for a whole"] = _message(plain.load_state_dict, adam.state_dict())
    eighths = optimizer_class("adam")([sharded], state_dtype="int8")
    found["8 bits"] = _message(eighths.step)
    found["own update"] = _message(_with_own_update([sharded]).step)
    found["not compiled"] = _message(_with_norm_on_numpy([sharded]).step)
    return found, torch.equal(whole(sharded), before)


def _partial():
    from torch.distributed.tensor import Partial

    return Partial()


def _message(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def refuses_a_later_group():
    """Return what a step that refuses a later group has changed, by optimizer and way."""
    mesh, found = init_device_mesh("cpu", (2,)), {}
    for name, options in itertools.product(("adam", "lamb"), ({}, {"compile": False})):
        params = [_sharded(torch.ones(4, 3), mesh, (Shard(0),)) for _ in range(2)]
        groups = [{"params": [one]} for one in params]
        optimizer = optimizer_class(name)(groups, lr=0.5, **options)
        for parameter in params:
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        before = [whole(one).clone() for one in params], optimizer.state_dict()["state"]
        params[1].grad = torch.ones_like(params[1])
        params[1].data = _sharded(torch.ones(2, 3), mesh, (Shard(0),)).data
        message = _message(optimizer.step)
        steps = [int(optimizer.state[one]["step"]) for one in params]
        found[name, str(options)] = message, torch.equal(whole(params[0]), before[0][0]), steps
    return found


def _with_own_update(parameters):
    from weightopt_torch.optimizer import class_of

    class Own(wo.Optimizer):
        def update(self, index, weight, grad, state):
            weight -= grad

    return class_of(Own)(parameters)


def _with_norm_on_numpy(parameters):
    import normed
    from weightopt_torch.optimizer import class_of

    return class_of(normed.Normed)(parameters)


def goes_on_from_memory():
    """Return what differs after steps from a `state_dict`, and after the same ones straight on."""
    sharded = model()
    fully_shard(sharded)
    optimizer = _train(sharded, None, range(2))
    weights, state = jobs.weights(sharded), optimizer.state_dict()
    _train(sharded, optimizer, range(2, 4))
    straight = jobs.weights(sharded)
    with torch.no_grad():
        for parameter, values in zip(sharded.parameters(), weights):
            mesh, placements = parameter.device_mesh, parameter.placements
            parameter.copy_(distribute_tensor(values, mesh, placements))
    _train(sharded, None, range(2, 4), state)
    return differing(sharded, straight)


def initialized(names):
    """Return what differs between an initialized module and one that is sharded first."""
    mesh, found = init_device_mesh("cpu", (2,)), {}
    for name in names:
        subject = Subject(wo.init.registry.find(name))
        for dtype, (placement,) in itertools.product(DTYPES, LAYOUTS[2,]):
            if placement == Shard(len(subject.shape)):
                continue
            plain = torch.full(subject.shape, 7.0, dtype=dtype)
            sharded = _sharded(plain, mesh, (placement,))
            version = sharded._version
            for one in (plain, sharded):
                given = {**subject.arguments, "seed": 3}
                weightopt_torch.init([("fc_weight", one)], name, **given)
            assert sharded._version > version
            if not torch.equal(whole(sharded), plain):
                found[name, dtype, str(placement)] = whole(sharded), plain
    return found


def initialized_modules():
    """Return the weights of modules that fully_shard has sharded: seeded, and twice without."""
    found = []
    for given in ({"seed": 3}, {}, {}):
        module = model()
        fully_shard(module)
        with torch.no_grad():
            weightopt_torch.init(module, "xavier", **given)
        found.append(jobs.weights(module))
    on_meta = model().to("meta")
    fully_shard(on_meta)
    partial = DTensor.from_local(torch.ones(4, 3), on_meta[0].weight.device_mesh, [_partial()])
    pair = [("fc.weight", partial)]
    messages = [_message(weightopt_torch.init, one, "xavier") for one in (on_meta, pair)]
    on_meta.to_empty(device="cpu")
    weightopt_torch.init(on_meta, "xavier", seed=3)
    return found, jobs.weights(on_meta), messages


def sharded_later():
    """Return what differs where parameters are sharded once they have an optimizer."""
    early, late = model(), model()
    fully_shard(early)
    given = settings("adamw")
    optimizer = optimizer_class("adamw")(early.named_parameters(), **given)
    other = optimizer_class("adamw")(late.named_parameters(), **given)
    before = dict(late.named_parameters())
    fully_shard(late)
    after = dict(late.named_parameters())
    new = {before[name]: after[name] for name in before}
    for group in other.param_groups:  # as accelerate does
        group["params"] = [new[parameter] for parameter in group["params"]]
    _train(early, optimizer, range(3))
    _train(late, other, range(3))
    return differing(early, jobs.weights(late))


def steps_in_backward():
    """Return what differs where parameters are stepped in backward, and what warnings there are."""
    found = []
    for in_backward in (False, True):
        sharded = model()
        fully_shard(sharded)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            given = settings("adam") | {"step_in_backward": in_backward}
            optimizer = optimizer_class("adam")(sharded.parameters(), **given)
        _train(sharded, optimizer, range(3))
        found.append(sharded)
    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        optimizer_class("adam")(model().parameters(), lr=0.1, step_in_backward=True)
    differs = differing(found[0], jobs.weights(found[1]))
    return differs, [str(one.message) for one in caught], [str(one.message) for one in others]


def _train(sharded, optimizer, steps, state=None):
    if optimizer is None:
        optimizer = optimizer_class("adam")(sharded.parameters(), **settings("adam"))
    if state:
        optimizer.load_state_dict(state)
    for step in steps:
        optimizer.zero_grad()
        loss(sharded, batch(step, rank())).backward()
        optimizer.step()
    return optimizer
