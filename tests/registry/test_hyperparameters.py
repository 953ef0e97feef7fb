import numpy as np
import pytest

from weightopt_core.algorithm import Algorithm
from weightopt_core.hyperparameters import Choice, ListOf, Real


class Listing(Algorithm):
    numbers = ListOf(Real(interval="[0, 1]"))
    words = ListOf(Choice(choices=("a", "b")), None, optional=True)


def test_a_list_holds_what_its_items_are_stored_as():
    given = (0, 0.5)
    listing = Listing(given, words=["b"])
    assert listing.numbers == [0, 0.5]
    assert listing.words == ["b"]
    assert Listing([]).words is None


@pytest.mark.parametrize("value", [0.5, "0.5", {0.5: 1}, None])
def test_a_list_is_a_list_or_tuple(value):
    with pytest.raises(
        TypeError, match=r"numbers: expected a list, each of it a number in \[0, 1\]"
    ):
        Listing(value)


def test_each_item_is_checked():
    with pytest.raises(ValueError, match=r"each of numbers: expected a number in \[0, 1\], got 2"):
        Listing([0, 2])
    with pytest.raises(TypeError, match="each of words: expected 'a' or 'b', got 1"):
        Listing([], [1])


@pytest.mark.parametrize("value", [True, np.True_, np.array(False)])
def test_a_truth_value_is_no_number(value):
    with pytest.raises(TypeError, match=r"each of numbers: expected a number in \[0, 1\], got "):
        Listing(numbers=[value])
