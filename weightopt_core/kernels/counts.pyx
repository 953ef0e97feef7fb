"""Update counts by index."""

from cpython.mem cimport PyMem_Free, PyMem_Realloc


cdef class Counts:
    """How often each index was updated: what a mapping needs, with the counts in one C array.

    Parameters
    ----------
    counts : mapping of index to int
        Where to start.
    num_update : int
        The largest count of all.
    """

    def __cinit__(self):
        self.slots = {}
        self.indices = []

    def __init__(self, counts=(), num_update=0):
        self.num_update = num_update
        for index, count in dict(counts).items():
            self[index] = count

    def __dealloc__(self):
        PyMem_Free(self.values)

    cdef Py_ssize_t slot_of(self, object index) except -1:
        """Return the slot of `index`, a new one if it has none."""
        cdef object known = self.slots.get(index)
        cdef Py_ssize_t slot = len(self.indices) if known is None else known, room
        cdef int64_t *moved
        if known is not None:
            return slot
        if slot == self.room:
            room = 2 * self.room + 8
            moved = <int64_t *>PyMem_Realloc(self.values, room * sizeof(int64_t))
            if not moved:
                raise MemoryError
            self.values = moved
            self.room = room
        self.values[slot] = ABSENT
        self.slots[index] = slot
        self.indices.append(index)
        return slot

    def __getitem__(self, index):
        slot = self.slots.get(index)
        if slot is None or self.values[<Py_ssize_t>slot] == ABSENT:
            raise KeyError(index)
        return self.values[<Py_ssize_t>slot]

    def __setitem__(self, index, count):
        cdef int64_t value = count
        if value < 0:
            raise ValueError(f"update count: expected an integer >= 0, got {count}")
        self.values[self.slot_of(index)] = value

    def __delitem__(self, index):
        self[index]
        self.values[self.slot_of(index)] = ABSENT

    def __iter__(self):
        return iter(
            [index for slot, index in enumerate(self.indices) if self.values[slot] != ABSENT]
        )

    def __len__(self):
        return sum(1 for _ in self)

    def __repr__(self):
        return repr(dict(self))

    def __reduce__(self):
        return type(self), (dict(self), self.num_update)
