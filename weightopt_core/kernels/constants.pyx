"""The constants of a rule for one step, evaluated once for all tensors that share them."""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.string cimport memcpy

import numpy as np

from .calls cimport Call, Group


@cython.freelist(8)
cdef class Constants:
    """Rows of constants, and which of them each tensor takes.

    Parameters
    ----------
    values : numpy.ndarray
        float64, a row of constants for each distinct combination of numbers.
    which : numpy.ndarray
        int32, for each tensor its row.
    """

    def __init__(self, const double[:, ::1] values, const int32_t[::1] which):
        cdef Py_ssize_t row
        self.resize(values.shape[0], values.shape[1])
        for row in range(self.rows if self.width else 0):
            memcpy(self.values + row * self.width, &values[row, 0], self.width * sizeof(double))
        self.tensors = which.shape[0]
        self.which = <int32_t *>&which[0] if self.tensors else NULL
        self.owner = which

    def __dealloc__(self):
        PyMem_Free(self.values)
        PyMem_Free(self.own)

    cdef int resize(self, Py_ssize_t rows, Py_ssize_t width) except -1:
        cdef Py_ssize_t room = (rows * width + 1) * sizeof(double)
        cdef double *moved = <double *>PyMem_Realloc(self.values, room)
        if not moved:
            raise MemoryError
        self.values = moved
        self.rows = rows
        self.width = width
        return 0

    def array(self):
        """Return the constants of each tensor, float64, a row for each."""
        made = np.empty((self.tensors, self.width))
        cdef double[:, ::1] view = made
        cdef Py_ssize_t i
        for i in range(self.tensors if self.width else 0):
            if not 0 <= self.which[i] < self.rows:
                raise RuntimeError("constants: another thread changed the step")
            memcpy(&view[i, 0], self.values + self.which[i] * self.width, self.width * 8)
        return made


cdef class Evaluator:
    """Evaluates the constants of a rule, those that settings alone decide only when one changes.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        Whose constants.
    settings : tuple of str
        Those numbers of the rule that are attributes of the optimizer.
    own : tuple of str
        The numbers that are given at each evaluation, in their order.
    """

    cdef object rule
    cdef tuple settings
    cdef tuple own
    cdef tuple outside
    cdef list seen
    cdef object settle
    cdef list staying  # numbers of the constants that settings alone decide
    cdef Py_ssize_t *moving  # numbers of the constants that the own numbers decide
    cdef Py_ssize_t count
    cdef double *fixed
    cdef Py_ssize_t width
    cdef object evaluate

    def __init__(self, rule, settings, own):
        cdef Py_ssize_t i
        self.rule = rule
        self.settings = settings
        self.own = own
        self.outside = rule.lowered.outside
        self.seen = []
        self.settle, moving = rule.lowered.split(settings, own)
        self.count = len(moving)
        self.width = len(rule.lowered.constants)
        self.staying = sorted(set(range(self.width)) - set(moving))
        self.moving = <Py_ssize_t *>PyMem_Realloc(
            self.moving, (self.count + 1) * sizeof(Py_ssize_t)
        )
        self.fixed = <double *>PyMem_Realloc(self.fixed, (self.width + 1) * sizeof(double))
        if not (self.moving and self.fixed):
            raise MemoryError
        for i in range(self.count):
            self.moving[i] = moving[i]

    def __dealloc__(self):
        PyMem_Free(self.moving)
        PyMem_Free(self.fixed)

    cdef int read(self, object optimizer) except -1:
        """Evaluate what the settings decide, if one is another object than last time."""
        cdef Py_ssize_t i, settings = len(self.settings)
        cdef bint same = self.evaluate is not None
        cdef object value
        for i in range(settings):
            if not same:
                break
            same = getattr(optimizer, <str>self.settings[i]) is self.seen[i]
        for i in range(len(self.outside)):
            if not same:
                break
            same = self.outside[i]() is self.seen[settings + i]
        if same:
            return 0
        self.evaluate = None
        seen = [getattr(optimizer, name) for name in self.settings]
        seen += [get() for get in self.outside]
        given = [as_plain(value) for value in seen]
        fixed, evaluate = self.settle(*given)
        for i, value in zip(self.staying, fixed):
            self.fixed[i] = self.number(i, value)
        self.seen = seen
        self.evaluate = evaluate
        return 0

    cdef double number(self, Py_ssize_t position, object value) except? -1.0:
        if type(value) is float:
            return <double>value
        if not isinstance(value, (int, float)):
            text = self.rule.lowered.constants[position]
            raise TypeError(
                f"rule {self.rule.name!r}: {text}: expected a number, got {value!r}"
            )
        return float(value)

    cdef int fill(self, double *row, tuple own) except -1:
        """Evaluate one row of constants from the own numbers."""
        cdef Py_ssize_t i
        cdef tuple values
        memcpy(row, self.fixed, self.width * sizeof(double))
        if self.count:
            values = self.evaluate(*own)
            for i in range(self.count):
                row[self.moving[i]] = self.number(self.moving[i], values[i])
        return 0

    def of_groups(self, optimizer, Call call, double lr, double wd):
        """Return the constants of a call from ``lr``, ``wd`` and ``t``; after `Call.ahead`."""
        cdef Constants made = Constants.__new__(Constants)
        cdef Py_ssize_t g
        self.read(optimizer)
        made.resize(call.distinct, self.width)
        for g in range(call.distinct):
            own = (
                lr * call.groups[g].lr_mult, wd * call.groups[g].wd_mult, call.groups[g].count + 1
            )
            self.fill(made.values + g * self.width, own)
        made.which = call.which
        made.tensors = call.number
        made.owner = call
        return made

    def of_numbers(self, optimizer, Call call, list numbers, double lr, double wd):
        """Return the constants of a call from the numbers of each index; after `Call.commit`.

        Parameters
        ----------
        optimizer : Optimizer
            Whose settings count.
        call : Call
            The indices, counted.
        numbers : list of dict
            For each index its own numbers, all of the same names; they go before rates.
        lr, wd : float
            Rates before multipliers.
        """
        cdef Py_ssize_t i
        cdef dict known = {}
        cdef Constants made = Constants.__new__(Constants)
        self.read(optimizer)
        made.which = made.own = <int32_t *>PyMem_Malloc((call.number + 1) * sizeof(int32_t))
        if not made.own:
            raise MemoryError
        made.tensors = call.number
        for i in range(call.number):
            key = self.gather(call.groups[call.which[i]], numbers[i], lr, wd)
            made.which[i] = known.setdefault(key, len(known))
        made.resize(len(known), self.width)
        for i, key in enumerate(known):
            self.fill(made.values + i * self.width, key)
        return made

    cdef tuple gather(self, Group group, dict numbers, double lr, double wd):
        """Return the own numbers of one index in their order."""
        cdef list found = []
        for name in self.own:
            if name in numbers:
                found.append(as_plain(numbers[name]))
            elif name == "lr":
                found.append(lr * group.lr_mult)
            elif name == "wd":
                found.append(wd * group.wd_mult)
            else:
                found.append(group.count)
        return tuple(found)

    def row(self, optimizer, tuple own):
        """Return the constants for own numbers, in the order of their names."""
        made = np.empty(self.width)
        cdef double[::1] view = made
        self.read(optimizer)
        if self.width:
            self.fill(&view[0], own)
        return made


cpdef object as_plain(object value):
    """Return a number of NumPy as Python's: it would widen a float32 array that it meets."""
    if type(value) is float or type(value) is int:
        return value
    return value.item() if isinstance(value, np.generic) else value
