"""Compare the arrays of a step with those that are known, on any thread.

Design
------
a) ``recognise.h`` compares one tensor: by value, and following no address but those of the objects
   that the step is given. Its caller holds the interpreter's lock, also while helpers compare.
b) What takes time is waiting for memory, not comparing: objects are asked for some tensors ahead.
c) A thread that finds a difference notes it and ends. Nobody resets the note, so no order matters.
"""

cimport numpy as cnp

# recognise.h takes NumPy's own type from what this fills in.
cnp.import_array()

cdef enum:
    TENSORS_AHEAD = 6  # tensors between asking for objects and looking at them


# INOUT context: a Comparison, all of it IN but `differs`
cdef void compare_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Compare the arrays of some tensors with what is known of them."""
    cdef Comparison *given = <Comparison *>context
    cdef int stride = given.work.parameters + 1
    cdef ptrdiff_t i
    for i in range(begin, end):
        if i + TENSORS_AHEAD < end:
            weightopt_fetch(given.known + (i + TENSORS_AHEAD) * stride, stride)
        if not weightopt_is_same_tensor(
            given.weights[i], given.grads[i], given.states + i, given.known + i * stride,
            given.state_arrays, stride - 1, given.work.tensor[i].count,
        ):
            given.differs = True
            return
