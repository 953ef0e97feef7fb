"""The learning rate that is read, that is used, and that a scheduler may give."""

import copy
import math
import pickle

import numpy as np
import pytest

import weightopt_core as mx


def create(**given):
    return mx.optimizer.create("sgd", **given)


def factor(**given):
    return mx.lr_scheduler.FactorScheduler(step=2, factor=0.5, **given)


def moved(optimizer, index=0):
    """Return how far one step of gradient 1 goes."""
    weight = np.zeros(1)
    optimizer.update(index, weight, np.ones(1), optimizer.create_state(index, weight))
    return float(-weight[0])


def test_the_rate_that_is_read_is_the_one_in_use():
    optimizer = create(lr_scheduler=factor(base_lr=0.8))
    assert (optimizer.lr, optimizer.learning_rate) == (0.8, 0.8)
    for _ in range(5):
        used = moved(optimizer)
        assert optimizer.lr == optimizer.learning_rate == used
    assert used == 0.2


def test_without_a_scheduler_it_is_the_one_that_was_set():
    optimizer = create()
    assert (optimizer.lr, type(optimizer).learning_rate, moved(optimizer)) == (0.01, 0.01, 0.01)
    assert repr(optimizer) == "SGD()"
    optimizer.set_learning_rate(0.5)
    assert (optimizer.lr, optimizer.learning_rate, moved(optimizer)) == (0.5, 0.5, 0.5)
    assert repr(optimizer) == "SGD(learning_rate=0.5)"


def test_no_rate_is_set_beside_a_scheduler():
    optimizer = create(learning_rate=0.5, lr_scheduler=factor())
    with pytest.raises(ValueError, match=r"^learning_rate: expected no lr_scheduler"):
        optimizer.set_learning_rate(0.1)
    optimizer.lr_scheduler = None
    assert (optimizer.lr, moved(optimizer)) == (0.5, 0.5)


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("rate", [{}, {"learning_rate": 0.5}])
@pytest.mark.parametrize("base", [{}, {"base_lr": 0.25}])
def test_a_scheduler_assigned_later_is_as_if_it_had_been_given(name, rate, base):
    schedule = factor(**base)
    given = mx.optimizer.create(name, lr_scheduler=schedule, **rate)
    assigned = mx.optimizer.create(name, **rate)
    assigned.lr_scheduler = schedule
    assert [moved(assigned) for _ in range(4)] == [moved(given) for _ in range(4)]
    assert assigned.lr_scheduler is not schedule
    assert repr(schedule) == repr(factor(**base))


def test_optimizers_do_not_share_a_scheduler_that_is_assigned():
    schedule = factor(base_lr=0.5)
    first, second = create(), create()
    first.lr_scheduler = second.lr_scheduler = schedule
    second.lr_scheduler.base_lr = 7.0
    assert (first.lr, second.lr) == (0.5, 7.0)


def test_a_subclass_may_compute_its_rate():
    class Computed(type(create())):
        rates = iter([1.0, 0.5])

        @property
        def learning_rate(self):
            return next(self.rates)

    class Fixed(type(create())):
        learning_rate = 0.25

    class Plain(type(create())):
        learning_rate = mx.hyperparameters.Real(0.125)

    computed, plain = Computed(), Plain()
    assert (moved(computed), moved(computed), moved(Fixed())) == (1.0, 0.5, 0.25)
    assert moved(plain) == 0.125
    plain.learning_rate = 2.0
    assert (moved(plain), plain.lr) == (2.0, 2.0)


def test_a_function_is_a_scheduler():
    optimizer = create(lr_scheduler=lambda num_update: 2.0**-num_update)
    assert [moved(optimizer) for _ in range(3)] == [0.5, 0.25, 0.125]
    assert (optimizer.lr, optimizer.lr_scheduler(1)) == (0.125, 0.5)
    optimizer = create(learning_rate=3.0)
    optimizer.lr_scheduler = math.sqrt
    assert (moved(optimizer), pickle.loads(pickle.dumps(optimizer)).lr) == (1.0, 1.0)
    assert repr(optimizer) == "SGD(learning_rate=3.0, lr_scheduler=<built-in function sqrt>)"


def test_a_class_is_no_scheduler():
    with pytest.raises(TypeError, match="expected None or an LRScheduler, its name, "):
        create(lr_scheduler=mx.lr_scheduler.FactorScheduler)


