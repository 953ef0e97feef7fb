"""A step of several groups is made as a whole or not at all."""

import pytest

torch = pytest.importorskip("torch")

import copy

import weightopt_torch
from torch import nn
from unchanged import assert_unchanged, everything
from weightopt_torch.optimizer import class_of

import weightopt_core as wo


class Picky(wo.Optimizer):
    """It refuses numbers of a weight for a while."""

    rule = wo.optimizer.registry.find("sgd").rule
    momentum = wo.hyperparameters.Real(0.5)
    refuses = False

    def numbers(self, index, t):
        if self.refuses and index == "late":
            raise ValueError("late: no numbers")
        return {}


class Own(wo.Optimizer):
    """It has no rule, and keeps what it has done before it refuses."""

    refuses = False

    def create_state(self, index, weight):
        return weight.copy(), weight.copy()

    def update(self, index, weight, grad, state):
        self._update_count(index)
        weight -= self.learning_rate * grad
        state[1][...] += grad
        if self.refuses and index == "late":
            raise ValueError("late: no update")


WAYS = [{}, {"offload": True}, {"compile": False}]


def trained(algorithm, **given):
    """Return parameters of two groups, and their optimizer after a step."""
    params = {name: nn.Parameter(torch.ones(3)) for name in ("early", "middle", "late")}
    groups = {"late": {"lr": 0.25}}
    optimizer = class_of(algorithm)(params.items(), lr=0.5, groups=groups, **given)
    step(params, optimizer)
    return params, optimizer


def step(params, optimizer):
    for one in params.values():
        one.grad = torch.full_like(one, 0.5)
    optimizer.step()


def assert_goes_on(params, optimizer, algorithm, **given):
    """Assert that the next step is that of a run in which nothing was refused."""
    step(params, optimizer)
    others, expected = trained(algorithm, **given)
    step(others, expected)
    assert_unchanged(everything([*others.values()], expected), [*params.values()], optimizer)


def refuse_shape(params, optimizer):
    params["late"].data = torch.ones(2)


def refuse_one_element(params, optimizer):
    params["late"].grad, params["late"].data = torch.ones(3), torch.ones(1)


def refuse_memory(params, optimizer):
    """Parameters of one call of the core share memory."""
    params["late"].data = torch.ones(3).expand(3, 3)[0].as_strided((3,), (0,))


def refuse_rate(params, optimizer):
    optimizer.param_groups[1]["lr"] = -1.0


CAUSES = [refuse_shape, refuse_one_element, refuse_memory, refuse_rate]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("name", ["adam", "lamb"])
def test_a_later_group_is_refused(name, cause, way):
    algorithm = wo.optimizer.registry.find(name)
    params, optimizer = trained(algorithm, **way)
    data = params["late"].data
    before = everything([*params.values()], optimizer)
    cause(params, optimizer)
    for _ in range(2):
        with pytest.raises((TypeError, ValueError), match=r"grad|lr|late"):
            optimizer.step()
    params["late"].grad, params["late"].data = None, data
    optimizer.param_groups[1]["lr"] = 0.25
    assert_unchanged(before, [*params.values()], optimizer)
    assert_goes_on(params, optimizer, algorithm, **way)


def test_gradients_of_a_later_group_have_another_dtype():
    params, optimizer = trained(wo.optimizer.registry.find("adam"))
    if not hasattr(params["late"], "grad_dtype"):
        pytest.skip("torch has no gradients of another dtype here")
    before = everything([*params.values()], optimizer)
    params["late"].grad = None
    params["late"].grad_dtype = None
    params["late"].grad = torch.ones(3, dtype=torch.float64)
    with pytest.raises(TypeError, match="grad"):
        optimizer.step()
    assert_unchanged(before, [*params.values()], optimizer)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_numbers_of_a_later_weight_are_refused(way, monkeypatch):
    params, optimizer = trained(Picky, **way)
    before = everything([*params.values()], optimizer)
    monkeypatch.setattr(Picky, "refuses", True)
    with pytest.raises(ValueError, match="late: no numbers"):
        optimizer.step()
    assert_unchanged(before, [*params.values()], optimizer)
    monkeypatch.undo()
    assert_goes_on(params, optimizer, Picky, **way)


