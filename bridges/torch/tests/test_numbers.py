"""Steps of torch's parameters have the bits of steps of NumPy arrays."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np
import weightopt_torch
from jobs import names, takes_state_dtype
from numpy_twin import DTYPES, cases, follow, named, set_gradients

import weightopt_core as wo

NAMES = names()
WAYS = {"plain": {}, "master": {"multi_precision": True}, "bfloat16": {"state_dtype": "bfloat16"}}
#: These with every type in every way; each other in every way with one of the types, in turn.
FULL = ("adam", "lamb")
PRODUCT = [
    pytest.param(name, dtype, way, marks=[] if tried else pytest.mark.soak)
    for number, name in enumerate(NAMES)
    for at, way in enumerate(WAYS)
    for dtype in DTYPES
    for tried in [name in FULL or dtype == [*DTYPES][(number + at) % len(DTYPES)]]
    if way != "bfloat16" or takes_state_dtype(name)
]


@pytest.mark.parametrize(("name", "dtype", "way"), PRODUCT)
def test_bits_are_those_on_numpy(name, dtype, way):
    for given in cases(name):
        given = given | {"weight_decay": 0.01} | WAYS[way]
        if way == "bfloat16" and refuses_bfloat16(name, given, dtype):
            with pytest.raises(ValueError, match="state_dtype"):
                follow(name, dtype, given)
        else:
            follow(name, dtype, given)


def refuses_bfloat16(name, given, dtype):
    optimizer = weightopt_torch.create(name, named(dtype).items(), **given)
    rule = optimizer._engine.settings[0].core.rule
    return rule.states and (dtype is torch.float64 or rule.draws)


STRANGER = """
import weightopt_core as wo

@wo.update_rule
def stranger(weight, grad, mean, *, lr, wd, rescale_grad, pull, t):
    mean = (1 - pull / t) * mean + pull * rescale_grad * grad
    return weight - lr * (mean + wd * weight), mean

class Stranger(wo.Optimizer):
    pull = wo.hyperparameters.Real(0.25, "[0, 1]")
    rule = stranger
"""


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """Write what pip leaves of a package with one optimizer."""
    (tmp_path / "a_stranger.py").write_text(STRANGER)
    info = tmp_path / "a_stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[weightopt.optimizers]\nstranger = a_stranger:Stranger\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    wo.optimizer.registry.refresh()
    yield
    monkeypatch.undo()
    wo.optimizer.registry.refresh()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_strangers_rule(stranger, dtype):
    follow("stranger", dtype, {"pull": 0.5, "lr": 0.1})
    optimizer = weightopt_torch.Stranger([torch.nn.Parameter(torch.ones(2))], pull=1.0)
    assert type(optimizer).__name__ == "Stranger"


@pytest.mark.parametrize("name", ["adam", "lamb", "sgd"])
def test_patterns_and_schedulers_of_both_sides(name):
    params = named(torch.float32)
    schedule = wo.lr_scheduler.create("factor", step=3, factor=0.5)
    ours = weightopt_torch.create(name, params.items(), lr=0.5, lr_scheduler=schedule)
    others = named(torch.float32)
    theirs = weightopt_torch.create(name, others.items(), lr=0.5)
    # A factor of weightopt applies after an update more than torch's.
    drive = torch.optim.lr_scheduler.LambdaLR(theirs, lambda n: 0.5 ** (max(n, 0) // 3))
    one, two = np.random.default_rng(2), np.random.default_rng(2)
    rates = []
    for _ in range(10):
        set_gradients(params, one)
        set_gradients(others, two)
        ours.step()
        theirs.step()
        rates.append((ours.param_groups[0]["lr"], theirs.param_groups[0]["lr"]))
        drive.step()
    assert [a for a, _ in rates] == [b for _, b in rates]
    assert len({a for a, _ in rates}) == 4
    assert all(torch.equal(params[n], others[n]) for n in params)
