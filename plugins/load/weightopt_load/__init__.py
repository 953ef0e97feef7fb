"""Weights read from a file or a dict, MXNet's files among them."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from weightopt_core import Initializer
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.dtypes import is_real
from weightopt_core.errors import nearest, wording
from weightopt_core.initializer import create

from .files import read

__all__ = ["Load", "read"]

PREFIXES = ("arg:", "aux:")


class Load(Initializer):
    r"""Initialize parameters with arrays from a file or a dict, by their names.

    Parameters
    ----------
    param : str, path or dict of str to array
        A file called ``*.params`` (MXNet's), ``*.npz`` or ``*.safetensors``, or the arrays. A
        prefix ``arg:`` or ``aux:`` is dropped from their names; of two arrays that then share a
        name, the later counts.
    default_init : Initializer, optional
        Initializes the parameters that `param` does not hold: an instance, a name, or what
        `dumps` returned. Without it they are errors.
    verbose : bool, optional
        Whether to log where each array comes from, as `set_verbosity` does.

    Attributes
    ----------
    param : dict of str to numpy.ndarray
        The arrays, by name without prefix.

    Raises
    ------
    ValueError
        The file is damaged or of an unknown kind; when called, the array has another shape, or
        nothing of that name was loaded and there is no `default_init`.
    OSError
        The file cannot be read.

    See Also
    --------
    Constant : One number or array for all.
    Mixed : Other initializers by pattern, where a file lacks a name.

    Notes
    -----
    The numbers are cast to the type of the array that is filled. Only dense arrays of numbers are
    read. No pickle is: an ``.npz`` file with objects is refused.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> init = wo.init.Load({"arg:fc1_weight": np.eye(2)}, default_init="one")
    >>> first, second = np.empty((2, 2)), np.empty((1, 2))
    >>> init("fc1_weight", first)
    >>> init("fc2_weight", second)
    >>> first, second
    (array([[1., 0.],
           [0., 1.]]), array([[1., 1.]]))
    """

    conformance = Conformance(arguments={"param": {"fc_weight": [0.25, 0.5]}}, shape=(2,))

    def __init__(self, param, default_init=None, verbose=False):
        if not isinstance(param, (str, os.PathLike, Mapping)):
            raise TypeError(wording("param", "a path, or arrays by name", repr(param)))
        self._source = "a dict" if isinstance(param, Mapping) else os.fspath(param)
        param = dict(param) if isinstance(param, Mapping) else self._source
        super().__init__(param=param, default_init=default_init, verbose=verbose)
        found = param if isinstance(param, dict) else read(param)
        self.param = {_plain(name): _numbers(name, array) for name, array in found.items()}
        self.default_init = None if default_init is None else create(default_init)
        self.set_verbosity(verbose)

    def _initialize(self, desc, arr):
        if desc in self.param:
            self._copy(desc, arr)
            return f"loaded from {self._source}"
        default = self._default(desc)
        default(desc, arr)
        return repr(default)

    def _init_weight(self, name, arr):
        if name in self.param:
            self._copy(name, arr)
        else:
            self._default(name)._init_weight(name, arr)

    def _copy(self, name, arr):
        found = self.param[name]
        if found.shape != tuple(arr.shape):
            expected = f"shape {found.shape}, as loaded from {self._source}"
            raise self._misfit(name, arr, expected)
        backend_of(arr).copy(arr, found)

    def _default(self, name):
        if self.default_init is None:
            raise ValueError(
                f"parameter {str(name)!r} was not loaded from {self._source}; "
                f"{nearest(name, self.param)}; a default_init fills what is missing"
            )
        return self.default_init


def _plain(name):
    if not isinstance(name, str):
        raise TypeError(wording("param", "names that are str", repr(name)))
    return name[4:] if name.startswith(PREFIXES) else name


def _numbers(name, array):
    if np.ma.is_masked(array):
        remedy = "pass .filled(value), or .data for what the mask hides"
        expected = "an array without masked elements"
        raise ValueError(wording(f"param {name!r}", expected, "one with some", remedy))
    array = np.asarray(array)
    if array.dtype.kind != "b" and not is_real(array.dtype):
        raise TypeError(wording(f"param {name!r}", "an array of real numbers", str(array.dtype)))
    return array
