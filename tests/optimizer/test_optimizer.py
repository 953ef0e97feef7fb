"""The base class of optimizers: counting, rates, multipliers, and arguments that are refused."""

import copy
import inspect

import numpy as np
import pytest

import weightopt_core as mx


def stepped(optimizer, *indices):
    weight = {index: np.ones(2) for index in indices}
    state = {index: optimizer.create_state(index, weight[index]) for index in indices}
    for index in indices:
        optimizer.update(index, weight[index], np.ones(2), state[index])
    return weight


class Recorder(mx.LRScheduler):
    """Notes what it is asked."""

    def __init__(self, base_lr=0.01):
        super().__init__(base_lr=base_lr)
        self.asked = []

    def __call__(self, num_update):
        self.asked.append(num_update)
        return self.base_lr


def test_signature_and_defaults_are_the_pages():
    assert str(inspect.signature(mx.Optimizer)) == (
        "(rescale_grad=1.0, param_idx2name=None, wd=0.0, clip_gradient=None, learning_rate=0.01, "
        "lr_scheduler=None, sym=None, begin_num_update=0, **kwargs)"
    )
    assert str(inspect.signature(mx.optimizer.SGD)) == (
        "(momentum=0.0, multi_precision=False, **kwargs)"
    )
    assert str(inspect.signature(mx.optimizer.Adam)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, **kwargs)"
    )
    assert mx.Optimizer(0.5, {0: "w"}, 0.1).wd == 0.1
    assert mx.optimizer.SGD(0.9).momentum == 0.9


def test_every_parameter_of_a_pass_sees_the_same_count():
    optimizer = mx.optimizer.create("sgd", lr_scheduler=Recorder())
    stepped(optimizer, 0, 1, "two")
    stepped(optimizer, 0, 1, "two")
    assert optimizer.lr_scheduler.asked == [1, 1, 1, 2, 2, 2]
    assert optimizer.num_update == 2


def test_counting_starts_at_begin_num_update():
    optimizer = mx.optimizer.create("sgd", begin_num_update=7)
    assert optimizer.num_update == 7
    stepped(optimizer, 0)
    assert optimizer.num_update == 8


def test_an_explicit_learning_rate_goes_before_the_schedulers():
    scheduler = mx.lr_scheduler.FactorScheduler(step=5, base_lr=0.3)
    plain = mx.lr_scheduler.FactorScheduler(step=5)
    create = mx.optimizer.create
    assert create("sgd", learning_rate=0.2, lr_scheduler=scheduler).lr_scheduler(1) == 0.2
    assert create("sgd", lr_scheduler=scheduler).lr_scheduler(1) == 0.3
    assert create("adam", lr_scheduler=plain).lr_scheduler(1) == 0.001
    assert (scheduler.base_lr, plain.base_lr) == (0.3, 0.01)


def test_two_optimizers_may_share_a_scheduler():
    scheduler = mx.lr_scheduler.FactorScheduler(step=5)
    first = mx.optimizer.create("sgd", learning_rate=0.2, lr_scheduler=scheduler)
    second = mx.optimizer.create("sgd", learning_rate=0.4, lr_scheduler=scheduler)
    assert (first._get_lr(0), second._get_lr(0)) == (0.2, 0.4)


def test_the_learning_rate_is_not_set_beside_a_scheduler():
    optimizer = mx.optimizer.create("sgd", lr_scheduler=Recorder())
    with pytest.raises(ValueError, match=r"lr_scheduler\.base_lr"):
        optimizer.lr = 0.5
    optimizer.lr_scheduler = None
    optimizer.lr = 0.5
    assert optimizer._get_lr(0) == 0.5


