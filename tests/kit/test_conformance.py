"""Everything that is installed holds to the conformance kit.

On devices nearly all time goes into compiling, for each type of elements anew. There every rule
meets every type in `gives_the_hosts_numbers`, and in other checks two types, which take turns from
class to class; the whole product is marked soak.
"""

import dataclasses

import pytest

from weightopt_core.testing import parametrize_with_checks
from weightopt_core.testing.subject import REGISTRIES

INSTALLED = list(
    dict.fromkeys(registry.find(name) for registry in REGISTRIES for name in registry.names())
)
#: Checks that meet every type everywhere, and rules that do: one without norms, and one with them.
CHECKS = ("gives_the_hosts_numbers", "refuses_other_dtypes", "fills_in_place")
CLASSES = ("Adam", "LAMB")


def in_turn(parameter):
    """Return a case on the host as it is; on a device with some types, and for itself with all."""
    (case,) = parameter.values
    cls = case.subject.cls
    everywhere = case.name in CHECKS or cls.__name__ in CLASSES
    if case.maker is None or case.maker.name == "cpu" or everywhere:
        return [parameter]
    number, full, half = INSTALLED.index(cls), case.maker.full(), case.maker.half()
    types = [half[number % len(half)], full[number // 2 % len(full)]]
    some = dataclasses.replace(case, maker=dataclasses.replace(case.maker, dtypes=types))
    soaked = pytest.param(
        case, id=f"{parameter.id}-all", marks=[*parameter.marks, pytest.mark.soak]
    )
    return [parameter._replace(values=(some,)), soaked]


CASES = parametrize_with_checks(*INSTALLED).mark.args[1]


@pytest.mark.parametrize("check", [case for each in CASES for case in in_turn(each)])
def test_conforms(check):
    check()
