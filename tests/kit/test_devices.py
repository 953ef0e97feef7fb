"""The conformance kit on devices, and classes that are for the host only."""

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core import testing
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import cpu
from weightopt_core.testing.suite import HOST_ONLY

HOSTS = {"gives_the_hosts_numbers"}


class Elsewhere:
    """An array in memory that NumPy cannot share."""

    def __init__(self, values):
        self.values = values.copy()
        self.shape, self.dtype = values.shape, values.dtype


class Undeclared(mx.Optimizer):
    """Gradient descent whose gradient is cut to length 1, with NumPy.

    Examples
    --------
    >>> 1 + 1
    2
    """

    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        if isinstance(index, (list, tuple)):
            for arguments in zip(index, weight, grad, state):
                self.update(*arguments)
            return
        weight = cpu.check(weight, "weight")
        grad = cpu.check(grad, "grad", weight.shape, [weight.dtype.name], written=False)
        self._update_count(index)
        length = float(np.linalg.norm(grad.astype(float)))
        weight -= self._get_lr(index) / max(length, 1.0) * grad


class Declared(Undeclared):
    conformance = Conformance(host_only=True)


class DeclaredInit(mx.Initializer):
    """Fill with a half, with NumPy.

    Examples
    --------
    >>> 1 + 1
    2
    """

    conformance = Conformance(host_only=True)

    def _init_weight(self, name, arr):
        cpu.check(arr, name)[...] = 0.5


@pytest.fixture
def outcomes(monkeypatch, isolated):
    """Return a function from a class to the outcomes of its checks with another device."""
    monkeypatch.setattr(testing.arrays, "_SOURCES", [testing.arrays.cpu])

    def of(cls, make=Elsewhere, host=lambda array: array.values.copy(), names=None):
        dtypes = [np.dtype("float32")]
        testing.add_makers(lambda: [testing.Maker("other", make, host, dtypes)])
        testing.suite.registry_of(cls).register(cls)
        return {
            (case.name, case.maker.name if case.maker else ""): case.outcome()
            for case in testing.cases(cls)
            if names is None or case.name in names
        }

    yield of
    testing.makers.cache_clear()


@pytest.mark.parametrize("cls", [Declared, DeclaredInit])
def test_what_is_for_the_host_only_is_excused_elsewhere(cls, outcomes):
    found = outcomes(cls)
    assert found["gives_the_hosts_numbers", "other"] == ("excused", HOST_ONLY)
    assert [name for name, device in found if device == "other"] == ["gives_the_hosts_numbers"]
    assert "failed" not in [outcome for outcome, _ in found.values()]


def test_what_does_not_say_so_fails_with_advice(outcomes):
    outcome, why = outcomes(Undeclared, names=HOSTS)["gives_the_hosts_numbers", "other"]
    assert outcome == "failed"
    assert why.startswith("TypeError: weight: expected an array in host memory, got Elsewhere")
    assert why.endswith("if it is for NumPy arrays alone, declare Conformance(host_only=True)")


def test_what_works_elsewhere_must_not_say_otherwise(outcomes):
    outcome, why = outcomes(Declared, np.copy, np.copy, HOSTS)["gives_the_hosts_numbers", "other"]
    assert (outcome, why) == ("failed", f"it passes, and was expected to fail: {HOST_ONLY}")


def test_other_numbers_than_the_hosts_are_found(outcomes):
    def doubled(array):
        return 2 * array

    outcome, why = outcomes(Undeclared, np.copy, doubled, HOSTS)["gives_the_hosts_numbers", "other"]
    assert outcome == "failed"
    assert "weight 0 differs" in why


def test_a_rule_is_not_for_the_host_only():
    class Wrong(mx.optimizer.SGD):
        conformance = Conformance(host_only=True)

    with pytest.raises(ValueError, match="got host_only=True; its rule runs on every device"):
        testing.cases(Wrong)


def test_the_reason_may_be_ones_own(outcomes):
    class Reasoned(Declared):
        conformance = Conformance(
            host_only=True, expected_failures={"gives_the_hosts_numbers": "it sorts"}
        )

    found = outcomes(Reasoned, names=HOSTS)
    assert found["gives_the_hosts_numbers", "other"] == ("excused", "it sorts")
