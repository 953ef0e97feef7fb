"""Recognise the arrays of a step, for arrays that keep their fields as attributes.

Design
------
a) ``recognise_objects.h`` compares one array. No Python runs meanwhile: a look-up by name would
   compare keys, so a dictionary is read entry by entry, up to the last that matters.
b) Owned and compared by identity are an array's type, its dictionary, the keys of that, and the
   values that matter. So their addresses belong to nothing else. Values that can change without
   being assigned are not for this, except for the list of events.
c) The version of the dictionary saves that where Python keeps one: a number that no two states of
   any dictionaries share.
d) The events that an array listed are owned, in a tuple, and compared one by one.
e) The address of the array itself is not owned, and serves to fetch memory early alone. Whether it
   is weight, gradient or which state is a number.
"""

from cpython.list cimport PyList_CheckExact
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact

cdef extern from "recognise_objects.h":
    ctypedef struct PyTypeObject:
        pass
    ctypedef struct Known "weightopt_known_object":
        PyTypeObject *type
        PyObject *attributes
        PyObject *list
        PyObject *events
        PyObject *keys
        PyObject *values
        Py_ssize_t entries
        int at_events
        int role
        const void *object
    Py_ssize_t size_of "PySequence_Fast_GET_SIZE"(PyObject *sequence)
    void weightopt_fetch_head(const PyObject *object)
    void weightopt_fetch_object(const Known *known)
    PyObject **weightopt_items(PyObject *sequence)
    PyObject **weightopt_parts(PyObject **state, Py_ssize_t *count)
    int weightopt_is_same_object(PyObject *object, Known *known)

cdef enum:
    ARRAYS_AHEAD = 24  # as far beyond an array as it is read
    TENSORS_AHEAD = 8


cdef class Objects:
    """The objects of one step: weight, gradient and states of each tensor in turn.

    It keeps what the arrays refer to, but not the arrays.

    Parameters
    ----------
    tensors : list of list
        The arrays of each tensor: weight, gradient, and the states as the caller has them.
    watched : tuple of str
        Attributes that must be the same objects again, of values that never change.
    events : str
        The attribute that lists what has to end before the array is used.
    """

    cdef Known *known
    cdef list owned
    cdef dict layouts  # the keys of dictionaries, equal ones once
    cdef str events
    cdef Py_ssize_t tensors, arrays

    def __init__(self, list tensors, tuple watched, str events):
        cdef Py_ssize_t i, at = 0
        cdef list arrays
        PyMem_Free(self.known)
        self.known = NULL
        self.owned = []
        self.layouts = {}
        self.events = events
        self.tensors = len(tensors)
        self.arrays = sum(map(len, tensors))
        # Beyond the last array there are some that are only fetched.
        self.known = <Known *>PyMem_Calloc(self.arrays + ARRAYS_AHEAD, sizeof(Known))
        if not self.known:
            raise MemoryError
        for arrays in tensors:
            for i in range(len(arrays)):
                self.keep(at, arrays[i], watched)
                self.known[at].role = i - 2
                at += 1

    def __dealloc__(self):
        PyMem_Free(self.known)

    cdef int keep(self, Py_ssize_t at, object array, tuple watched) except -1:
        """Record one array, with no events known yet."""
        cdef dict attributes = vars(array)
        cdef Known *known = &self.known[at]
        cdef list kept = []
        items = list(attributes.items())
        needed = [i for i, (key, _) in enumerate(items) if key in watched or key == self.events]
        known.entries = len(items)
        del items[needed[len(needed) - 1] + 1:]
        keys = tuple([key for key, _ in items])
        # Arrays of one class have equal keys: compared with one tuple, which stays in the cache.
        keys = self.layouts.setdefault(tuple(map(id, keys)), keys)
        for key, value in items:
            kept.append(value if key in watched else ...)
        values = tuple(kept)
        known.at_events = keys.index(self.events)
        own = [type(array), attributes, keys, values, (), items[known.at_events][1]]
        self.owned.append(own)
        known.type = <PyTypeObject *>own[0]
        known.attributes = <PyObject *>attributes
        known.keys = <PyObject *>keys
        known.values = <PyObject *>values
        known.events = <PyObject *>own[4]
        known.list = <PyObject *>own[5]
        # Not owned, and never followed.
        known.object = <void *>array
        return 0

    def recognise(self, weights, grads, states):
        """Return the events that arrays have got since they were last known, or None.

        None means that these are not the arrays. The numbers of those with other events come with
        the events, each with all that it lists, as `know` takes them.
        """
        cdef Py_ssize_t i, j, count, at = 0
        cdef list changed = []
        cdef PyObject **parts
        cdef PyObject **items
        cdef PyObject *array
        cdef int same
        if not (is_plain(weights) and is_plain(grads) and is_plain(states)):
            return None
        # Until the end of this loop no Python runs, so the lists stay as long as they are.
        if not (
            size_of(<PyObject *>weights)
            == size_of(<PyObject *>grads)
            == size_of(<PyObject *>states)
            == self.tensors
        ):
            return None
        items = weightopt_items(<PyObject *>states)
        for i in range(self.tensors):
            weightopt_fetch_head(items[min(i + TENSORS_AHEAD, self.tensors - 1)])
            parts = weightopt_parts(&items[i], &count)
            # A state may have more arrays than were known: nothing is read beyond those.
            if at + 2 + count > self.arrays:
                return None
            for j in range(-2, count):
                array = (
                    parts[j] if j >= 0
                    else weightopt_items(<PyObject *>(weights if j == -2 else grads))[i]
                )
                weightopt_fetch_object(&self.known[at + ARRAYS_AHEAD])
                if j != self.known[at].role:
                    return None
                same = weightopt_is_same_object(array, &self.known[at])
                if not same:
                    return None
                if same == 2:
                    changed.append(at)
                at += 1
        return self.listed(changed) if at == self.arrays else None

    cdef tuple listed(self, list changed):
        """Return the events of the arrays of these numbers, all and for each."""
        cdef list found = [], each = []
        for at in changed:
            events = tuple((<dict>self.owned[at][1])[self.events])
            found += events
            each.append((at, events))
        return found, each

    def know(self, list each):
        """Take the events that `recognise` returned for each array as known from now on."""
        cdef tuple events
        cdef Py_ssize_t at
        # Owned by `kept`, which lets go of the old tuple after the new one is in its place.
        for at, events in each:
            self.known[at].events = <PyObject *>events
            self.owned[at][4] = events


cdef bint is_plain(object sequence):
    """Whether its items may be read without asking it."""
    return PyList_CheckExact(sequence) or PyTuple_CheckExact(sequence)