def test_multipliers_by_index_go_before_those_by_name():
    names = {0: "fc_weight", 1: "fc_bias"}
    optimizer = mx.optimizer.create("sgd", learning_rate=1, wd=1, param_idx2name=names)
    optimizer.set_lr_mult({"fc_weight": 0.5, 0: 0.25, "fc_bias": 2})
    assert [optimizer._get_lr(index) for index in (0, 1)] == [0.25, 2]
    assert [optimizer._get_wd(index) for index in (0, 1)] == [1, 0]
    optimizer.set_lr_mult({})
    assert optimizer._get_lr(0) == 1


@pytest.mark.parametrize("setter", ["set_lr_mult", "set_wd_mult"])
def test_unknown_multiplier_keys_are_errors(setter):
    optimizer = mx.optimizer.create("sgd", param_idx2name={0: "fc1_weight"})
    with pytest.raises(ValueError, match="'fc_weight'; did you mean 'fc1_weight'"):
        getattr(optimizer, setter)({"fc_weight": 1})
    with pytest.raises(ValueError, match="unknown parameter 3"):
        getattr(optimizer, setter)({3: 1})
    with pytest.raises(ValueError, match=r"expected a number in \[0, inf\), got -1"):
        getattr(optimizer, setter)({0: -1})
    with pytest.raises(TypeError, match="expected a dict"):
        getattr(optimizer, setter)([1])
    assert optimizer.lr_mult == {}


def test_the_names_of_the_caller_are_copied():
    names = {0: "fc_weight"}
    optimizer = mx.optimizer.create("sgd", param_idx2name=names)
    names[0] = "other"
    assert optimizer.idx2name == {0: "fc_weight"}


BAD = {
    "wd": (-0.1, float("nan"), float("inf"), 10**400, "much", None, True, [1]),
    "clip_gradient": (0, -1),
    "learning_rate": (-1, None),
    "rescale_grad": (float("inf"), None),
    "begin_num_update": (-1, 1.5),
    "momentum": (1, -0.5),
    "multi_precision": (1.0, "yes"),
    "lr_scheduler": (0.1, mx.LRScheduler),
    "param_idx2name": (["w"], {"fc_weight": 0}),
    "sym": (3,),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_hyperparameters_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected .*, got "):
        mx.optimizer.create("sgd", **{name: value})
    optimizer = mx.optimizer.create("sgd")
    before = getattr(optimizer, name)
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected .*, got "):
        setattr(optimizer, name, value)
    assert getattr(optimizer, name) == before


def test_unknown_and_superfluous_arguments():
    with pytest.raises(
        TypeError, match=r"SGD\(\) has no argument 'momemtum'; did you mean 'momentum'"
    ):
        mx.optimizer.create("sgd", momemtum=0.9)
    with pytest.raises(TypeError, match="takes 2 positional"):
        mx.optimizer.SGD(0.9, False, 1)
    with pytest.raises(TypeError, match="'momentum' twice"):
        mx.optimizer.SGD(0.9, momentum=0.8)
    with pytest.raises(TypeError, match=r"FactorScheduler\(\) needs 'step'"):
        mx.lr_scheduler.FactorScheduler()


def strided():
    return np.ones((2, 6))[:, ::2]


def read_only():
    array = np.ones((2, 3))
    array.flags.writeable = False
    return array


def misaligned():
    return np.frombuffer(bytearray(49), np.float64, 6, offset=1).reshape(2, 3)


ARRAYS = {
    "weight": (
        strided,
        read_only,
        misaligned,
        lambda: np.ones((2, 3), int),
        lambda: [[1.0] * 3] * 2,
    ),
    "grad": (strided, misaligned, lambda: np.ones(3), lambda: np.ones((2, 3), "f4"), lambda: None),
    "mean": (
        strided,
        read_only,
        lambda: np.ones((3, 2)),
        lambda: np.ones((2, 3), "f4"),
        lambda: 1.0,
    ),
}


@pytest.mark.parametrize(
    ("argument", "make"), [(a, m) for a, makes in ARRAYS.items() for m in makes]
)
def test_arrays_that_are_refused_leave_everything_unchanged(argument, make):
    optimizer = mx.optimizer.create("adam")
    arrays = {name: np.ones((2, 3)) for name in ("weight", "grad", "mean", "var")}
    arrays[argument] = make()
    before = copy.deepcopy(arrays)
    with pytest.raises((TypeError, ValueError), match=rf"{argument}.*expected .*, got "):
        optimizer.update(0, arrays["weight"], arrays["grad"], (arrays["mean"], arrays["var"]))
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])
    assert optimizer.num_update == 0
    assert optimizer._index_update_count == {}


