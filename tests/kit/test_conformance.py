"""Everything that is installed holds to the conformance kit."""

from weightopt_core.testing import parametrize_with_checks
from weightopt_core.testing.subject import REGISTRIES

INSTALLED = dict.fromkeys(
    registry.find(name) for registry in REGISTRIES for name in registry.names()
)


@parametrize_with_checks(*INSTALLED)
def test_conforms(check):
    check()
