"""A step over bound arrays, on one partition of all their elements.

Design
------
a) A `CompiledStep` is a bound step in host memory. Between the moment at which it compares its
   arrays and the moment at which the rule runs, no Python runs: whatever may run some, numbers and
   reductions of users included, comes before, and the arrays are compared again after it.
b) `Turn.commit` counts the update immediately before the rule runs. Neither can be interrupted, so
   a step is whole or has not been.
c) While a step computes without the interpreter's lock it stands in `computing`, and a step of
   another thread that shares memory with it waits for it. Small steps of many tensors keep the
   lock, up to some milliseconds, and own no arrays: to own each would cost as much as the step.
d) Another step may be `behind` one, over the same weights. Then all of the above holds for both
   together, and each part is computed by both while it is in the cache.
"""

import os
import time

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport PyObject
from libc.stddef cimport ptrdiff_t
from libc.string cimport memcpy

cimport numpy as cnp

from .bound_arrays cimport BoundArrays
from .constants cimport Constants
from .index_groups cimport Turn
from ..kernels.driver cimport GRAIN, Kernel, Tensor, bytes_of, number_elements, run_part
from .numpy_fields cimport Span, touches, written_spans
from .recognise_arrays cimport TENSORS, Comparison, compare_part, weightopt_items
from ..kernels.reduction_pass cimport measure_work
from ..kernels.parallel cimport parallel_for

cnp.import_array()

cdef enum:
    #: Elements up to which a step of small tensors keeps the interpreter's lock: some
    #: milliseconds, and owning every array for that long would cost as much as the step.
    LOCKED = 1 << 23

#: Steps that compute now without the interpreter's lock.
cdef list computing = []
if hasattr(os, "register_at_fork"):
    # A child has none of the threads that computed.
    os.register_at_fork(after_in_child=computing.clear)


cdef bint wait_for(BoundArrays bound) except -1:
    """Wait where another thread computes on the memory of `bound`; return whether it did."""
    cdef CompiledStep other
    for other in computing:
        if other.thread != PyThread_get_thread_ident() and (
            touches(other.written, other.spans, &bound.work, True)
            or touches(bound.written, bound.spans, &other.work, True)
        ):
            time.sleep(2e-5)
            return True
    return False


def wait_for_steps():
    """Wait until the steps that other threads compute at this moment are done."""
    cdef CompiledStep other
    for other in list(computing):
        if other.thread != PyThread_get_thread_ident():
            while any(one is other for one in computing):
                time.sleep(2e-5)


