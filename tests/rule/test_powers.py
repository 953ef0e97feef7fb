"""Powers by integers: the same bits on every machine, in every form of a rule."""

import math
import os
import struct
import subprocess
import sys
import traceback
from fractions import Fraction
from math import pow as imported_pow

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.rule import power

OUTER = 0.5
#: Without what the C library may use where the processor has it.
WITHOUT = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4,-AVX,-AVX_Usable"


def pairs(count=4000, seed=0):
    """Return bases near 1 and elsewhere, and exponents that leave powers in the range."""
    rng = np.random.default_rng(seed)
    bases = np.where(rng.random(count) < 0.7, 1 - 10.0 ** rng.uniform(-8, -0.1, count), 1.7)
    exponents = (10 ** rng.uniform(0, 5, count)).astype(int)
    exponents = np.where(bases == 1.7, exponents % 1200, exponents)
    # Below the normal numbers a unit in the last place is no small part of a number.
    keep = exponents * -np.log(bases) < 700
    return list(zip(bases[keep].tolist(), exponents[keep].tolist()))


# The order that docs/design/exactness.md states, in Python.


def leading(x):
    (bits,) = struct.unpack("Q", struct.pack("d", x))
    return struct.unpack("d", struct.pack("Q", bits & ~0x7FFFFFF))[0]


def times(x, y):
    product = x[0] * y[0]
    a, b = leading(x[0]), leading(y[0])
    c, d = x[0] - a, y[0] - b
    low = (((a * b - product) + a * d + c * b) + c * d) + (x[0] * y[1] + x[1] * y[0])
    return product + low, low - ((product + low) - product)


def multiplied(base, exponent):
    square, product = (base, 0.0), (1.0, 0.0)
    while exponent > 1:
        if exponent % 2:
            product = times(product, square)
        square, exponent = times(square, square), exponent // 2
    return times(product, square)[0] if exponent else product[0]


def test_in_the_stated_order():
    for base, exponent in pairs():
        assert power(base, exponent) == multiplied(base, exponent), (base, exponent)
        assert power(base, float(exponent)) == power(base, exponent)


def test_within_a_unit_in_the_last_place():
    nearest = compared = 0
    chosen = [(base, exponent) for base, exponent in pairs(600) if exponent < 3000]
    for base, exponent in chosen:
        for signed in (exponent, -exponent):
            exact = Fraction(base) ** signed
            if not 1e-300 < exact < 1e300:
                continue
            got = power(base, signed)
            assert abs(Fraction(got) - exact) < Fraction(math.ulp(got)), (base, signed)
            nearest += got == float(exact)
            compared += 1
    assert nearest > 0.999 * compared > 900


@pytest.mark.parametrize(
    ("base", "exponent"),
    [
        (2, 100), (-3, 5), (True, 3), (2, -2), (0.5, 0), (math.nan, 0), (-0.0, 3), (-0.0, 2),
        (0.0, 5), (math.inf, 2), (-math.inf, 3), (math.inf, -1), (-math.inf, -3), (-1.0, 2**80),
        (0.5, 2**70), (2.0, -1074), (-2.0, 1023), (1e-200, 2),
        (2.0, 0.5), (4, -0.5), (1.5, 3.0), (-8.0, 3.0), (0.3, math.inf), (1e300, -2), (2.0, -1e300),
        (5e-324, 1), (1.7e308, 1), (1.7e308, -1), (-8.0, 0.5),
    ],
)  # fmt: skip
def test_as_the_operator_gives(base, exponent):
    expected, got = base**exponent, power(base, exponent)
    assert (type(got), repr(got)) == (type(expected), repr(expected))


@pytest.mark.parametrize(
    ("base", "exponent"),
    [(0.0, -1), (0, -2), (-0.0, -3.0), (1e200, 2), (0.1, -400), (-1e200, 3), (1e-320, -1)],
)
def test_errors_are_those_of_the_operator(base, exponent):
    with pytest.raises(ArithmeticError) as expected:
        base**exponent
    with pytest.raises(type(expected.value)) as got:
        power(base, exponent)
    assert len(got.value.args) == len(expected.value.args)


