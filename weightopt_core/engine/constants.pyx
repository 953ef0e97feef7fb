"""The constants of a rule for one step, evaluated once for all tensors that share them.

Design
------
- What settings alone decide is kept in a `Settled`, with the values that the settings had. It is
  owned, compared by identity with the values of the next step, and replaced as a whole, so that
  threads may evaluate at a time while another one changes a setting.
- `Constants` refer to which row each tensor takes, in memory that their owner never changes.
- Evaluating runs code of users: properties, and numbers of classes of their own. Whether the counts
  are still those that went in is compared afterwards, by `weightopt_core.engine.index_groups.Turn`.
- All is evaluated in double. Who runs the rule rounds once to the type of its arithmetic.
"""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.string cimport memcpy

import numpy as np

from .index_groups cimport Group, Groups, Turn


@cython.freelist(8)
cdef class Constants:
    """Rows of constants, and which of them each tensor takes.

    Parameters
    ----------
    values : numpy.ndarray
        float64, a row of constants for each distinct combination of numbers.
    which : numpy.ndarray
        int32, for each tensor its row.

    Attributes
    ----------
    factors : tuple of float or None
        Each gradient of the step is multiplied by one after another, before the rule takes it, and
        each product is rounded to what the gradient's array stores.
    """

    def __init__(self, const double[:, ::1] values, const int32_t[::1] which):
        cdef Py_ssize_t row
        # The engine takes rows by these without looking: here is where they are checked.
        for row in range(which.shape[0]):
            if not 0 <= which[row] < values.shape[0]:
                raise ValueError(f"which: expected rows of {values.shape[0]}, got {which[row]}")
        self.resize(values.shape[0], values.shape[1])
        for row in range(self.rows if self.width else 0):
            memcpy(self.values + row * self.width, &values[row, 0], self.width * sizeof(double))
        self.take_own(which.shape[0])
        for row in range(self.tensors):
            self.own[row] = which[row]

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

    cdef int take_own(self, Py_ssize_t tensors) except -1:
        """Make room for the row of each tensor, which this itself says."""
        cdef int32_t *moved = <int32_t *>PyMem_Realloc(self.own, (tensors + 1) * sizeof(int32_t))
        if not moved:
            raise MemoryError
        self.which = self.own = moved
        self.tensors = tensors
        return 0

    def followed_by(self, list rows):
        """Return the same for each tensor, and behind that as many more numbers for each.

        Parameters
        ----------
        rows : list of tuple of float or int
            One for each tensor, all of one length.
        """
        cdef Py_ssize_t i, j, more = len(<tuple>rows[0]) if rows else 0
        cdef Constants made = Constants.__new__(Constants)
        cdef double *values
        cdef tuple row
        if len(rows) != self.tensors:
            raise ValueError(f"rows: expected {self.tensors}, one for each tensor, got {len(rows)}")
        made.resize(self.tensors, self.width + more)
        made.take_own(self.tensors)
        for i in range(self.tensors):
            row = rows[i]
            if len(row) != more:
                raise ValueError(f"rows: expected {more} numbers for each, got {len(row)}")
            values = made.values + i * made.width
            if self.width:
                memcpy(values, self.values + self.which[i] * self.width, self.width * 8)
            for j in range(more):
                values[self.width + j] = row[j]
            made.own[i] = i
        made.factors = self.factors
        return made

    def array(self):
        """Return the constants of each tensor, float64, a row for each."""
        made = np.empty((self.tensors, self.width))
        cdef double[:, ::1] view = made
        cdef Py_ssize_t i
        for i in range(self.tensors if self.width else 0):
            memcpy(&view[i, 0], self.values + self.which[i] * self.width, self.width * 8)
        return made


cdef class Settled:
    """What the settings decide, for values that they had; never changed once it is there."""

    def __dealloc__(self):
        PyMem_Free(self.fixed)


