"""Initializers of weightopt over the parameters of modules."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.parameter import UninitializedParameter

import weightopt_core as _core
from weightopt_core.dtypes import dtype_of
from weightopt_core.errors import wording
from weightopt_core.initializer import InitDesc, Initializer

from .job import agreed_seed
from .memory import STORAGE, check_parameter, tensor_over

#: Modules whose ``weight`` is what the core calls a gamma: a factor that begins at 1.
NORMS = (
    torch.nn.modules.batchnorm._NormBase,
    torch.nn.LayerNorm,
    torch.nn.GroupNorm,
    torch.nn.RMSNorm,
)


class Named(InitDesc):
    """The name of a parameter of a module, which knows what torch calls weights and biases."""

    of_norm = False

    @property
    def hook(self) -> str:
        """The name of the method of an initializer that fills it."""
        last = self.rpartition(".")[2]
        if last.startswith("weight"):  # weight_ih_l0, of a recurrent layer
            return "_init_gamma" if self.of_norm else "_init_weight"
        return "_init_bias" if last.startswith("bias") else super().hook


def init(module: Any, initializer: Any, *, seed: int | None = None, **arguments: Any) -> None:
    """Fill all parameters of a module with an initializer of weightopt.

    Parameters
    ----------
    module : torch.nn.Module, or iterable of (str, tensor)
        What is filled: every parameter that ``named_parameters()`` gives, frozen ones too; or
        parameters with their names. Buffers stay as they are.
    initializer : str, or Initializer
        The name of an installed initializer, ``"xavier"`` for one; or whatever else
        ``weightopt_core.init.create`` takes.
    seed : int, optional
        At least 0. What is drawn for a parameter depends on it and on the parameter's name alone,
        not on the order of parameters or modules. By default it depends on
        ``weightopt_core.random.seed``, and on how often the name was initialized. An initializer
        that has a seed of its own keeps it.
    **arguments
        Arguments of the initializer, where it is a name.

    Raises
    ------
    TypeError, ValueError
        There is no such initializer, it does not take the arguments, or a parameter cannot be
        filled. Then no parameter has changed.

    Notes
    -----
    The last part of a name decides: what begins with ``weight`` is a weight, what begins with
    ``bias`` a bias, which is 0 with most initializers. The ``weight`` of a BatchNorm, LayerNorm,
    GroupNorm, InstanceNorm or RMSNorm is a gamma, which is 1. Other names are looked at as
    ``weightopt_core.init`` does, by their ending; where that says nothing either, give the name
    as ``weightopt_core.init.InitDesc(name, {"__init__": "normal"})`` in a list of pairs.

    The values are drawn on the host, in the parameter's dtype and in the order of its indices: with
    the same seed, those that NumPy arrays of the same names and shapes get, bit for bit.

    Of a DTensor each process draws the whole array, keeps its shard, and goes on to the next; so a
    module has the same weights however it is sharded, and no process waits for another. Without a
    seed all processes of the job take one that the first of them draws.

    Examples
    --------
    >>> import torch, weightopt_torch
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3))
    >>> weightopt_torch.init(module, "xavier", seed=0, magnitude=2)
    >>> module[0].bias, module[1].weight
    (Parameter containing:
    tensor([0., 0., 0.], requires_grad=True), Parameter containing:
    tensor([1., 1., 1.], requires_grad=True))
    """
    chosen = _core.init.create(initializer, **arguments)
    named = list(_named(module))
    if seed is None and any(map(_is_sharded, (parameter for _, parameter in named))):
        seed = agreed_seed()
    if seed is not None:
        chosen = copy.deepcopy(chosen)
        _core.random.stream("", seed)  # refuses what is no seed
        for one in _within(chosen):
            if one.seed is None:
                one.seed = seed
    filled = []
    for desc, parameter in named:
        array = _room(desc, parameter)
        chosen(desc, array)
        filled.append((parameter, _laid_like(parameter, tensor_over(array))))
    with torch.no_grad():
        for parameter, values in filled:
            parameter.copy_(values)


def _named(module: Any) -> Iterator[tuple[InitDesc, torch.Tensor]]:
    """Yield parameters with what is known of them by their names and modules."""
    if not isinstance(module, torch.nn.Module):
        yield from _pairs(module)
        return
    of_norms = {
        id(one._parameters["weight"])
        for one in module.modules()
        if isinstance(one, NORMS) and one._parameters.get("weight") is not None
    }
    for name, parameter in module.named_parameters():
        desc = Named(name)
        desc.of_norm = id(parameter) in of_norms
        yield desc, parameter


def _pairs(pairs: Iterable[Any]) -> Iterator[tuple[InitDesc, torch.Tensor]]:
    expected = "a module, or pairs of name and parameter"
    for pair in pairs if isinstance(pairs, Iterable) else (pairs,):
        is_pair = isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)
        if not (is_pair and isinstance(pair[1], torch.Tensor)):
            raise TypeError(wording("module", expected, type(pair).__name__))
        name, parameter = pair
        yield name if isinstance(name, InitDesc) else Named(name), parameter


def _room(name: str, parameter: torch.Tensor) -> np.ndarray:
    """Return an array for the values of a parameter."""
    if isinstance(parameter, UninitializedParameter) or parameter.is_meta:
        got = "one on meta" if parameter.is_meta else "one of a lazy module"
        remedy = "materialize the module first"
        raise TypeError(wording(str(name), "a parameter with memory", got, remedy))
    check_parameter(parameter, str(name))
    if _is_sharded(parameter):
        from .sharded import check_placements

        check_placements(parameter, str(name))
    return np.empty(tuple(parameter.shape), dtype_of(STORAGE[parameter.dtype]))


def _is_sharded(parameter: torch.Tensor) -> bool:
    return hasattr(parameter, "device_mesh")


def _laid_like(parameter: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return the values of a parameter, or of a DTensor what this process has of them."""
    if not _is_sharded(parameter):
        return values
    from .sharded import laid_like  # its imports take long, and not every build of torch has them

    return laid_like(parameter, values)


def _within(initializer: Any) -> Iterator[Any]:
    """Yield an initializer and those that it uses, as far as they draw."""
    if not isinstance(initializer, Initializer):
        return
    if "seed" in initializer.hyperparameters:
        yield initializer
    values = [getattr(initializer, name) for name in initializer.hyperparameters]
    for value in (*values, *vars(initializer).values()):
        for inner in value if isinstance(value, (list, tuple)) else (value,):
            yield from _within(inner)
