"""Optimizers that step others: what those have counted is saved and comes back too."""

import numpy as np
import pytest
from checkpoints import content_of, edited

import weightopt_core as mx


class Outer(mx.optimizer.Optimizer):
    """Steps each weight by one optimizer after another."""

    rule = None

    def __init__(self, *inner):
        self._inner = tuple(inner)
        super().__init__()

    @property
    def inner(self):
        return self._inner

    def create_state(self, index, weight):
        return tuple(one.create_state(index, weight) for one in self.inner)

    def update(self, index, weight, grad, state):
        self._update_count(index)
        for one, part in zip(self.inner, state, strict=True):
            one.update(index, weight, grad, part)


def outer(beta1=0.9, seed=3):
    create = mx.optimizer.create
    return Outer(create("adam", beta1=beta1), Outer(create("sgld", seed=seed), create("adamax")))


def stepped(updater, weight, steps):
    for _ in range(steps):
        updater("w", np.linspace(-1, 1, 5), weight)
    return weight


def test_a_resumed_run_goes_on_bit_for_bit(tmp_path):
    whole, resumed = (mx.optimizer.get_updater(outer()) for _ in range(2))
    weight = stepped(whole, np.ones(5), 3)
    whole.save(tmp_path / "run", weights={"w": weight})
    again = resumed.load(tmp_path / "run")["w"]
    inner = resumed.optimizer.inner[1].inner
    assert [one.num_update for one in inner] == [3, 3]
    assert inner[0]._index_update_count == {"w": 3}
    assert (stepped(whole, weight, 2) == stepped(resumed, again, 2)).all()
    assert whole.get_states() == resumed.get_states()


@pytest.mark.parametrize(
    ("now", "match"),
    [
        (lambda: outer(beta1=0.5), r"inner\[0\]: beta1=0\.9 \(here 0\.5\)"),
        (lambda: Outer(mx.optimizer.create("adam")), r"2 optimizers in it \(here 1\)"),
        (
            lambda: Outer(mx.optimizer.create("adam"), Outer(mx.optimizer.create("adam"))),
            r"2 optimizers in it \(here 1\)",
        ),
        (
            lambda: Outer(mx.optimizer.create("sgd"), outer().inner[1]),
            r"inner\[0\]='adam' \(here 'sgd'\)",
        ),
    ],
)
def test_others_in_it_are_refused(now, match):
    saved, other = mx.optimizer.get_updater(outer()), mx.optimizer.get_updater(now())
    stepped(saved, np.ones(5), 2)
    with pytest.raises(ValueError, match=match):
        other.set_states(saved.get_states())
    assert other.optimizer.inner[0].num_update == 0
    other.set_states(saved.get_states(), strict=False)
    assert other.optimizer.inner[0].num_update == 2


@pytest.mark.parametrize("inner", [1, [1], [{}], "ab", None, [{"counts": [[0, -1]]}]])
def test_crafted_ones_are_refused(inner):
    updater = mx.optimizer.get_updater(outer())
    stepped(updater, np.ones(5), 2)
    data = updater.get_states()
    with pytest.raises(ValueError, match="states: expected bytes from get_states, got others"):
        updater.set_states(edited(data, inner=inner))
    wrong = [content_of(data)[1]["inner"][0] | {"num_update": -1}] * 2
    with pytest.raises(ValueError, match="got others"):
        updater.set_states(edited(data, inner=wrong))
    assert updater.get_states() == data


def test_one_that_steps_itself_is_refused():
    optimizer = Outer()
    optimizer._inner = (optimizer,)
    with pytest.raises(
        ValueError, match="inner: expected optimizers in at most 32 others, got more"
    ):
        mx.optimizer.get_updater(optimizer).get_states()
