"""The indices of one call of `update`: their groups, and the moment at which they are counted.

Design
------
a) A `Call` knows the slots of its indices, and puts indices of equal multipliers and counts into
   groups. A step forms its numbers once for each group.
b) Numbers are formed ahead, by code of users too: schedulers, `numbers`, properties, ``__hash__``.
   Meanwhile another thread, or that code itself, may count or change multipliers. So a step takes a
   `Turn`, which knows for which counts its numbers hold. `commit` compares, and counts; it runs no
   Python and keeps the interpreter's lock, so it is whole or has not been. Where the counts have
   moved on it raises `Stale`, nothing is changed, and the caller forms its numbers anew.
c) What several steps may use at a time is never changed in place: `Groups` are replaced by others.
   Only the counts in them go on, and `changes` tells.
d) `Calls` belongs to one optimizer. What the optimizer's own code sees of the counts while it forms
   numbers is by thread, so that no other thread sees an update that has not been.

A pointer argument is IN.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pythread cimport PyThread_get_thread_ident

from .update_counts cimport ABSENT, Counts, CountsAhead

from .update_counts import View

cdef enum:
    MAX_LISTS = 16  # calls with several indices that an optimizer keeps


class Stale(Exception):
    """The counts have moved on since a step formed its numbers; nothing has changed."""


cdef class Groups:
    """Indices of equal multipliers and counts, put together.

    Parameters
    ----------
    keys : list of tuple
        Multiplier of the learning rate, of the weight decay, and count of each index.
    begin : int
        The count of an index that was never updated.
    """

    def __cinit__(self, list keys, int64_t begin):
        cdef Py_ssize_t i, which
        cdef dict places = {}
        self.size = len(keys)
        self.begin = begin
        self.which = <int32_t *>PyMem_Calloc(self.size + 1, sizeof(int32_t))
        self.group = <Group *>PyMem_Calloc(self.size + 1, sizeof(Group))
        self.absent = <char *>PyMem_Calloc(self.size + 1, 1)
        if not (self.which and self.group and self.absent):
            raise MemoryError
        for i in range(self.size):
            which = places.setdefault(keys[i], len(places))
            self.which[i] = <int32_t>which
            self.group[which].lr_mult, self.group[which].wd_mult, self.group[which].count = keys[i]
        self.distinct = len(places)

    def __dealloc__(self):
        PyMem_Free(self.which)
        PyMem_Free(self.group)
        PyMem_Free(self.absent)


cdef class Call:
    """The indices of one call of `update`, grouped by their multipliers and counts.

    Parameters
    ----------
    indices : tuple of index
        Different ones.
    counts : Counts
        Where they are counted.

    Attributes
    ----------
    bound : object
        What a backend keeps of the last step of these indices; None while a step has it.
    """

    def __cinit__(self, tuple indices, Counts counts):
        cdef Py_ssize_t i
        self.indices = indices
        self.counts = counts
        self.size = len(indices)
        if len(set(indices)) != self.size:
            raise ValueError(f"index: expected different indices, got {list(indices)!r}")
        self.slots = <Py_ssize_t *>PyMem_Calloc(self.size + 1, sizeof(Py_ssize_t))
        if not self.slots:
            raise MemoryError
        for i in range(self.size):
            self.slots[i] = counts.slot_of(indices[i])

    def __dealloc__(self):
        PyMem_Free(self.slots)

    cdef bint is_for(self, object indices) except -1:
        """Whether these are its indices, in its order."""
        cdef Py_ssize_t i
        cdef bint same
        if type(indices) is list:
            # By identity first, which runs nothing; small integers and names are the same objects.
            same = len(<list>indices) == self.size
            for i in range(self.size if same else 0):
                if (<list>indices)[i] is not self.indices[i]:
                    same = False
                    break
        else:
            same = len(<tuple>indices) == self.size
            for i in range(self.size if same else 0):
                if (<tuple>indices)[i] is not self.indices[i]:
                    same = False
                    break
        # A comparison of others may run Python, which may change a list.
        return same or tuple(indices) == self.indices

    def ahead(self, multipliers, int64_t begin):
        """Return the turn of an update of these indices, which nothing has counted yet.

        Parameters
        ----------
        multipliers : weightopt_core.optimizer.multipliers.Multipliers
            Another object whenever some multiplier is another.
        begin : int
            The count of an index that was never updated.
        """
        cdef Py_ssize_t i
        cdef Turn turn = Turn.__new__(Turn)
        cdef Groups groups
        # Another object where one multiplier is another: nothing is compared one by one.
        if multipliers is not self.multipliers:
            read = []
            for index in self.indices:
                read.append((multipliers.of_lr(index), multipliers.of_wd(index)))
            self.of_multipliers, self.multipliers, self.groups = read, multipliers, None
        groups = self.groups
        if groups is None or groups.begin != begin or not self.fits(groups):
            groups = self.regroup(begin)
        turn.call = self
        turn.counts = self.counts
        turn.groups = groups
        turn.changes = groups.changes
        # What no other thread sees before it is true: the counts as this update will leave them.
        turn.num_update = self.counts.largest
        for i in range(groups.distinct):
            turn.num_update = max(turn.num_update, groups.group[i].count + 1)
        return turn

    cdef bint fits(self, Groups groups):
        """Whether the counts are those of the groups."""
        cdef Py_ssize_t i
        cdef int64_t count
        cdef int64_t *values = self.counts.values
        for i in range(self.size):
            count = values[self.slots[i]]
            if (groups.begin if count == ABSENT else count) != groups.group[groups.which[i]].count:
                return False
        return True

    cdef Groups regroup(self, int64_t begin):
        """Put indices of equal multipliers and counts together."""
        cdef Py_ssize_t i
        cdef int64_t count
        cdef list keys = [], of_multipliers = self.of_multipliers
        for i in range(self.size):
            count = self.counts.values[self.slots[i]]
            keys.append(of_multipliers[i] + (begin if count == ABSENT else count,))
        self.groups = Groups(keys, begin)
        return self.groups

    def now(self):
        """Return the count of each index, None where it was never updated."""
        cdef Py_ssize_t i
        cdef int64_t *values = self.counts.values
        cdef list found = []
        for i in range(self.size):
            count = values[self.slots[i]]
            found.append(None if count == ABSENT else count)
        return found

    def by_index(self, CountsAhead ahead):
        """Return the turn of an update that the optimizer itself has counted in `ahead`."""
        return AheadTurn(ahead, self.indices)


@cython.freelist(8)
cdef class Turn:
    """One update of some indices, from the moment its numbers are formed until it is counted.

    Attributes
    ----------
    counts : Counts
        Where it is counted.
    num_update : int
        The largest count of all, once it is counted.
    """

    cpdef int commit(self) except -1:
        """Count it, if the counts are those for which its numbers hold; or raise `Stale`."""
        cdef Groups groups = self.groups
        cdef Py_ssize_t i
        cdef int64_t *values = self.counts.values
        cdef Py_ssize_t *slots = self.call.slots
        # Groups that go on together may have been counted by a step of other indices: `fits` looks.
        if groups.changes != self.changes or not self.call.fits(groups):
            raise Stale
        # From here on nothing can fail.
        groups.changes += 1
        self.before = self.counts.largest
        for i in range(groups.distinct):
            groups.group[i].count += 1
            self.counts.largest = max(self.counts.largest, groups.group[i].count)
        for i in range(groups.size):
            groups.absent[i] = values[slots[i]] == ABSENT
            values[slots[i]] = groups.group[groups.which[i]].count
        return 0

    cpdef int uncommit(self) except -1:
        """Take `commit` back: for a device that refuses to compute what it was given."""
        cdef Groups groups = self.groups
        cdef Py_ssize_t i
        if groups.changes != self.changes + 1 or not self.call.fits(groups):
            return 0  # somebody has counted on: what is there is theirs
        groups.changes += 1
        for i in range(groups.distinct):
            groups.group[i].count -= 1
        for i in range(groups.size):
            self.counts.values[self.call.slots[i]] = (
                ABSENT if groups.absent[i] else groups.group[groups.which[i]].count
            )
        # Another thread may have counted other indices meanwhile: what it reached stays.
        self.counts.largest = max(self.before, self.counts.largest_of_all())
        return 0

    def counts_ahead(self):
        """Return the count of each index with this update."""
        cdef Groups groups = self.groups
        cdef list found = []
        for i in range(groups.size):
            found.append(groups.group[groups.which[i]].count + 1)
        return found

    def each(self, numbers, rule, tuple indices):
        """Return what `numbers` returns for each index, as a step with reductions needs it.

        Parameters
        ----------
        numbers : callable
            Takes the rule, an index, and this. Where it says that it goes `by_group`, it is asked
            once for each group of equal multipliers and counts.
        rule : object
            Handed on.
        indices : tuple of index
            Those of the update.
        """
        cdef Groups groups = self.groups
        cdef list found = [], of_groups
        cdef Py_ssize_t i
        if groups is None or not getattr(numbers, "by_group", False):
            for index in indices:
                found.append(numbers(rule, index, self))
            return found
        of_groups = [None] * groups.distinct
        for i in range(groups.size):
            if of_groups[groups.which[i]] is None:
                of_groups[groups.which[i]] = numbers(rule, indices[i], self)
            found.append(of_groups[groups.which[i]])
        return found

    def view(self):
        """Return the counts with this update, for the optimizer's own code to read."""
        # Frozen, so that one serves the numbers of all indices.
        if self.ahead is None:
            counts = dict(zip(self.call.indices, self.counts_ahead()))
            self.ahead = View(self.counts, counts, self.num_update, True)
        return self.ahead


