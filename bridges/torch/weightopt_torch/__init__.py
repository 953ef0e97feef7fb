"""Every optimizer of weightopt as a torch.optim.Optimizer, and its initializers for modules.

>>> import torch, weightopt_torch
>>> module = torch.nn.Linear(3, 2)
>>> weightopt_torch.init(module, "xavier", seed=0)
>>> optimizer = weightopt_torch.create("lion", module, lr=1e-4, weight_decay=0.01)
"""

from __future__ import annotations

from typing import Any

import weightopt_core as _core

from .initialize import init
from .optimizer import Optimizer, class_of
from .team import share_threads

__all__ = ["Optimizer", "create", "init", "share_threads"]


def create(
    name: str, params: Any, lr: Any = None, weight_decay: Any = None, **settings: Any
) -> Optimizer:
    """Return a torch optimizer that steps with an installed algorithm of weightopt.

    ``weightopt_torch.Lion(params, ...)`` is ``create("lion", params, ...)``.

    Parameters
    ----------
    name : str
        The algorithm's name, ``"adamw"`` for one; ``weightopt list`` prints those installed.
    params : torch.nn.Module, or iterable of tensor, of (str, tensor) or of dict
        What is trained: a module, what its ``parameters()`` or ``named_parameters()`` give, or
        parameter groups as torch has them. With names, messages call parameters by them, and what
        is drawn for a parameter does not depend on the order.
    lr : float or tensor, optional
        The learning rate, at least 0; by default the algorithm's own.
    weight_decay : float, optional
        At least 0; by default the algorithm's own. It holds for all parameters alike, biases and
        norms too, as in torch; `groups` can take some out.
    maximize : bool, optional
        Go up the gradient instead of down.
    groups : dict of str to dict, optional
        Settings by pattern of names: ``{"*bias|*norm*": {"weight_decay": 0}}``. Patterns are those
        of `fnmatch`, alternatives are parted by ``|``, and the first that fits a name holds.
    lr_scheduler : LRScheduler or callable, optional
        A scheduler of weightopt that gives the rate of each update; it begins with `lr`, if that is
        given. A scheduler of torch is made over the optimizer instead, as always.
    compile : bool, optional
        True lets ``torch.compile`` make one kernel of the rule, False runs it as operations of
        torch. By default parameters in host memory are stepped by weightopt's own kernels, which
        are faster, and others by operations.
    offload : bool, optional
        Keep the states in host memory, and step there, whatever device the parameters are on.
    step_in_backward : bool, optional
        Step each parameter during the backward pass, as soon as its gradient is complete, and free
        the gradient. Then `step` has only what is left to do.
    **settings
        The algorithm's own hyperparameters, such as ``beta1=0.9``, and those that all have:
        ``clip_gradient``, ``rescale_grad``, ``multi_precision`` and ``state_dtype``;
        ``weightopt show NAME`` describes them. Each group may have its own.

    Returns
    -------
    Optimizer
        A `torch.optim.Optimizer`.

    Raises
    ------
    TypeError, ValueError
        There is no such algorithm, setting or parameter.

    Examples
    --------
    >>> import torch, weightopt_torch
    >>> module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))
    >>> groups = {"*bias": {"weight_decay": 0}}
    >>> optimizer = weightopt_torch.create("adamw", module, weight_decay=0.01, groups=groups)
    >>> [(group["param_names"], group["weight_decay"]) for group in optimizer.param_groups]
    [(['0.weight', '1.weight'], 0.01), (['0.bias', '1.bias'], 0)]
    >>> loss = module(torch.ones(2, 3)).square().sum()
    >>> loss.backward()
    >>> optimizer.step()
    """
    return class_of(_core.optimizer.registry.find(name))(params, lr, weight_decay, **settings)


def __getattr__(name: str) -> Any:
    return class_of(_core.optimizer.registry.attribute(__name__, name))


share_threads()
