"""A step that is checked ahead, for those who make several steps or none."""

import numpy as np
import pytest
import reducing_rules

import weightopt_core as wo


class OnNumpy(wo.Optimizer):
    """Its rule is not compiled, and its numbers can be refused."""

    rule = reducing_rules.limited
    refused = None

    def numbers(self, index, t):
        assert t == 1
        if index == self.refused:
            raise ValueError(f"numbers of {index}")
        return {}


def given(optimizer):
    weights = [np.ones(3), np.full(2, 2.0)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    return optimizer, optimizer.rule, [0, 1], weights, [weight / 2 for weight in weights], states


@pytest.mark.parametrize("make", [wo.optimizer.Adam, wo.optimizer.LAMB, OnNumpy])
def test_what_is_checked_stays_as_it_is(make):
    optimizer, _, *lists = checked = given(make())
    optimizer._stepper.check(*checked)
    assert [weight[0] for weight in lists[1]] == [1, 2]
    assert not any(np.any(state) for state in lists[3] if state is not None)
    assert optimizer._index_update_count == {}
    optimizer.update(*lists)
    assert optimizer._index_update_count == {0: 1, 1: 1}
    assert lists[1][0][0] != 1


@pytest.mark.parametrize("make", [wo.optimizer.Adam, wo.optimizer.LAMB, OnNumpy])
def test_arrays_are_refused_as_in_a_step(make):
    optimizer, _, *lists = checked = given(make())
    lists[2][1] = np.ones(3)
    messages = []
    for function, arguments in ((optimizer._stepper.check, checked), (optimizer.update, lists)):
        with pytest.raises(ValueError, match="shape of grad") as caught:
            function(*arguments)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_numbers_are_refused_as_in_a_step():
    checked = given(OnNumpy())
    checked[0].refused = 1
    with pytest.raises(ValueError, match="numbers of 1"):
        checked[0]._stepper.check(*checked)
    assert checked[0]._index_update_count == {}
