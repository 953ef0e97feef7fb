"""Rules on array namespaces: the bits of the rule on NumPy, and what they take and refuse."""

import linecache
import math
import pickle
import sys

import array_api_strict
import numpy as np
import pytest
from pairs import NAMES as OPTIMIZERS
from random_rules import HEADER, NAMES, Maker
from reducing_rules import RULES

import weightopt_core as wo
from weightopt_core.rule import (
    clip,
    largest,
    maximum,
    mean,
    norm,
    sign,
    sqrt,
    total,
    update_rule,
)
from weightopt_core.testing.arrays import same_bits, wild
from weightopt_core.testing.exact import EXTRAS, STEPS
from weightopt_core.testing.subject import Subject

NAMESPACES = [np, array_api_strict]
CASES = [
    (name, given, extra)
    for name in OPTIMIZERS
    for given in Subject(wo.optimizer.registry.find(name)).settings()
    for extra in ({}, EXTRAS)
]
each_namespace = pytest.mark.parametrize("namespace", NAMESPACES, ids=lambda each: each.__name__)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def finite(rng, shape, dtype):
    values = wild(rng, shape, dtype)
    return np.where(np.isfinite(values), values, np.ones(1, dtype))


def created(name, given, extra):
    subject = Subject(wo.optimizer.registry.find(name))
    declared = subject.cls.hyperparameters
    return subject.create(**given, **{k: v for k, v in extra.items() if k in declared})


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


def reduced_of(on, numbers, arrays):
    """Return the reductions that a rule takes, with the bits that they have on NumPy."""
    measured = on.measure(on.form(numbers, arrays[0]), *arrays)
    reductions = on.rule.lowered.reductions
    return [one.of(np.asarray(array)) for one, array in zip(reductions, measured, strict=True)]