@pytest.mark.parametrize("as_groups", [False, True])
@pytest.mark.parametrize("way", [{}, {"offload": True}], ids=str)
def test_an_update_of_its_own_is_taken_back(way, as_groups, monkeypatch):
    params, optimizer = trained(Own, **way)
    if not as_groups:
        optimizer = class_of(Own)(params.items(), lr=0.5, **way)
        step(params, optimizer)
    before = everything([*params.values()], optimizer)
    monkeypatch.setattr(Own, "refuses", True)
    with pytest.raises(ValueError, match="late: no update"):
        optimizer.step()
    assert_unchanged(before, [*params.values()], optimizer)
    monkeypatch.undo()
    before = params["early"].detach().clone()
    step(params, optimizer)
    assert torch.equal(params["early"], before - 0.25)


def test_new_states_are_dropped():
    params = {name: nn.Parameter(torch.ones(3)) for name in ("early", "late")}
    optimizer = weightopt_torch.create("adam", params.items(), groups={"late": {"lr": 0.25}})
    for one in params.values():
        one.grad = torch.ones(3)
    params["late"].data = torch.ones(2)
    with pytest.raises(ValueError, match="shape of grad"):
        optimizer.step()
    assert optimizer.state_dict()["state"] == {}


def test_a_schedule_gives_no_rate_where_a_later_group_is_refused():
    params = {name: nn.Parameter(torch.ones(3)) for name in ("early", "late")}
    schedule = wo.lr_scheduler.create("factor", step=1, factor=0.5)
    groups = {"late": {"weight_decay": 0.5}}
    optimizer = weightopt_torch.create(
        "adam", params.items(), lr=0.5, lr_scheduler=schedule, groups=groups
    )
    twin = copy.deepcopy((params, optimizer))
    for _ in range(3):
        step(params, optimizer)
    before = everything([*params.values()], optimizer)
    optimizer.param_groups[1]["beta1"] = 2.0
    with pytest.raises(ValueError, match="beta1"):
        optimizer.step()
    optimizer.param_groups[1]["beta1"] = 0.9
    assert_unchanged(before, [*params.values()], optimizer)
    step(params, optimizer)
    params, expected = twin
    for _ in range(4):
        step(params, expected)
    assert optimizer.param_groups[0]["lr"] == expected.param_groups[0]["lr"]


def test_after_a_closure_nothing_has_changed_but_by_the_closure():
    params, optimizer = trained(wo.optimizer.registry.find("adam"))
    before = everything([*params.values()], optimizer)
    optimizer.param_groups[1]["lr"] = -1.0

    def closure():
        optimizer.zero_grad()
        loss = sum(one.square().sum() for one in params.values())
        loss.backward()
        return loss

    with pytest.raises(ValueError, match="lr: expected"):
        optimizer.step(closure)
    optimizer.param_groups[1]["lr"] = 0.25
    assert_unchanged(before, [*params.values()], optimizer)


@pytest.mark.parametrize("offload", [False, True])
def test_a_step_in_backward_that_is_refused(offload):
    """Those before it were steps of their own; its gradient is kept."""
    way = {"step_in_backward": True, "offload": offload}
    params, optimizer = trained(wo.optimizer.registry.find("adam"), **way)
    before = everything([*params.values()], optimizer)
    for one in params.values():
        one.grad = None
    optimizer.param_groups[1]["lr"] = -1.0
    with pytest.raises(ValueError, match="lr: expected"):
        params["early"].square().sum().backward()
    assert torch.equal(params["early"].grad, 2 * params["early"])
    optimizer.param_groups[1]["lr"] = 0.25
    assert_unchanged(before, [*params.values()], optimizer)
    optimizer.step()
    assert [int(state["step"]) for state in optimizer.state.values()] == [2, 1, 1]