@pytest.mark.parametrize(
    ("rate", "error"),
    [
        (-1.0, ValueError),
        (-0.5j, TypeError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (10**400, ValueError),
        ("0.1", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
)
@pytest.mark.parametrize("name", ["sgd", "nadam", "ftrl"])
def test_what_a_scheduler_returns_is_checked(name, rate, error):
    class Gives(mx.LRScheduler):
        def __call__(self, num_update):
            return 0.5 if num_update < 2 else rate

    optimizer = mx.optimizer.create(name, lr_scheduler=Gives())
    weight = np.ones(1)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, np.ones(1), state)
    before = weight.copy(), copy.deepcopy(state)
    text = r"^rate of Gives\(.*\) at num_update 2: expected a finite number of at least 0, got "
    with pytest.raises(error, match=text):
        optimizer.update(0, weight, np.ones(1), state)
    np.testing.assert_equal((weight, state), before)
    assert optimizer._index_update_count == {0: 1}


@pytest.mark.parametrize("rate", [0, 1, np.float32(0.5), np.array(0.25), -0.0])
def test_numbers_of_any_kind_are_rates(rate):
    assert moved(create(lr_scheduler=lambda n: rate)) == rate
    assert math.copysign(1, create(lr_scheduler=lambda n: rate).lr) == 1


def test_a_list_is_one_pass():
    def run(lists):
        optimizer = create(lr_scheduler=lambda num_update: num_update)
        optimizer.update("old", np.zeros(1), np.ones(1), None)
        rates = []
        for _ in range(3):
            new, old = np.zeros(1), np.zeros(1)
            if lists:
                optimizer.update(["new", "old"], [new, old], [np.ones(1)] * 2, [None] * 2)
            else:
                optimizer.update("new", new, np.ones(1), None)
                optimizer.update("old", old, np.ones(1), None)
            rates.append((float(-new[0]), float(-old[0])))
        return rates

    assert run(True) == [(2, 2), (3, 3), (4, 4)]
    # One by one, "old new" and then "new old" cannot be told from "old", "new old", "new old".
    assert run(False) == [(1, 2), (2, 3), (3, 4)]


class ByIndex(mx.optimizer.SGD):
    def _get_lr(self, index):
        return super()._get_lr(index)


class Numbered(mx.optimizer.SGD):
    def numbers(self, index, t):
        return {}


@pytest.mark.parametrize("kind", [mx.optimizer.SGD, ByIndex, Numbered])
def test_a_schedule_follows_the_largest_count_for_every_weight(kind):
    """Also for one that had fewer updates, whatever a subclass says of each index."""
    optimizer = kind(lr_scheduler=lambda num_update: num_update)
    assert [moved(optimizer, "first") for _ in range(3)] == [1, 2, 3]
    assert moved(optimizer, "second") == 3
    assert optimizer._get_lr("second") == optimizer._get_lr("never") == optimizer.lr == 3
    assert moved(optimizer, "first") == 4
    assert optimizer._index_update_count == {"first": 4, "second": 1}


def test_a_copy_counts_for_itself():
    optimizer = create(lr_scheduler=factor(base_lr=0.5))
    moved(optimizer)
    twin = copy.copy(optimizer)
    assert [moved(twin) for _ in range(3)] == [0.5, 0.25, 0.25]
    twin.lr_scheduler.base_lr = 8.0
    twin.set_lr_mult({0: 2.0})
    assert (optimizer.num_update, optimizer._index_update_count) == (1, {0: 1})
    assert (twin.num_update, twin._index_update_count) == (4, {0: 4})
    assert (moved(optimizer), optimizer.lr_mult) == (0.5, {})
    assert repr(optimizer) == repr(create(lr_scheduler=factor(base_lr=0.5)))


@pytest.mark.parametrize("name", ["adam", "nadam"])
def test_a_weight_may_begin_anew(name):
    optimizer = mx.optimizer.create(name, learning_rate=0.1)
    updater = mx.optimizer.get_updater(optimizer)
    for index in ("fc_weight", "other", *["fc_weight"] * 99):
        first = np.zeros(1)
        updater(index, np.ones(1), first)
    del updater.states["fc_weight"]
    optimizer.reset("fc_weight")
    weight = np.zeros(1)
    updater("fc_weight", np.ones(1), weight)
    assert optimizer._index_update_count == {"fc_weight": 1, "other": 1}
    assert optimizer.num_update == 100
    assert weight[0] == -moved(mx.optimizer.create(name, learning_rate=0.1))
    with pytest.raises(KeyError, match="unknown"):
        optimizer.reset("unknown")
    optimizer.reset()
    assert (optimizer.num_update, optimizer._index_update_count) == (0, {})


def test_an_update_of_a_single_weight_takes_lists():
    class Plain(mx.Optimizer):
        def update(self, index, weight, grad, state):
            self._update_count(index)
            lr, wd = self._get_lr(index), self._get_wd(index)
            weight[:] -= lr * (self.rescale_grad * grad + wd * weight)

    class Twice(Plain):
        def update(self, index, weight, grad, state):
            super().update(index, weight, grad, state)
            super().update(index, weight, grad, state)

    weights = [np.ones(2), np.ones(3)]
    optimizer = Plain(learning_rate=1.0)
    mx.optimizer.get_updater(optimizer)([0, 1], [np.ones(2), np.ones(3)], weights)
    assert all((weight == 0).all() for weight in weights)
    assert optimizer._index_update_count == {0: 1, 1: 1}
    Twice(learning_rate=1.0).update([0, 1], weights, [np.ones(2), np.ones(3)], [None, None])
    assert all((weight == -2).all() for weight in weights)
    with pytest.raises(ValueError, match="grad: expected a list of 2"):
        optimizer.update([0, 1], weights, [np.ones(2)], [None, None])