#: The types take turns. On NumPy itself it is rule_has_its_bits_on_a_namespace of the kit.
STRICT = [
    pytest.param(
        case, dtype, id=f"{case}-{dtype.__name__}", marks=[] if tried else pytest.mark.soak
    )
    for number, case in enumerate(CASES)
    for dtype, tried in ((np.float32, number // 2 % 2 == 0), (np.float64, number // 2 % 2 == 1))
]


@pytest.mark.parametrize(("case", "dtype"), STRICT)
def test_every_installed_rule_has_the_bits_of_numpy(case, dtype):
    namespace, optimizer = array_api_strict, created(*case)
    rule, rng = optimizer.rule, np.random.default_rng(0)
    on = rule.on(namespace)
    draw = finite if on.reduced else wild
    weight, *states = (draw(rng, 1003, dtype) for _ in range(1 + len(rule.states)))
    for t in range(1, STEPS + 1):
        noise = [draw(rng, 1003, dtype)] if rule.draws else []
        arrays = [weight, draw(rng, 1003, dtype), *states, *noise]
        numbers = optimizer.numbers_at(0, t)
        there = [namespace.asarray(array) for array in arrays]
        with np.errstate(all="ignore"):
            weight, *states = map(np.asarray, as_tuple(rule(*arrays, **numbers)))
            norms = reduced_of(on, numbers, there)
            got = on.step(on.form(numbers, there[0], norms), *there)
        for new, expected in zip(got, [weight, *states], strict=True):
            assert new.dtype == getattr(namespace, np.dtype(dtype).name)
            assert same_bits(np.asarray(new), expected)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_constants_of_an_optimizer_are_those_of_its_step(case):
    optimizer = created(*case)
    rule = optimizer.rule
    norms = [1.5] * len(rule.lowered.reduced)
    for t in (1, 2, 1000):
        optimizer._index_update_count[0] = optimizer.num_update = t
        numbers = optimizer._numbers(rule, 0)
        assert optimizer.numbers_at(0, t) == numbers
        assert optimizer.constants(0, t, reduced=norms) == rule.evaluate(numbers, norms)
        early = len(rule.lowered.constants)
        assert optimizer.constants(0, t) == rule.evaluate(numbers, norms)[:early]


def test_given_rates_stand_in_for_schedule_and_multipliers():
    names = {0: "b_bias"}
    lion = wo.optimizer.create("lion", lr_scheduler=lambda n: 0.1 * n, wd=0.5, param_idx2name=names)
    lion.set_lr_mult({"b_bias": 2.0})
    numbers = lion.numbers_at(0, 3)
    assert (numbers["lr"], numbers["wd"]) == (0.1 * 3 * 2, 0)
    numbers = lion.numbers_at(0, 3, lr=0.5, wd=0.25)
    assert (numbers["lr"], numbers["wd"]) == (0.5, 0.25)
    assert lion.constants(0, 3, lr=0.5, wd=0.25)[4:6] == (1 - 0.5 * 0.25, 0.5)
    assert (lion.num_update, len(lion._index_update_count)) == (0, 0)


def test_an_optimizer_without_a_rule_has_no_constants():
    class Own(wo.Optimizer):
        def update(self, index, weight, grad, state):
            weight -= grad

    with pytest.raises(TypeError, match="one with a rule, got Own, which overrides"):
        Own().constants(0, 1)


@each_dtype
@each_namespace
def test_random_rules_in_names_that_mean_something_elsewhere(namespace, dtype, tmp_path):
    rng = np.random.default_rng(3)
    for i in range(12):
        names = [str(name) for name in rng.choice(NAMES, 12, replace=False)]
        path = tmp_path / f"random_rule_{i}.py"
        path.write_text(HEADER + Maker(rng, 3).rule(f"rule_{i}", names, reduces=i % 2))
        rule = _load(path, f"rule_{i}")
        arrays = [rng.normal(size=101).astype(dtype) for _ in rule.lowered.arrays]
        numbers = {name: float(rng.uniform(0.5, 1.5)) for name in rule.numbers}
        there = [namespace.asarray(array) for array in arrays]
        on = rule.on(namespace)
        norms = reduced_of(on, numbers, there)
        expected = as_tuple(rule(*arrays, **numbers))
        got = on.step(on.form(numbers, there[0], norms), *there)
        for new, old in zip(got, expected, strict=True):
            assert same_bits(np.asarray(new), np.broadcast_to(np.asarray(old, dtype), 101))
        # Numbers that are arrays give the constants of plain ones, to the last digits.
        real = namespace.float64
        traced = {name: namespace.asarray(value, dtype=real) for name, value in numbers.items()}
        norms = [namespace.asarray(value, dtype=real) for value in norms]
        formed = [float(value) for value in on.form(traced, there[0], norms)]
        plain = rule.evaluate(numbers, [float(value) for value in norms])
        np.testing.assert_allclose(formed, plain, rtol=1e-6 if dtype == np.float32 else 1e-12)


def _load(path, name):
    names = {"__name__": name, "__file__": str(path)}
    linecache.checkcache()
    exec(compile(path.read_text(), str(path), "exec"), names)
    return names[name]


@each_dtype
@each_namespace
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_called_as_the_rule_itself(rule, namespace, dtype):
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=(7, 3)).astype(dtype) for _ in rule.lowered.arrays]
    numbers = {name: 2 if name == "t" else 0.5 for name in rule.numbers}
    there = [namespace.asarray(array) for array in arrays]
    got = rule.on(namespace)(*there, **numbers)
    # Sums are in the order of NumPy instead of the core's: so norms differ in the last digits.
    for new, expected in zip(got, as_tuple(rule(*arrays, **numbers)), strict=True):
        assert new.shape == (7, 3)
        largest = max(float(abs(array).max()) for array in (*arrays, expected))
        np.testing.assert_allclose(
            np.asarray(new), expected, rtol=0, atol=4 * np.spacing(dtype(largest))
        )


def test_the_norm_of_several_parts_may_be_given():
    rule = RULES[0]
    rng = np.random.default_rng(5)
    whole = [rng.normal(size=100) for _ in rule.lowered.arrays]
    numbers = dict(lr=0.5, wd=0.25, rescale_grad=0.5)
    sums = {}

    def of_all(name, part):  # as a sum over processes would
        key = len(sums)
        sums[key] = rule.on(np).reduce(name, wholes[key])
        return sums[key]

    wholes = [whole[0], 0.5 * whole[1]]
    new, mom = rule.on(np)(*(array[:50] for array in whole), reduce=of_all, **numbers)
    expected = rule.on(np)(*whole, **numbers)
    assert same_bits(new, expected[0][:50])
    assert same_bits(mom, expected[1][:50])