def test_what_is_no_number_of_python_is_left_to_its_operator():
    array = np.array([2.0, 3.0])
    assert (power(array, 2) == array * array).all()
    assert power(2, np.array([2, 3])).tolist() == [4, 8]
    with pytest.raises(TypeError):
        power("2", 3)
    assert power(np.float64(0.9), 7) == power(0.9, 7)


@mx.update_rule
def decayed(weight, grad, *, beta, t):
    first = beta**t * grad
    second = math.pow(beta, t) * grad**2
    third = imported_pow(beta, -t) * OUTER**t
    return weight - first * second - third - power(1 - beta**t, 2)


def in_operators(weight, grad, *, beta, t):
    first = power(beta, t) * grad
    second = power(beta, t) * (grad * grad)
    third = power(beta, -t) * power(OUTER, t)
    return weight - first * second - third - power(1 - power(beta, t), 2)


@pytest.mark.filterwarnings("ignore:(invalid|overflow):RuntimeWarning")
@pytest.mark.parametrize("t", [1, 2, 3.0, 77, 1000, 12_345.0])
def test_in_every_form_of_a_rule(t, wild):
    weight, grad = wild(101, np.float64), wild(101, np.float64)
    numbers = {"beta": 0.9995, "t": t}
    expected = in_operators(weight, grad, **numbers)
    np.testing.assert_array_equal(decayed(weight, grad, **numbers), expected)
    np.testing.assert_array_equal(decayed.on(np)(weight, grad, **numbers)[0], expected)
    once = power(0.9995, t)
    assert decayed.evaluate(numbers)[:2] == (once, once)


def test_a_rule_sees_what_is_around_it_as_it_is():
    shift = 1.0

    @mx.update_rule
    def shifted(weight, grad, *, beta, t):
        return weight + shift * beta**t

    arrays, numbers = [np.zeros(2)] * 2, {"beta": 0.5, "t": 2}
    assert shifted(*arrays, **numbers)[0] == 0.25
    shift = 4.0
    assert shifted(*arrays, **numbers)[0] == 1.0
    assert shifted.function.__name__ == "shifted"


def test_an_error_in_a_rule_names_its_line():
    with pytest.raises(TypeError) as raised:
        decayed(np.zeros(2), np.zeros(2), beta="0.9", t=2)
    last = traceback.extract_tb(raised.value.__traceback__)
    (line,) = [frame.line for frame in last if frame.name == "decayed"]
    assert line == "first = beta**t * grad"


def test_a_rule_without_powers_has_its_own_function():
    @mx.update_rule
    def plain(weight, grad, *, lr):
        return weight - lr * grad

    assert plain._run is plain.function


def test_a_long_sum_of_powers_is_not_too_deep():
    terms = " + ".join(f"beta**{n}" for n in range(1, 800))
    text = f"def long(weight, grad, *, beta):\n    return weight + grad * ({terms})\n"
    assert _rule_of(text, "long")(np.zeros(1), np.ones(1), beta=0.5)[0] == 1.0


def _rule_of(text, name):
    import linecache

    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {}
    exec(compile(text, file, "exec"), names)
    return mx.update_rule(names[name])


DIGEST = """
import hashlib, struct
import numpy as np
import weightopt_core as mx
digest = hashlib.sha256()
for name in {names!r}:
    made = mx.optimizer.create(name)
    for t in range(1, 2500, 7):
        digest.update(np.array(made.constants(0, t)).tobytes())
from weightopt_core.rule import power
rng = np.random.default_rng(3)
for base, t in zip((1 - 10.0 ** rng.uniform(-7, -1, 20000)).tolist(), range(1, 20001)):
    digest.update(struct.pack("d", power(base, t)))
print(digest.hexdigest())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of the GNU C library")
def test_the_processor_and_the_library_do_not_matter():
    names = ["adam", "adamw", "adan", "radam", "lamb", "ftml"]
    command = [sys.executable, "-c", DIGEST.format(names=names)]
    printed = [
        subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=True)
        for own in ({}, {"GLIBC_TUNABLES": WITHOUT})
    ]
    assert printed[0].stdout == printed[1].stdout
