"""Training with small states goes as with states in float32."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import state_dtypes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_digits_are_learned_as_well(name):
    """Of 450 test samples at most five more are wrong, and the loss is at most a tenth larger.

    Over three seeds the losses differ by a hundredth, where those of two seeds differ by a tenth;
    and by at most two samples, as near the end some come and go with each update.
    """
    given = state_dtypes.OPTIMIZERS["digits"][name]
    loss, accuracy = state_dtypes.on_digits(name, 0, given)
    rounded = state_dtypes.on_digits(name, 0, given | {"state_dtype": "int8"})
    rounded_loss, rounded_accuracy = rounded
    assert rounded_loss < 1.1 * loss
    assert rounded_accuracy > accuracy - 5.5 / 450