cdef class AheadTurn(Turn):
    """The turn of indices that a subclass has counted as it likes.

    Parameters
    ----------
    ahead : CountsAhead
        Where it did.
    indices : tuple of index
        Those that are updated.
    """

    def __cinit__(self, CountsAhead ahead, tuple indices):
        cdef Py_ssize_t i
        cdef list changed = list(ahead.changed.items())
        self.ahead = ahead
        self.indices = indices
        self.counts = ahead.base
        self.num_update = ahead.largest
        self.size = len(changed)
        self.slots = <Py_ssize_t *>PyMem_Calloc(self.size + 1, sizeof(Py_ssize_t))
        self.seen = <int64_t *>PyMem_Calloc(self.size + 1, sizeof(int64_t))
        self.new = <int64_t *>PyMem_Calloc(self.size + 1, sizeof(int64_t))
        if not (self.slots and self.seen and self.new):
            raise MemoryError
        for i in range(self.size):
            index, count = changed[i]
            self.slots[i] = ahead.base.slot_of(index)
            # What it was when it was looked at: where it is another by then, the turn is stale.
            self.seen[i] = ahead.seen[index]
            self.new[i] = ABSENT if count is None else count

    def __dealloc__(self):
        PyMem_Free(self.slots)
        PyMem_Free(self.seen)
        PyMem_Free(self.new)

    cdef bint stands(self, const int64_t *expected):
        cdef Py_ssize_t i
        for i in range(self.size):
            if self.counts.values[self.slots[i]] != expected[i]:
                return False
        return True

    cpdef int commit(self) except -1:
        cdef Py_ssize_t i
        if not self.stands(self.seen):
            raise Stale
        for i in range(self.size):
            self.counts.values[self.slots[i]] = self.new[i]
        self.before = self.counts.largest
        # A subclass may set `num_update` lower; where others have counted, the larger one holds.
        if self.counts.largest == self.ahead.seen_largest:
            self.counts.largest = self.num_update
        else:
            self.counts.largest = max(self.counts.largest, self.num_update)
        return 0

    cpdef int uncommit(self) except -1:
        cdef Py_ssize_t i
        if not self.stands(self.new):
            return 0  # somebody has counted on: what is there is theirs
        for i in range(self.size):
            self.counts.values[self.slots[i]] = self.seen[i]
        self.counts.largest = max(self.before, self.counts.largest_of_all())
        return 0

    def counts_ahead(self):
        return list(map(self.ahead.__getitem__, self.indices))