@each_namespace
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30, 1e-300, 1e300])
def test_norms_are_right_in_the_whole_range(namespace, dtype, scale):
    if dtype == "float32":
        scale = scale ** (1 / 10)
    values = (np.linspace(-1, 1, 1001) * scale).astype(dtype)
    got = float(RULES[0].on(namespace).reduce("norm", namespace.asarray(values)))
    expected = norm(values)
    assert abs(got - expected) <= 4 * math.ulp(expected)


class Narrow:
    """A namespace that has float32 alone, as JAX has unless it is told otherwise."""

    def __getattr__(self, name):
        if name == "float64":
            raise AttributeError(name)
        return getattr(np, name)

    def __array_namespace_info__(self):
        return self

    def dtypes(self, *, kind):
        return {"float32": np.dtype(np.float32)}


NARROW = Narrow()


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e-44, 1e35])
def test_norms_without_float64(scale):
    values = (np.linspace(-1, 1, 1001) * scale).astype(np.float32)
    got, expected = RULES[0].on(NARROW).reduce("norm", values), norm(values)
    assert got.dtype == np.float32
    assert abs(float(got) - expected) <= 4 * np.spacing(np.float32(expected))


@each_namespace
def test_reductions_of_what_is_empty_or_not_finite(namespace):
    on = RULES[0].on(namespace)
    for dtype in (namespace.float32, namespace.float64):
        for values in ([], [0.0, -0.0], [math.inf, 1.0], [math.nan, 1.0], [math.nan, math.inf]):
            with np.errstate(all="ignore"):
                for of in (norm, total, mean, largest):
                    got = float(on.reduce(of.__name__, namespace.asarray(values, dtype=dtype)))
                    assert same_bits(np.array(got), np.array(of(np.array(values))))


@each_namespace
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_reductions_are_nearly_those_of_the_core(namespace, dtype, rng):
    """The library has an order of its own for sums; the largest magnitude needs none."""
    values, on = rng.normal(size=(7, 143)).astype(dtype), RULES[0].on(namespace)
    got = {of: float(on.reduce(of.__name__, namespace.asarray(values))) for of in (total, mean)}
    size = float(np.abs(values).sum())
    assert abs(got[total] - total(values)) <= 1e-14 * size
    assert abs(got[mean] - mean(values)) <= 1e-14 * size / values.size
    assert float(on.reduce("largest", namespace.asarray(values))) == largest(values)


@update_rule
def counted(weight, grad, *, lr, t, beta, limit, flag):
    rate = lr / (1 - beta**t) if (flag and t < 100) or not flag else lr
    rate = max(min(rate, 0.5, 2.0), 0.125) if limit is None or rate > limit else limit
    rate = rate + math.exp(-t) + math.log(t + 1, 2) + abs(sign(-rate)) + sqrt(t) + clip(t, 3.0)
    return weight - rate * grad


@each_namespace
@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("limit", [None, 0.25])
@pytest.mark.parametrize("t", [1, 7, 5000])
def test_numbers_that_are_arrays(namespace, t, limit, flag):
    numbers = dict(lr=0.1, t=t, beta=0.999, limit=limit, flag=flag)
    (expected,) = counted.evaluate(numbers)
    like = namespace.ones(3, dtype=namespace.float64)
    traced = namespace.asarray(float(t), dtype=namespace.float64)
    (got,) = counted.on(namespace).form(numbers | {"t": traced}, like)
    assert got.shape == ()
    # exp and log of NumPy are not those of math.
    assert float(got) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("t", [1, 3, 1000, 100_000])
def test_what_a_power_leaves_of_1_keeps_its_digits_in_float32(t):
    """Formed as it is written, it has an error of 1e-5 at the first updates."""

    @update_rule
    def corrected(weight, grad, *, lr, beta, t):
        return weight - lr / (1 - beta**t) * grad

    numbers = dict(lr=0.1, beta=0.999, t=t)
    (expected,) = corrected.evaluate(numbers)
    count = np.asarray(t, np.float32)
    (got,) = corrected.on(NARROW).form(numbers | {"t": count}, np.ones(1, np.float32))
    assert got.dtype == np.float32
    assert abs(float(got) - expected) <= 4 * np.spacing(np.float32(expected))


