"""Names that an author may give: whatever they mean elsewhere, the bits are those of NumPy."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import random_rules
from devices import computes, every_device, is_slow, on_device, on_host
from pairs import run

import weightopt_core as mx
from weightopt_core import update_rule
from weightopt_core.backends import backend_of
from weightopt_core.backends.interface import PLAIN
from weightopt_core.testing.arrays import same_bits

#: How many rules share the names, each used once, and how deep their expressions are.
SHARED = [
    (6, 1),
    pytest.param((10, 2), marks=pytest.mark.slow),
    pytest.param((40, 2), marks=pytest.mark.soak),
]
SETUP = """
from setuptools import setup
from weightopt_core.build import compiled_rules
setup(name="libc", **compiled_rules("libc.one", "libc.two"))
"""
DTYPES = ["float32", "float64", "float16"]
#: Not a multiple of any vector's or work-group's length.
LENGTH = 1031


@pytest.fixture(scope="module", params=SHARED)
def rules(request, tmp_path_factory):
    """Return rules of random names and contents, of a package that is called like one of Cython's.

    Both of its modules have rules of the same names.
    """
    count, depth = request.param
    folder, rng = tmp_path_factory.mktemp("names"), np.random.default_rng(count)
    names = rng.permutation(random_rules.NAMES)
    functions = rng.permutation(random_rules.NAMES)
    texts = [random_rules.HEADER, random_rules.HEADER]
    for i in range(count):
        chosen = names[i::count] if count < 10 else rng.choice(names, 24, replace=False)
        maker = random_rules.Maker(rng, depth)
        texts[i % 2] += "\n\n" + maker.rule(functions[i // 2], chosen, reduces=i % 3 == 2)
    (folder / "libc").mkdir()
    for name, text in zip(("one", "two"), texts, strict=True):
        (folder / "libc" / f"{name}.py").write_text(text, "utf-8")
    (folder / "libc" / "__init__.py").write_text("")
    (folder / "setup.py").write_text(SETUP)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    sys.path.insert(0, str(folder))
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name[:4] == "libc"}
    try:
        modules = [importlib.import_module(f"libc.{name}") for name in ("one", "two")]
        found = [
            value
            for module in modules
            for value in vars(module).values()
            if isinstance(value, mx.rule.Rule)
        ]
        assert len(found) == count
        assert all(rule.compiled.kernel is not None for rule in found)
        yield found
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name[:4] == "libc"]:
            del sys.modules[name]
        sys.modules.update(before)


class Step:
    """The arrays and numbers of one step of a rule, and what NumPy makes of them."""

    def __init__(self, rule, dtype, rng, length=LENGTH):
        self.rule, self.dtype = rule, np.dtype(dtype)
        self.numbers = {name: float(rng.normal()) for name in rule.numbers}
        self.arrays = [
            rng.normal(size=length).astype(self.dtype) for _ in range(2 + len(rule.states))
        ]
        compute = np.float64 if dtype == "float64" else np.float32
        with np.errstate(all="ignore"):
            inputs = [array.astype(compute) for array in self.arrays]
            results = rule(*inputs, **self.numbers)
            results = results if rule.states else [results]
            self.expected = [np.asarray(result).astype(self.dtype) for result in results]

    def assert_same_bits(self, place, fetch):
        weight, grad, *states = map(place, self.arrays)
        state = states[0] if len(states) == 1 else tuple(states) or None
        bound = backend_of(weight).bind(self.rule, (weight,), (grad,), (state,), PLAIN)
        run(bound, self.rule, self.numbers, [])
        for got, expected in zip([weight, *states], self.expected, strict=True):
            assert same_bits(fetch(got), expected), self.rule


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled(rules, dtype, rng):
    for rule in rules:
        Step(rule, dtype, rng).assert_same_bits(np.copy, np.asarray)


@every_device
def test_opencl(rules, queue, rng):
    for i, rule in enumerate(rules):
        dtype = DTYPES[i % len(DTYPES)]
        if computes(queue, dtype):
            step = Step(rule, dtype, rng, 70 if is_slow(queue) else LENGTH)
            step.assert_same_bits(lambda array: on_device(queue, array, 3), on_host)


@update_rule
def around(weight, grad, mirror, salt0_0, random0, *, lr):
    """States that are called like what stands around them in the text for devices. */"""
    return weight - lr * (grad + mirror), mirror + 1, salt0_0 - grad, random0 + salt0_0


@update_rule
def noisy(weight, grad, mirror, words, key0, noise, *, lr):
    return weight - lr * (grad + noise), mirror + 1, words * key0, key0 + noise


@every_device
@pytest.mark.parametrize("rule", [around, noisy], ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "options",
    [{}, {"multi_precision": True}, {"state_dtype": "bfloat16"}, {"state_dtype": "int8"}],
    ids=str,
)
@pytest.mark.parametrize("count", [1, 3])
def test_states_called_like_the_text_around_them(rule, options, count, queue, rng):
    if rule is noisy and "state_dtype" in options:
        pytest.skip("a rule takes noise or rounded states")
    dtype = np.float16 if "multi_precision" in options else np.float32
    values = rng.normal(size=(3, 2, count, 70)).astype(dtype)
    runs = []
    for place, fetch in (
        (np.copy, np.asarray),
        (lambda array: on_device(queue, array), on_host),
    ):
        kind = type("Named", (mx.Optimizer,), {"rule": rule})
        mx.random.seed(3)
        optimizer = kind(learning_rate=0.5, **options)
        weights = [place(array) for array in values[0][0]]
        states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
        for grads in values[:, 1]:
            optimizer.update(list(range(count)), weights, [place(g) for g in grads], states)
        runs.append([fetch(array) for array in weights])
        runs[-1] += [fetch(part) for state in states for part in state]
    for one, other in zip(*runs, strict=True):
        assert same_bits(one, other)