def test_arrays_that_overlap_are_refused():
    optimizer = mx.optimizer.create("sgd", momentum=0.9)
    memory = np.ones(10)
    with pytest.raises(ValueError, match="overlap"):
        optimizer.update(0, memory[:8], memory[2:], np.zeros(8))


@pytest.mark.parametrize("state", [None, np.ones(3), (np.ones(3),) * 3])
def test_a_state_of_another_form(state):
    optimizer = mx.optimizer.create("adam")
    with pytest.raises(ValueError, match=r"state: expected 2 arrays \(mean, var\), got [013]"):
        optimizer.update(0, np.ones(3), np.ones(3), state)


def test_numbers_of_numpy_do_not_widen_the_arithmetic(rng):
    class Numpys(mx.LRScheduler):
        def __call__(self, num_update):
            return np.float64(0.1)

    @mx.update_rule
    def plain(weight, grad, *, lr, factor):
        return weight - lr * factor * grad

    class Plain(mx.Optimizer):
        rule = plain

        def numbers(self, index, t):
            return {"factor": np.float64(0.3)}

    weight = rng.normal(size=100).astype(np.float32)
    expected = weight - (0.1 * 0.3) * weight
    Plain(lr_scheduler=Numpys()).update(0, weight, weight.copy(), None)
    np.testing.assert_array_equal(weight, expected)


def test_a_base_class_beside_the_optimizer():
    class Named:
        label = "named"

    class Both(Named, mx.optimizer.Adam):
        pass

    assert Both(beta1=0.5).beta1 == 0.5


def test_a_failing_scheduler_leaves_the_count():
    class Broken(mx.LRScheduler):
        def __call__(self, num_update):
            raise RuntimeError("no rate")

    optimizer = mx.optimizer.create("sgd", lr_scheduler=Broken())
    weight = np.ones(2)
    with pytest.raises(RuntimeError, match="no rate"):
        optimizer.update(0, weight, np.ones(2), None)
    assert (optimizer.num_update, optimizer._index_update_count) == (0, {})
    np.testing.assert_array_equal(weight, 1)


def test_a_rule_with_a_number_that_the_optimizer_lacks():
    @mx.update_rule
    def damped(weight, grad, *, lr, damping):
        return weight - lr * damping * grad

    class Damped(mx.Optimizer):
        rule = damped

    with pytest.raises(TypeError, match="Damped must define 'damping'"):
        Damped().update(0, np.ones(2), np.ones(2), None)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_any_shape(shape, dtype):
    optimizer = mx.optimizer.create("adam", learning_rate=0.5)
    weight = np.ones(shape, dtype)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, np.ones(shape, dtype), state)
    np.testing.assert_allclose(weight, np.full(shape, 0.5), rtol=1e-6)  # epsilon moves it by 1e-8


def test_arrays_that_share_memory_are_taken():
    weight, grad = bytearray(np.ones(3).tobytes()), memoryview(np.ones(3))
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5)
    optimizer.update(0, memoryview(weight).cast("d"), grad, None)
    np.testing.assert_array_equal(np.frombuffer(weight), 0.5)


def test_optimizers_pickle_and_copy():
    import pickle

    optimizer = mx.optimizer.create("adam", learning_rate=0.3, wd=0.1)
    stepped(optimizer, 0)
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert repr(twin) == repr(optimizer) == "Adam(learning_rate=0.3, wd=0.1)"
        assert twin._index_update_count == {0: 1}
