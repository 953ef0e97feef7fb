import numpy as np
import pytest

from weightopt_core.algorithm import Algorithm
from weightopt_core.hyperparameters import Choice, ListOf, Real, RealOrArray


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


class Filling(Algorithm):
    value = RealOrArray(interval="[0, 9]")


@pytest.mark.parametrize(
    ("given", "kind"),
    [([1, 2], "i"), (np.arange(3, dtype=np.uint8), "u"), ([[0.5, 1]], "f"), ((1, 2.5), "f")],
)
def test_an_array_keeps_its_kind_and_cannot_be_written_to(given, kind):
    value = Filling(given).value
    assert value.dtype.kind == kind
    np.testing.assert_array_equal(value, given)
    assert not value.flags.writeable


def test_an_array_in_bfloat16_is_one_of_numbers():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    value = Filling(np.array([0.5, 2], ml_dtypes.bfloat16)).value
    assert (value.dtype, value.tolist()) == (np.float64, [0.5, 2])


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([1, 10], ValueError),
        ([-1e-9, 0.0], ValueError),
        ([np.nan, 0.0], ValueError),
        ([True, False], TypeError),
        (["1"], TypeError),
        ([1j], TypeError),
        (np.array([None]), TypeError),
    ],
)
def test_an_array_of_other_things_is_refused(given, error):
    with pytest.raises(error, match=r"value: expected a number in \[0, 9\], or an array of them"):
        Filling(given)
