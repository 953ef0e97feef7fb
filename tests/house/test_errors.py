import pytest

from weightopt_core.errors import nearest
from weightopt_core.registry.published import PUBLISHED

OPTIMIZERS = PUBLISHED["weightopt.optimizers"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("adma", "adam"),
        ("amda", "adam"),
        ("adamm", "adam"),
        ("Adma", "adam"),
        ("ADAMAXX", "adamax"),
        ("sdg", "sgd"),
        ("gsd", "sgd"),
        ("nga", "nag"),
        ("rmspro", "rmsprop"),
    ],
)
def test_the_nearest_name_goes_first(name, first):
    assert nearest(name, OPTIMIZERS).startswith(f"did you mean {first!r}")


def test_two_swapped_letters_are_near():
    assert nearest("dw", ["lr", "wd"]) == "did you mean 'wd'?"


def test_names_that_are_equally_near_are_sorted_and_three_are_enough():
    assert nearest("beta", ["beta4", "beta1", "beta3", "beta2"]).count("'") == 6
    assert nearest("beta", ["beta2", "beta1"]) == "did you mean 'beta1' or 'beta2'?"


@pytest.mark.parametrize("name", ["", "momentum"])
def test_where_none_is_near_all_are_told(name):
    assert nearest(name, ["sgd", "adam"]) == "known: adam, sgd"
    assert nearest(name, []) == "known: none"
