"""The constants of rules, for tests that hand them to a compiled form."""

import numpy as np


def constants_of(rule, numbers):
    """Return as float64 the constants of `rule` that depend on no norm."""
    settle, _ = rule.lowered.split(rule.numbers, ())
    given = [numbers[name] for name in rule.numbers] + [get() for get in rule.lowered.outside]
    return np.array(settle(*given)[0], np.float64)
