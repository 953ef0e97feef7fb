"""Update counts by index.

Design
------
- The counts stand in one C array, so that a step counts thousands of indices in one pass over
  integers. An index has a slot in it, which is found once and then remembered.
- A slot is given once and to one index, and the array only grows. So a remembered slot stays right,
  whatever a Python ``__hash__`` or ``__eq__`` of an index does while a slot is looked for: the slot
  is taken before the dict is asked, and given up where the dict knows the index by then.
- `Counts` is one object for the life of an optimizer. `replace` changes it in place, so that nobody
  counts in an abandoned one.
- What a step would count is formed in a `CountsAhead` and becomes true in one piece, by
  `weightopt_core.engine.index_groups.Turn`. Nothing is counted that has to be taken back.
"""

import operator
from collections.abc import MutableMapping

from cpython.mem cimport PyMem_Free, PyMem_Realloc

#: Beyond every count that is reached by counting, and far from the end of 64 bits.
LARGEST = 1 << 62


cdef int64_t checked(str what, object count) except -1:
    """Return a count that may be stored."""
    expected = "an integer in [0, 2**62]"
    # A bool is an integer to Python, and a mistake as a count.
    if isinstance(count, bool):
        raise TypeError(f"{what}: expected {expected}, got {count!r}")
    try:
        value = operator.index(count)
    except TypeError:
        raise TypeError(f"{what}: expected {expected}, got {count!r}") from None
    if not 0 <= value <= LARGEST:
        raise ValueError(f"{what}: expected {expected}, got {value}")
    return <int64_t>value


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
        self.replace(counts, num_update)

    def __dealloc__(self):
        PyMem_Free(self.values)

    def replace(self, counts, num_update):
        """Forget all counts and take these; where one is refused, nothing has changed."""
        cdef Py_ssize_t i, used = len(self.indices)
        cdef int64_t largest = checked("num_update", num_update)
        cdef list given = []
        for index, count in dict(counts).items():
            given.append((self.slot_of(index), checked("update count", count)))
        # All of `given` is checked: nothing below can fail.
        for i in range(used):
            self.values[i] = ABSENT
        for slot, count in given:
            self.values[<Py_ssize_t>slot] = <int64_t>count
        self.largest = largest

    @property
    def num_update(self):
        """The largest count of all."""
        return self.largest

    @num_update.setter
    def num_update(self, value):
        self.largest = checked("num_update", value)

    cdef Py_ssize_t find(self, object index) except -2:
        """Return the slot of `index`, or -1 if it has none."""
        cdef object slot = self.slots.get(index)
        return -1 if slot is None else <Py_ssize_t>slot

    cdef Py_ssize_t slot_of(self, object index) except -1:
        """Return the slot of `index`, a new one if it has none."""
        cdef Py_ssize_t slot = self.find(index), room
        cdef int64_t *moved
        if slot >= 0:
            return slot
        slot = len(self.indices)
        # Room is made before the slot is taken: where there is none, nothing has changed.
        if slot == self.room:
            room = 2 * self.room + 8
            moved = <int64_t *>PyMem_Realloc(self.values, room * sizeof(int64_t))
            if not moved:
                raise MemoryError
            self.values = moved
            self.room = room
        self.values[slot] = ABSENT
        # From here on the slot is taken, before the dict may run code of the index.
        self.indices.append(index)
        # Where the dict knows the index by then, that one's slot holds and this stays unused.
        return self.slots.setdefault(index, slot)

    cdef int64_t largest_of_all(self):
        """Return the largest count that stands in the array, 0 if there is none."""
        cdef Py_ssize_t i
        cdef int64_t largest = 0
        for i in range(len(self.indices)):
            largest = max(largest, self.values[i])
        return largest

    def __getitem__(self, index):
        cdef Py_ssize_t slot = self.find(index)
        if slot < 0 or self.values[slot] == ABSENT:
            raise KeyError(index)
        return self.values[slot]

    def __setitem__(self, index, count):
        cdef int64_t value = checked("update count", count)
        cdef Py_ssize_t slot = self.slot_of(index)
        self.values[slot] = value

    def __delitem__(self, index):
        cdef Py_ssize_t slot = self.find(index)
        if slot < 0 or self.values[slot] == ABSENT:
            raise KeyError(index)
        self.values[slot] = ABSENT

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


cdef class CountsAhead:
    """Counts as they will be once an update is counted, for one thread to read and to change.

    Parameters
    ----------
    base : Counts
        What is true; it stays as it is.
    counts : mapping of index to int
        Where this begins to differ.
    num_update : int, optional
        The largest count of all; by default that of `base`.
    frozen : bool
        Whether changes are refused.
    """

    def __init__(self, Counts base, counts=(), num_update=None, bint frozen=False):
        self.base = base
        self.changed = dict(counts)
        self.seen = {}
        self.seen_largest = base.largest
        self.largest = base.largest if num_update is None else num_update
        self.frozen = frozen

    @property
    def num_update(self):
        """The largest count of all."""
        return self.largest

    @num_update.setter
    def num_update(self, value):
        self.refuse_frozen()
        self.largest = checked("num_update", value)

    def __getitem__(self, index):
        if index not in self.changed:
            count = self.look(index)
        else:
            count = self.changed[index]
        if count is None:
            raise KeyError(index)
        return count

    def __setitem__(self, index, count):
        self.refuse_frozen()
        value = checked("update count", count)
        self.look(index)
        self.changed[index] = value

    def __delitem__(self, index):
        self[index]
        self.refuse_frozen()
        self.changed[index] = None

    def __iter__(self):
        return iter(self.whole())

    def __len__(self):
        return len(self.whole())

    def __repr__(self):
        return repr(self.whole())

    def look(self, index):
        """Return what `base` has for `index`, None for nothing, and remember it."""
        cdef Py_ssize_t slot = self.base.find(index)
        cdef int64_t count = ABSENT if slot < 0 else self.base.values[slot]
        # The first look holds, so that all numbers of a step are of one moment.
        count = self.seen.setdefault(index, count)
        return None if count == ABSENT else count

    def whole(self):
        """Return all counts as a dict."""
        counts = dict(self.base) | self.changed
        return {index: count for index, count in counts.items() if count is not None}

    def refuse_frozen(self):
        """Raise TypeError where the counts are only there to be read."""
        if self.frozen:
            raise TypeError(
                "update counts: expected them to be read only while numbers are formed, got a "
                "change; override _update_count to count in another way"
            )


class View(CountsAhead, MutableMapping):
    """The same with all that a mapping has."""

    __hash__ = None