cdef class CompiledStep(BoundArrays):
    """A step of a rule over arrays that `bind` has checked.

    It keeps the arrays alive from `bind` to the end of `run`, and none between steps. What it has
    found out about them is compared with what the next step is given, so that only new places in
    memory are checked against each other.
    """

    def __dealloc__(self):
        PyMem_Free(self.numbers)

    cdef int take_numbers(self, Constants constants, list keys, bint all_of_them=True) except -1:
        """Take the constants in both compute types, and number the elements of all tensors."""
        cdef Py_ssize_t i, width = constants.width, values = constants.rows * width
        cdef tuple factors = constants.factors or ()
        cdef Py_ssize_t room = 12 * values + 8 * len(factors) + 1
        cdef double *wide
        cdef float *narrow
        cdef Tensor *tensor
        cdef char *moved
        # With reductions the first ones come alone: the others follow from what is measured.
        if constants.tensors != self.work.tensors or (
            self.kernel.constants != width if all_of_them else self.kernel.constants < width
        ):
            raise ValueError("constants: expected those of the bound rule and tensors")
        if self.room < room:
            moved = <char *>PyMem_Realloc(self.numbers, room)
            if not moved:
                raise MemoryError
            self.numbers = moved
            self.room = room
        self.work.factors = <double *>self.numbers
        self.work.factor_count = <int>len(factors)
        for i in range(len(factors)):
            (<double *>self.numbers)[i] = factors[i]
        wide = <double *>self.numbers + len(factors)
        narrow = <float *>(wide + values)
        # Rounded once here, as NumPy rounds a Python float that meets a float32 array.
        for i in range(values):
            wide[i] = constants.values[i]
            narrow[i] = <float>constants.values[i]
        for i in range(self.work.tensors):
            tensor = &self.work.tensor[i]
            if tensor.wide:
                tensor.constants = wide + width * constants.which[i]
            else:
                tensor.constants = narrow + width * constants.which[i]
        for i in range(min(<Py_ssize_t>len(keys), self.work.tensors)):
            self.work.tensor[i].key0, self.work.tensor[i].key1 = keys[i]
        self.work.functions = self.kernel.functions
        number_elements(&self.work)
        return 0

    # To ask for the number of threads runs Python, and takes longer than a small step.
    cdef int threads_for(self, ptrdiff_t total) except -1:
        return self.threads() if total >= 2 * GRAIN else 1

    cdef ptrdiff_t count_elements(self):
        cdef Py_ssize_t i
        self.work.total = 0
        for i in range(self.work.tensors):
            self.work.total += self.work.tensor[i].count
        return self.work.total

    def run(self, Constants constants, list keys, tuple indices, numbers, Turn turn):
        """Count the update and compute the new weights and states.

        Parameters
        ----------
        constants : Constants
            The rule's numbers for each tensor.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : tuple of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule, an index and the turn; called
            for rules with reductions.
        turn : Turn
            What counts the update.

        Returns
        -------
        bool
            False where an array changed after it was bound; then nothing else has.

        Raises
        ------
        Stale
            The counts are not those for which the numbers hold; nothing has changed.
        """
        if self.kernel is None or self.held == 0:
            raise RuntimeError("step: expected one that was bound to a compiled rule")
        return self.run_owned(
            constants, keys, indices, numbers, turn, self.threads_for(self.count_elements())
        )

    cdef bint run_owned(
        self, Constants constants, list keys, tuple indices, numbers, Turn turn, int threads
    ) except -1:
        """Count and compute the step over arrays that are owned, and let go of them."""
        try:
            if self.kernel.reductions:
                return self.run_measured(constants, keys, indices, numbers, turn, threads)
            self.take_numbers(constants, keys)
            # No Python runs between here and the end of `compute`.
            if not self.stands():
                return False
            self.begin()
            try:
                turn.commit()
                self.compute(threads, True)
            finally:
                self.end()
            return True
        finally:
            self.release()

    cdef int begin(self) except -1:
        """Let steps of other threads wait; it may lack memory, and so comes before counting."""
        self.thread = PyThread_get_thread_ident()
        if self.behind is None:
            computing.append(self)
        else:
            self.behind.thread = self.thread
            computing.extend((self, self.behind))  # both or none
        return 0

    cdef int end(self) except -1:
        computing.remove(self)
        if self.behind is not None:
            computing.remove(self.behind)
        return 0

    cdef bint stands(self) except -1:
        """Whether the owned arrays are as they were bound, and nobody else computes on them."""
        # Waiting runs Python, which may change an array: then all are compared again.
        while self.is_unchanged() and (self.behind is None or self.behind.is_unchanged()):
            if not wait_for(self) and (self.behind is None or not wait_for(self.behind)):
                return True
        return False

    cdef bint run_measured(
        self, Constants constants, list keys, tuple indices, numbers, Turn turn, int threads
    ) except -1:
        """Count and compute the step of a rule with reductions, which it measures first."""
        cdef Py_ssize_t i
        cdef list given, wide = [], counts = []
        # Code of users; it comes first, so that nothing is measured in vain.
        given = turn.each(numbers, self.rule, indices)
        for i in range(self.work.tensors):
            wide.append(self.work.tensor[i].wide)
            counts.append(self.work.tensor[i].count)
        self.take_numbers(constants, keys, False)
        if not self.stands():
            return False
        # Measuring reads what other threads may want to write, and all must be of one moment.
        self.begin()
        try:
            parts = measure_work(&self.work, self.kernel, threads, None)
            scales = self.rule.scales(parts, wide)
            if scales is not None:
                parts = measure_work(&self.work, self.kernel, threads, scales)
            constants = self.rule.with_results(constants, given, parts, scales, counts)
            self.take_numbers(constants, keys)
            # Python formed the results; nobody else computes here, as this is in `computing`.
            if not self.is_unchanged() or (
                self.behind is not None and not self.behind.is_unchanged()
            ):
                return False
            turn.commit()
            self.compute(threads, True)
        finally:
            self.end()
        return True

    cdef bint is_known(self, weights, grads, states, int threads):
        """Whether these are the arrays that it knows; runs no Python."""
        cdef Comparison compared
        for values in (weights, grads, states):
            # What a subclass says of itself need not be what it holds.
            if type(values) is list:
                if len(<list>values) != self.work.tensors:
                    return False
            elif type(values) is not tuple or len(<tuple>values) != self.work.tensors:
                return False
        compared.work = &self.work
        compared.known = self.known
        compared.weights = weightopt_items(<PyObject *>weights)
        compared.grads = weightopt_items(<PyObject *>grads)
        compared.states = weightopt_items(<PyObject *>states)
        compared.state_arrays = self.states
        compared.differs = False
        parallel_for(compare_part, &compared, self.work.tensors, TENSORS, threads)
        return not compared.differs

    cdef bint is_for(self, rule, form) except -1:
        """Whether it can step once more by `rule`, over states of this form."""
        if rule is not self.rule or not self.apart or self.kernel is None:
            return False
        return form is self.form or form == self.form

    cpdef bint knows(self, rule, weights, grads, states, form) except -1:
        """Whether it is bound to these arrays, as `again` needs it; nothing is changed.

        Parameters
        ----------
        rule : object
            That with which it was bound.
        weights, grads, states, form : object
            As for `bind`.
        """
        if not self.is_for(rule, form):
            return False
        return self.is_known(weights, grads, states, self.threads_for(self.work.total))

    def rest(self):
        """Let go of the arrays of a step that is bound and not to be run."""
        self.release()

    cpdef bint again(
        self, rule, weights, grads, states, form, Constants constants, list keys,
        tuple indices, numbers, Turn turn,
    ) except -1:
        """Count and compute the same step once more, if these are the same arrays.

        Parameters
        ----------
        rule : object
            That with which it was bound.
        weights, grads, states, form : object
            As for `bind`.
        constants, keys, indices, numbers, turn : object
            As for `run`.

        Returns
        -------
        bool
            False where something is new; then nothing has changed.
        """
        cdef int threads
        # Worth owning each array: then the lock can be released while it computes.
        cdef bint owned = self.work.total >= LOCKED or self.work.total >= GRAIN * self.work.tensors
        if not self.is_for(rule, form):
            return False
        threads = self.threads_for(self.work.total)
        if self.kernel.reductions or owned:
            if not self.is_known(weights, grads, states, threads):
                return False
            self.own(weights, grads, states)
            return self.run_owned(constants, keys, indices, numbers, turn, threads)
        # Not owned: from the last comparison on no Python may run, and the lock stays taken.
        self.take_numbers(constants, keys)
        while True:
            if not self.is_known(weights, grads, states, threads):
                return False
            if not wait_for(self):
                break
        turn.commit()
        return self.compute(threads, False)

    cdef bint is_apart_from(self, CompiledStep ahead) except -1:
        """Whether the states of this step share no memory with any array of another one."""
        cdef Span *spans
        cdef Py_ssize_t used
        if self.ahead is ahead and self.apart_at == self.taken + ahead.taken:
            return True
        self.ahead = None
        spans = <Span *>PyMem_Realloc(NULL, (self.work.tensors * self.states + 1) * sizeof(Span))
        if not spans:
            raise MemoryError
        used = written_spans(&self.work, spans, 2, 2 + self.states)
        if not touches(spans, used, &ahead.work, True):
            self.ahead, self.apart_at = ahead, self.taken + ahead.taken
        PyMem_Free(spans)
        return self.ahead is not None

    cdef bint compute(self, int threads, bint unlocked) except -1:
        """Run the rule, and the interpreter beside it if the arrays are owned; cannot fail."""
        self.work.behind = NULL if self.behind is None else &self.behind.work
        # Less than one part: the pool would be asked in vain.
        if self.work.total < GRAIN:
            run_part(&self.work, 0, self.work.total)
        elif unlocked:
            with nogil:
                parallel_for(run_part, &self.work, self.work.total, GRAIN, threads)
        else:
            parallel_for(run_part, &self.work, self.work.total, GRAIN, threads)
        return True

    def store(self, list results, Turn turn):
        """Count the update and store what a rule that is not compiled has computed.

        Parameters
        ----------
        results : list of list of numpy.ndarray
            For each tensor its new weight and states, and what a master copy's weight becomes
            last; of one dimension, in the dtype in which they are stored.
        turn : Turn
            What counts the update.

        Returns
        -------
        bool
            False where an array changed after it was bound; then nothing else has.
        """
        cdef Py_ssize_t tensor, at, size, stride = self.work.parameters + 1
        cdef int i
        cdef cnp.ndarray new
        try:
            for tensor in range(self.work.tensors):
                at = 0
                for i in range(stride):
                    if i != 1 and self.work.data[tensor * stride + i] != NULL:
                        new = results[tensor][at]
                        size = bytes_of(
                            self.work.storage[tensor * stride + i], self.work.tensor[tensor].count
                        )
                        if cnp.PyArray_NBYTES(new) != size:
                            raise ValueError(f"rule {self.rule.name!r}: results of another size")
                        at += 1
            # All sizes are right, so that nothing below can raise: a step is stored whole.
            if not self.stands():
                return False
            turn.commit()
            for tensor in range(self.work.tensors):
                at = 0
                for i in range(stride):
                    if i != 1 and self.work.data[tensor * stride + i] != NULL:
                        new = <cnp.ndarray>(<list>(<list>results)[tensor])[at]
                        memcpy(
                            self.work.data[tensor * stride + i], cnp.PyArray_DATA(new),
                            cnp.PyArray_NBYTES(new),
                        )
                        at += 1
            return True
        finally:
            self.release()


