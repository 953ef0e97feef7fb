"""The conformance kit: what every optimizer, initializer and scheduler has to hold to.

Small named checks, one fact each, on every backend that is present. They need nothing but the
class: values come from its declared hyperparameters. In a package's tests::

    from weightopt_core.testing import parametrize_with_checks


    @parametrize_with_checks(Lion)
    def test_conforms(check):
        check()

The command ``weightopt check weightopt-lion`` runs the same without pytest.
"""

from .arrays import Maker, add_makers, makers
from .case import Case
from .opencl import opencl
from .suite import (
    cases,
    check_initializer,
    check_optimizer,
    check_scheduler,
    parametrize_with_checks,
)

__all__ = [
    "Case",
    "Maker",
    "add_makers",
    "cases",
    "check_initializer",
    "check_optimizer",
    "check_scheduler",
    "makers",
    "parametrize_with_checks",
]

add_makers(opencl)
