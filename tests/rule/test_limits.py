"""Long rules, deep ones, those with much of something: bounded time, or a refusal with a line."""

import shutil
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from devices import computes, every_device, is_slow, on_device, on_host
from pairs import run
from rule_constants import constants_of
from written_rules import HEADER, load

from weightopt_core import RuleError
from weightopt_core.backends import backend_of
from weightopt_core.backends.interface import PLAIN
from weightopt_core.ctext import MAX_ARRAYS
from weightopt_core.kernels.driver import Kernel
from weightopt_core.rule.language import MAX_CHOICES, MAX_CONSTANTS
from weightopt_core.testing.arrays import same_bits

IMPORTS = f"{HEADER}\nfrom weightopt_core.rule import norm\n"
#: clang refuses text with more brackets around anything.
BRACKETS = 256
#: Much more than any of these rules takes, and much less than what grows faster than its text.
SECONDS = 5
NUMBERS = {"lr": 1e-3, "t": 2}


def source_of(body, parameters="weight, grad, *, lr, t"):
    return f"{IMPORTS}\n@update_rule\ndef rule({parameters}):\n{textwrap.indent(body, '    ')}\n"


def depth(line):
    """Return how many brackets are open at most."""
    deepest = now = 0
    for character in line:
        now += (character == "(") - (character == ")")
        deepest = max(deepest, now)
    return deepest


LONG = {
    "a sum of arrays": f"return weight - lr * ({' + '.join(['grad'] * 900)})",
    "a sum of numbers": f"return weight - ({' + '.join(['lr'] * 900)}) * grad",
    "a sum of both": f"return weight - ({' + '.join(['lr', 'grad'] * 450)}) * grad",
    "calls within calls": f"return weight - {'abs(' * 90}grad{')' * 90} * lr",
    "minuses of numbers": f"return weight - {'-' * 300}lr * grad",
    "minuses of arrays": f"return weight - lr * {'-' * 300}grad",
    "arrays in many lines": "x = grad\n" + "x = x + grad\n" * 3000 + "return weight - lr * x",
    "numbers in many lines": "x = lr\n" + "x = x + lr\n" * 3000 + "return weight - x * grad",
    "doubled arrays": "x = grad\n" + "x = x + x\n" * 200 + "return weight - lr * x",
    "doubled numbers": "x = lr\n" + "x = x + x\n" * 200 + "return weight - x * grad",
    "doubled choices": "x = lr\n"
    + "x = x / 2 if x > 0 and t or x else x * x\n" * 200
    + "return weight - x * grad",
    "doubled masks": "x = grad > 0\n" + "x = x & x | ~x\n" * 200 + "return where(x, weight, grad)",
    "doubled norms": "x = norm(grad)\n" + "x = x + x\n" * 200 + "return weight - x * grad",
    "a norm of much": "x = grad\n" + "x = x + x * weight\n" * 400 + "return weight - norm(x) * x",
    "a late choice of much": "x = lr\n"
    + "x = x / 2 if x > 0 else x * x\n" * 400
    + "return weight - (x if norm(grad) > 1 else lr) * grad",
    "a long mask": "x = lr * grad\nreturn where("
    + " & ".join(["(x < t)"] * 200 + ["(x > t)"] * 200)
    + ", grad, weight)",
    "choices in many lines": "x = lr\n"
    + "x = (x + 1 if t > 1 else x) if x > 0 else lr\n" * 1000
    + "return weight - x * grad",
    "choices in a choice": "return weight - "
    + "(1 if t == 0 else " * MAX_CHOICES
    + "lr"
    + ")" * MAX_CHOICES
    + " * grad",
}


@pytest.mark.parametrize("title", LONG)
def test_long_rules_take_bounded_time_and_text(title, tmp_path):
    source = source_of(LONG[title])
    begin = time.process_time()  # which a busy machine does not change
    rule = load(source, tmp_path).rule
    lowered = rule.lowered
    shown = [*lowered.formula, *lowered.constants, *lowered.reduced, *lowered.measured]
    element = lowered.element(["0"] * 2, ["x"])
    settle, _ = lowered.split(("lr",), ("t",))
    fixed, moving = settle(1e-3)
    values = fixed + moving(2)
    if lowered.reduced:
        values += lowered.evaluate_measured(1e-3, 2, *[0.5] * len(lowered.reduced))
    assert time.process_time() - begin < SECONDS
    assert len(values) == len(lowered.constants) + len(lowered.measured)
    assert max(map(depth, element)) < BRACKETS / 4
    assert sum(map(len, shown)) + sum(map(len, element)) < 100 * len(source)
    with np.errstate(all="ignore"):
        (stepped,) = rule(np.zeros(1), np.ones(1), **NUMBERS)
    if lowered.results == ["(wo_x0 - (wo_k0 * wo_x1))"]:
        assert constants_of(rule, NUMBERS).tolist() == [-stepped]


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_long_rules_compile(tmp_path):
    """A compiler takes their text too: of each title a function."""
    functions = []
    for i, body in enumerate(LONG.values()):
        rule = load(source_of(body), tmp_path).rule
        lines = rule.lowered.element(["w[0]", "g[0]"], ["w[0]"])
        scalars = "".join(f", REAL {name}" for name in rule.lowered.scalars)
        functions += [f"void rule{i}(REAL *w, REAL *g{scalars}) {{", *lines, "}"]
    (tmp_path / "rules.c").write_text(PREAMBLE + "\n".join(functions))
    command = ["gcc", "-O1", "-Wall", "-Werror", "-c", "rules.c", "-o", "rules.o"]
    subprocess.run(command, cwd=tmp_path, check=True)