cdef class Calls:
    """The calls that an optimizer has seen, and what it keeps between them; copied as empty.

    Attributes
    ----------
    views : dict of int to CountsAhead
        By thread, the counts that the optimizer's own code sees there.
    skipped : int
        How many calls were not made, because of their gradients; a copy goes on from it.
    """

    cdef dict singles
    cdef dict lists
    cdef readonly dict views
    cdef readonly int64_t skipped

    def __cinit__(self, int64_t skipped=0):
        self.skipped = skipped
        self.singles = {}
        self.lists = {}
        self.views = {}

    def __reduce__(self):
        return Calls, (self.skipped,)

    def skip(self):
        """Note that a call was not made; nothing comes between reading and writing the number."""
        self.skipped += 1

    def find(self, indices, Counts counts):
        """Return the `Call` of an exact list or tuple of indices, at least one."""
        cdef Py_ssize_t size = len(indices)
        cdef dict calls = self.singles if size == 1 else self.lists
        # By number and first index: nothing of a list's length is hashed at each step.
        cdef object first = (<list>indices)[0] if type(indices) is list else (<tuple>indices)[0]
        cdef object key = first if size == 1 else (size, first)
        cdef Call call = calls.get(key)
        if call is None or call.counts is not counts or not call.is_for(indices):
            call = Call(tuple(indices), counts)
            # Whoever passes ever new lists would fill the memory.
            if size != 1 and len(calls) >= MAX_LISTS:
                calls.clear()
            calls[key] = call
        if call.size != size:
            raise ValueError("index: expected a list that stays as it is during the step")
        return call

    def seeing(self, CountsAhead view, function, *arguments):
        """Return what a function of the optimizer does while it sees `view` as the counts."""
        cdef object thread = PyThread_get_thread_ident()
        cdef object before = self.views.get(thread)
        self.views[thread] = view
        try:
            return function(*arguments)
        finally:
            # No bytecode of this function runs, so that no signal comes between.
            if before is None:
                del self.views[thread]
            else:
                self.views[thread] = before

    def view(self):
        """Return the counts that the present thread sees, None for those that are true."""
        # Nearly always empty: no look-up by thread then.
        if not self.views:
            return None
        return self.views.get(PyThread_get_thread_ident())