cdef class Evaluator:
    """Evaluates the constants of a rule, those that settings alone decide only when one changes.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        Whose constants.
    settings : tuple of str
        Those numbers of the rule that are not given at each evaluation.
    read : callable
        Takes what the methods are given as `source`; returns the values of `settings`, a tuple.
    own : tuple of str
        The numbers that are given at each evaluation, in their order.
    """

    cdef object rule
    cdef object read
    cdef tuple own
    cdef tuple outside
    cdef object settle
    cdef list staying  # numbers of the constants that settings alone decide
    cdef Py_ssize_t *moving  # numbers of the constants that the own numbers decide
    cdef Py_ssize_t count
    cdef Py_ssize_t width
    cdef Settled last

    def __init__(self, rule, settings, read, own):
        cdef Py_ssize_t i
        self.rule = rule
        self.read = read
        self.own = own
        self.outside = rule.lowered.outside
        self.settle, moving = rule.lowered.split(settings, own)
        self.count = len(moving)
        self.width = len(rule.lowered.constants)
        self.staying = sorted(set(range(self.width)) - set(moving))
        self.moving = <Py_ssize_t *>PyMem_Realloc(
            self.moving, (self.count + 1) * sizeof(Py_ssize_t)
        )
        if not self.moving:
            raise MemoryError
        for i in range(self.count):
            self.moving[i] = moving[i]

    def __dealloc__(self):
        PyMem_Free(self.moving)

    cdef Settled settled(self, object source):
        """Return what the settings decide, evaluated if one is another object than last time."""
        cdef Settled last = self.last
        cdef tuple seen = self.read(source)
        cdef list outside = []
        cdef Py_ssize_t i
        # Names from outside the rule, whose values may be assigned at any time.
        for get in self.outside:
            outside.append(get())
        if outside:
            seen += tuple(outside)
        if last is not None:
            for i in range(len(seen)):
                # By identity: to compare values would run code of theirs, and 1 == True == 1.0.
                if seen[i] is not last.seen[i]:
                    break
            else:
                return last
        # A new object: a thread that evaluates with the old one goes on with it.
        last = Settled.__new__(Settled)
        last.seen = seen
        last.fixed = <double *>PyMem_Malloc((self.width + 1) * sizeof(double))
        if not last.fixed:
            raise MemoryError
        fixed, last.evaluate = self.settle(*map(as_plain, seen))
        for i, value in zip(self.staying, fixed):
            last.fixed[i] = self.number(i, value)
        self.last = last
        return last

    cdef double number(self, Py_ssize_t position, object value) except? -1.0:
        if type(value) is float:
            return <double>value
        if not isinstance(value, (int, float)):
            text = self.rule.lowered.constants[position]
            raise TypeError(
                f"rule {self.rule.name!r}: {text}: expected a number, got {value!r}"
            )
        return float(value)

    cdef int fill(self, Settled settled, double *row, tuple own) except -1:
        """Evaluate one row of constants from the own numbers."""
        cdef Py_ssize_t i
        cdef tuple values
        memcpy(row, settled.fixed, self.width * sizeof(double))
        if self.count:
            values = settled.evaluate(*own)
            for i in range(self.count):
                row[self.moving[i]] = self.number(self.moving[i], values[i])
        return 0

    def of_groups(self, source, Turn turn, double lr, double wd):
        """Return the constants of an update from ``lr``, ``wd`` and ``t``."""
        cdef Constants made = Constants.__new__(Constants)
        cdef Settled settled = self.settled(source)
        cdef Groups groups = turn.groups
        cdef Group *group
        cdef Py_ssize_t g
        made.resize(groups.distinct, self.width)
        for g in range(groups.distinct):
            group = &groups.group[g]
            own = lr * group.lr_mult, wd * group.wd_mult, group.count + 1
            self.fill(settled, made.values + g * self.width, own)
        # Not copied: `Groups` never change it, and are kept for as long as this is.
        made.which = groups.which
        made.tensors = groups.size
        made.owner = groups
        return made

    def of_numbers(self, source, Turn turn, list numbers, double lr, double wd):
        """Return the constants of an update from the numbers of each index.

        Parameters
        ----------
        source : object
            What the settings are read from.
        turn : Turn
            That of the update.
        numbers : list of dict
            For each index its own numbers, all of the same names; they go before rates.
        lr, wd : float
            Rates before multipliers.
        """
        cdef Py_ssize_t i, g
        cdef dict rows = {}
        cdef Constants made = Constants.__new__(Constants)
        cdef Settled settled = self.settled(source)
        cdef Groups groups = turn.groups
        cdef list last = [None] * groups.distinct, row = [0] * groups.distinct
        made.take_own(groups.size)
        for i in range(groups.size):
            # Most indices have the numbers of their group, in one object.
            g = groups.which[i]
            if last[g] is numbers[i]:
                made.own[i] = row[g]
                continue
            last[g] = numbers[i]
            key = self.gather(groups.group[groups.which[i]], numbers[i], lr, wd)
            # Indices of equal numbers share a row, and it is evaluated once.
            row[g] = made.own[i] = rows.setdefault(key, len(rows))
        made.resize(len(rows), self.width)
        for i, key in enumerate(rows):
            self.fill(settled, made.values + i * self.width, key)
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
                found.append(group.count + 1)
        return tuple(found)

    def row(self, source, tuple own):
        """Return the constants for own numbers, in the order of their names."""
        made = np.empty(self.width)
        cdef double[::1] view = made
        cdef Settled settled = self.settled(source)
        if self.width:
            self.fill(settled, &view[0], own)
        return made


cpdef object as_plain(object value):
    """Return a number of NumPy as Python's: it would widen a float32 array that it meets."""
    if type(value) is float or type(value) is int:
        return value
    return value.item() if isinstance(value, np.generic) else value
