"""The indices of one call of `update`, with their counts and multipliers."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free

from .counts cimport ABSENT, Counts

cdef enum:
    MAX_LISTS = 16  # calls with several indices that an optimizer keeps


cdef class Call:
    """The indices of one call of `update`, grouped by their multipliers and counts.

    A step asks `ahead` for the groups and evaluates the numbers of each once; `commit` counts.
    Both take no Python for each index as long as the groups stay what they were.

    Parameters
    ----------
    indices : sequence of index
        Different ones.
    counts : Counts
        Where they are counted.

    Attributes
    ----------
    bound : object
        What a backend keeps of the last step of these indices.
    """

    def __cinit__(self, indices, Counts counts):
        cdef Py_ssize_t i
        self.indices = tuple(indices)
        self.counts = counts
        self.number = len(self.indices)
        if len(set(self.indices)) != self.number:
            raise ValueError(f"index: expected different indices, got {list(self.indices)!r}")
        self.slots = <Py_ssize_t *>PyMem_Calloc(self.number + 1, sizeof(Py_ssize_t))
        self.lr_mult = <double *>PyMem_Calloc(self.number + 1, sizeof(double))
        self.wd_mult = <double *>PyMem_Calloc(self.number + 1, sizeof(double))
        self.which = <int32_t *>PyMem_Calloc(self.number + 1, sizeof(int32_t))
        self.groups = <Group *>PyMem_Calloc(self.number + 1, sizeof(Group))
        self.absent = <char *>PyMem_Calloc(self.number + 1, 1)
        if not (self.slots and self.lr_mult and self.wd_mult and self.which):
            raise MemoryError
        if not (self.groups and self.absent):
            raise MemoryError
        for i in range(self.number):
            self.slots[i] = counts.slot_of(self.indices[i])

    def __dealloc__(self):
        PyMem_Free(self.slots)
        PyMem_Free(self.lr_mult)
        PyMem_Free(self.wd_mult)
        PyMem_Free(self.which)
        PyMem_Free(self.groups)
        PyMem_Free(self.absent)

    cdef bint is_for(self, object indices) except -1:
        """Whether these are its indices, in its order."""
        cdef Py_ssize_t i
        cdef object index
        if len(indices) != self.number:
            return False
        for i in range(self.number):
            index = indices[i]
            if index is not self.indices[i] and index != self.indices[i]:
                return False
        return True

    def ahead(self, multipliers, int64_t begin):
        """Return the largest count of all once these indices are counted, and group them.

        Parameters
        ----------
        multipliers : weightopt_core.multipliers.Multipliers
            Another object whenever some multiplier is another.
        begin : int
            The count of an index that was never updated.
        """
        cdef Py_ssize_t i
        cdef int64_t count, top = self.counts.num_update
        cdef int64_t *values = self.counts.values
        cdef bint same = multipliers is self.multipliers
        if not same:
            self.multiply(multipliers)
        if same:
            for i in range(self.number):
                count = values[self.slots[i]]
                if (begin if count == ABSENT else count) != self.groups[self.which[i]].count:
                    same = False
                    break
        if not same:
            self.regroup(begin)
        for i in range(self.distinct):
            top = max(top, self.groups[i].count + 1)
        return top

    cdef int multiply(self, object multipliers) except -1:
        """Read the multipliers of each index."""
        cdef Py_ssize_t i
        self.multipliers = None
        for i in range(self.number):
            self.lr_mult[i] = multipliers.of_lr(self.indices[i])
            self.wd_mult[i] = multipliers.of_wd(self.indices[i])
        self.multipliers = multipliers
        return 0

    cdef int regroup(self, int64_t begin) except -1:
        """Put indices of equal multipliers and counts together."""
        cdef Py_ssize_t i
        cdef int64_t count
        cdef dict known = {}
        for i in range(self.number):
            count = self.counts.values[self.slots[i]]
            if count == ABSENT:
                count = begin
            key = self.lr_mult[i], self.wd_mult[i], count
            self.which[i] = known.setdefault(key, len(known))
            self.groups[self.which[i]] = Group(self.lr_mult[i], self.wd_mult[i], count)
        self.distinct = len(known)
        return 0

    cpdef commit(self):
        """Count one more update of each index."""
        cdef Py_ssize_t i
        self.before = self.counts.num_update
        for i in range(self.distinct):
            self.groups[i].count += 1
            self.counts.num_update = max(self.counts.num_update, self.groups[i].count)
        for i in range(self.number):
            self.absent[i] = self.counts.values[self.slots[i]] == ABSENT
            self.counts.values[self.slots[i]] = self.groups[self.which[i]].count

    cpdef uncommit(self):
        """Take `commit` back."""
        cdef Py_ssize_t i
        self.counts.num_update = self.before
        for i in range(self.distinct):
            self.groups[i].count -= 1
        for i in range(self.number):
            self.counts.values[self.slots[i]] = (
                ABSENT if self.absent[i] else self.groups[self.which[i]].count
            )

    def counts_ahead(self, int64_t more=1):
        """Return the count of each index plus `more`; after `ahead`."""
        return [self.groups[self.which[i]].count + more for i in range(self.number)]


cdef class Calls:
    """The calls that an optimizer has seen, and what it keeps between them; copied as empty.

    Attributes
    ----------
    evaluators : dict
        What evaluates a rule's constants, by rule and by names of the numbers that a step gives.
    """

    cdef dict singles
    cdef dict lists
    cdef readonly dict evaluators

    def __cinit__(self):
        self.singles = {}
        self.lists = {}
        self.evaluators = {}

    def __reduce__(self):
        return Calls, ()

    def find(self, indices, Counts counts):
        """Return the `Call` of a list or tuple of indices."""
        cdef Py_ssize_t number = len(indices)
        cdef dict known = self.singles if number == 1 else self.lists
        cdef object key = indices[0] if number == 1 else (number, indices[0])
        cdef Call call = known.get(key)
        if call is None or call.counts is not counts or not call.is_for(indices):
            if number != 1 and len(known) == MAX_LISTS:
                known.clear()
            call = known[key] = Call(indices, counts)
        return call