def bind(rule, Kernel kernel, tuple weights, tuple grads, tuple states, form, before, threads):
    """Check the arrays of one step.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    kernel : Kernel or None
        Its compiled form.
    weights, grads, states : tuple
        As in a call of `update`, of equal length.
    form : StateForm
        What the states are made of.
    before : CompiledStep or None
        That of an earlier step, often of the same arrays.
    threads : callable
        Returns how many threads may share the work.

    Returns
    -------
    CompiledStep or None
        None where some array is not as it has to be.
    """
    cdef CompiledStep made = None
    cdef Py_ssize_t tensors = len(weights)
    cdef int parameters = rule.parameters
    cdef bint noise = rule.draws
    if not len(grads) == len(states) == tensors:
        raise ValueError(f"grads and states: expected {tensors}, as there are weights")
    if kernel is not None and kernel.arrays != parameters:
        raise ValueError(f"kernel: expected one of {parameters} arrays, got {kernel.arrays}")
    if type(before) is CompiledStep:
        made = before
    if made is None or not made.serves(tensors, parameters, noise, form):
        made = CompiledStep(tensors, parameters, noise, form)
    made.rule = rule
    made.kernel = kernel
    made.threads = threads
    if made.take(weights, grads, states):
        return made
    made.release()
    return None