def test_a_function_that_arrays_do_not_have_is_refused_for_them_alone():
    @update_rule
    def odd(weight, grad, *, lr, t):
        return weight - lr * math.gamma(t) * grad

    ones = np.ones(2)
    assert odd.on(np)(ones, ones, lr=0.5, t=3)[0].tolist() == [0.0, 0.0]
    with pytest.raises(TypeError, match="got gamma; form the constants on the host"):
        odd.on(np)(ones, ones, lr=0.5, t=np.ones(()))


def test_none_beside_an_array_is_refused():
    @update_rule
    def either(weight, grad, *, lr, t):
        return weight - (None if t > 5 else lr) * grad

    with pytest.raises(TypeError, match="no None beside an array"):
        either.on(np)(np.ones(2), np.ones(2), lr=0.5, t=np.ones(()))


def test_a_state_that_becomes_a_number_has_its_shape():
    @update_rule
    def reset(weight, grad, state, *, lr):
        return maximum(weight, 0.0), -lr

    _, state = reset.on(np)(np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1)), lr=0.0)
    assert same_bits(state, np.full((2, 1), -0.0))


def test_a_root_of_ones_own():
    @update_rule
    def rooted(weight, grad, *, lr):
        return weight - lr * sqrt(grad)

    on = rooted.on(np, sqrt=np.zeros_like)
    ones = np.ones(3)
    assert on(ones, ones, lr=1.0)[0].tolist() == [1.0, 1.0, 1.0]
    assert rooted.on(np)(ones, ones, lr=1.0)[0].tolist() == [0.0, 0.0, 0.0]
    assert rooted.on(np, sqrt=np.zeros_like) is on


class Boxed:
    """An array that knows no namespace, as one of a library that array-api-compat has to know."""


def test_namespaces_are_found_by_array_and_by_module():
    rule = RULES[0]
    assert rule.on(np.ones(3)) is rule.on(np)
    assert rule.on(array_api_strict.ones(3)) is rule.on(array_api_strict)
    for given in (math, 3, Boxed()):
        with pytest.raises(TypeError, match="namespace: expected a module of the array API"):
            rule.on(given)


def test_what_finds_others_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    assert RULES[0].on(np.ones(3)).namespace is np
    with pytest.raises(ImportError, match=r'pip install "weightopt-core\[array-api\]"'):
        RULES[0].on(Boxed())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:2], r"arrays: expected 3 \(weight, grad, mom\), got 2"),
        (
            lambda a: [a[0], a[1][:2], a[2]],
            r"grad: expected float64 of shape \(3,\), as the weight",
        ),
        (lambda a: [a[0], a[1], a[2].astype(np.float32)], "mom: expected float64 of shape"),
        (lambda a: [x.astype(np.float16) for x in a], "weight: expected float32 or float64, got"),
        (lambda a: [x.astype(int) for x in a], "weight: expected float32 or float64, got int64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    arrays = change([np.ones(3) for _ in range(3)])
    with pytest.raises(TypeError, match=message):
        RULES[0].on(np)(*arrays, lr=0.5, wd=0.0, rescale_grad=1.0)


def test_a_missing_number_is_named():
    with pytest.raises(TypeError, match="missing wd"):
        RULES[0].on(np)(*[np.ones(3)] * 3, lr=0.5, rescale_grad=1.0)


def test_its_text_is_shown_in_tracebacks():
    on = RULES[0].on(np)
    assert "# array2: mom\n" in on.source
    file = on.step.__code__.co_filename
    assert "".join(linecache.getlines(file)) == on.source
    assert repr(on) == f"{RULES[0]!r} on numpy"


def test_a_rule_that_was_run_elsewhere_still_pickles():
    rule = wo.optimizer.create("adam").rule
    rule.on(np)
    assert pickle.loads(pickle.dumps(rule)) is rule