PREAMBLE = """
typedef float REAL;
#define FN(name) name##_float32
REAL FN(abs)(REAL x);
"""


def test_ten_thousand_terms_where_python_takes_them(tmp_path):
    terms = " + ".join(["grad"] * 10_000)
    (tmp_path / "rules.py").write_text(source_of(f"return weight - lr * ({terms})"))
    code = (
        "import sys; sys.setrecursionlimit(10**6); import rules; print(rules.rule.lowered.results)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "(wo_x0 - (wo_k0 * " in done.stdout or "RuleError" in done.stderr


TOO_MUCH = {
    "arrays": (
        f"return weight{', weight' * (MAX_ARRAYS - 1)}",
        f"weight, grad, {', '.join(f's{i}' for i in range(MAX_ARRAYS - 1))}",
        f"{MAX_ARRAYS + 1} arrays; a rule takes up to {MAX_ARRAYS}",
        11,
    ),
    "arrays with noise": (
        f"return weight{', weight' * (MAX_ARRAYS - 2)}",
        f"weight, grad, {', '.join(f's{i}' for i in range(MAX_ARRAYS - 2))}, noise",
        f"{MAX_ARRAYS + 1} arrays; a rule takes up to {MAX_ARRAYS}",
        11,
    ),
    "numbers that meet arrays": (
        "return weight" + "".join(f" - n{i} * grad" for i in range(MAX_CONSTANTS + 1)),
        f"weight, grad, *, {', '.join(f'n{i}' for i in range(MAX_CONSTANTS + 1))}",
        f"more than {MAX_CONSTANTS} numbers that meet arrays",
        12,
    ),
    "choices in one": (
        f"return weight * {'(1 if t else ' * (MAX_CHOICES + 1)}0{')' * (MAX_CHOICES + 1)}",
        "weight, grad, *, t",
        f"'if', 'and' or 'or' nested more than {MAX_CHOICES} times",
        12,
    ),
}


@pytest.mark.parametrize("title", TOO_MUCH)
def test_too_much_is_refused_where_it_stands(title, tmp_path):
    body, parameters, expected, line = TOO_MUCH[title]
    with pytest.raises(RuleError, match="rule 'rule': ") as caught:
        load(source_of(body, parameters), tmp_path)
    assert expected in str(caught.value)
    assert caught.value.filename == str(tmp_path / "rules.py")
    assert caught.value.lineno == line


def test_the_most_that_a_rule_may_take_is_what_a_kernel_takes(tmp_path):
    states = [f"s{i}" for i in range(MAX_ARRAYS - 2)]
    body, parameters = f"return weight, {', '.join(states)}", f"weight, grad, {', '.join(states)}"
    assert load(source_of(body, parameters), tmp_path).rule.parameters == MAX_ARRAYS
    with pytest.raises(ValueError, match=f"arrays: expected 2 to {MAX_ARRAYS}, got"):
        Kernel([], MAX_ARRAYS + 1, 0)
    with pytest.raises(ValueError, match="functions: expected 4"):
        Kernel([], MAX_ARRAYS, 0)


def test_what_python_refuses_for_its_depth_is_a_rule_error(tmp_path, monkeypatch):
    """Python may have compiled a file elsewhere, with more room than there is here."""
    module = load(source_of("return grad").replace("@update_rule\n", ""), tmp_path)
    from weightopt_core.rule import identity

    for error in (RecursionError, MemoryError):

        def fails(*given, error=error, **named):
            raise error

        monkeypatch.setattr(identity, "compile", fails, raising=False)
        with pytest.raises(RuleError, match="more deeply than Python's parser goes") as caught:
            module.update_rule(module.rule)
        assert caught.value.lineno == 10


@every_device
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_devices_take_the_most_that_a_rule_may_take(dtype, queue, tmp_path, rng):
    if not computes(queue, dtype):
        pytest.skip("the device has no float64")
    states = [f"s{i}" for i in range(MAX_ARRAYS - 2)]
    names = [f"n{i}" for i in range(MAX_CONSTANTS)]
    terms = [f"{name} * {states[i % len(states)]}" for i, name in enumerate(names)]
    body = f"return weight - grad * ({' + '.join(terms)}), {', '.join(states)}"
    signature = f"weight, grad, {', '.join(states)}, *, {', '.join(names)}"
    rule = load(source_of(body, signature), tmp_path).rule
    numbers = dict(zip(names, rng.normal(size=len(names)).tolist(), strict=True))
    arrays = [rng.normal(size=50 if is_slow(queue) else 1000).astype(dtype) for _ in range(15)]
    expected = rule(*arrays, **numbers)
    weight, grad, *rest = (on_device(queue, array, 3) for array in arrays)
    bound = backend_of(weight).bind(rule, (weight,), (grad,), (tuple(rest),), PLAIN)
    run(bound, rule, numbers, [])
    assert same_bits(on_host(weight), expected[0])


@pytest.mark.parametrize("call", ["max(t, x)", "x**t"])
def test_numbers_in_many_lines_are_formed_from_arrays_too(call, tmp_path):
    """They are formed by Python of its own, which must not be nested deeply either."""
    text = "x = lr\n" + f"x = {call}\n" * 1000 + "return weight - x * grad"
    rule = load(source_of(text), tmp_path).rule
    ones = np.ones(1)
    found = rule.on(np)(ones, ones, lr=np.float64(1.0), t=np.float64(1.0))
    assert same_bits(found, rule(ones, ones, lr=1.0, t=1.0))
