"""Parameter names: what is known about a parameter beside its name, and which hook fills it."""

from __future__ import annotations

from typing import Any

#: Which hook fills a parameter, by the ending of its name; the first that fits.
SUFFIXES = {
    "weight": "_init_weight",
    "bias": "_init_bias",
    "gamma": "_init_gamma",
    "beta": "_init_beta",
    "moving_mean": "_init_zero",
    "running_mean": "_init_zero",
    "moving_var": "_init_one",
    "running_var": "_init_one",
    "moving_inv_var": "_init_zero",
    "moving_avg": "_init_zero",
    "kernel": "_init_weight",
}
#: The same by beginning and ending, for a plain str in place of an `InitDesc`; they go first.
PLAIN_NAMES = {("stn_loc", "weight"): "_init_zero", ("stn_loc", "bias"): "_init_loc_bias"}
#: Endings of the names whose weights decay by default: those of weights and gammas, and in front of
#: them what parts the names of layers. A bare ``weight`` has none in MXNet either.
DECAYING = (
    *("_weight", ".weight", "/weight"),
    *("_gamma", ".gamma", "/gamma"),
    "kernel",
)


def decays(name: Any) -> bool:
    """Whether a parameter decays by default: its name decides, and one without a name does."""
    return not isinstance(name, str) or name.endswith(DECAYING)


class InitDesc(str):
    """The name of a parameter, with what is known about it.

    Parameters
    ----------
    name : str
        The parameter's name.
    attrs : dict of str to str, optional
        Its attributes. ``__init__`` holds the name or the `Initializer.dumps` of the initializer
        that fills it, whatever its name. ``__part_of__`` holds the name of the parameter that it
        is a piece of; pieces of different parameters get different random numbers.
    global_init : Initializer, optional
        What fills parts that have no initializer of their own.
    """

    #: Whether it came as a plain str, for which `PLAIN_NAMES` hold too.
    plain = False

    def __new__(cls, name: str, attrs: Any = None, global_init: Any = None) -> InitDesc:
        desc = super().__new__(cls, name)
        desc.attrs = attrs or {}
        desc.global_init = global_init
        return desc

    attrs: dict[str, str]
    global_init: Any

    def __reduce__(self) -> Any:
        return InitDesc, (str(self), self.attrs, self.global_init)

    def under(self, initializer: Any) -> InitDesc:
        """Return the same name with another `global_init`."""
        desc = str.__new__(type(self), self)
        vars(desc).update(vars(self), global_init=initializer)
        return desc

    @property
    def path(self) -> str:
        """The name, behind the name of the parameter that it is a piece of."""
        whole = self.attrs.get("__part_of__")
        return f"{whole}/{self}" if whole else str(self)

    @property
    def hook(self) -> str:
        """The name of the method of an initializer that fills it."""
        for (prefix, suffix), hook in PLAIN_NAMES.items() if self.plain else ():
            if self.startswith(prefix) and self.endswith(suffix):
                return hook
        for suffix, hook in SUFFIXES.items():
            if self.endswith(suffix):
                return hook
        return "_init_default"
