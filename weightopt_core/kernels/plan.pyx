"""The arrays of one step, checked and ready to run on one partition of all their elements."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_CLEAR, Py_XINCREF, PyObject
from libc.stddef cimport ptrdiff_t

cimport numpy as cnp

from .constants cimport Constants
from .calls cimport Call
from .elementwise cimport (
    BFLOAT16, FLOAT32, FLOAT64, GRAIN, MAX_ARRAYS, MIXED, NOISE, NOTHING, Kernel, Tensor, Work,
    run_part, size_of,
)
from .fields cimport is_plain, overlap, storage_of, written_apart
from .known cimport (
    TENSORS, Comparison, Known, compare_part, weightopt_items, weightopt_parts,
)
from .measure cimport measure_work
from .parallel cimport parallel_for

cnp.import_array()


#: How states are kept, beside what the weight's dtype says.
cpdef enum:
    MASTERS = 1
    ROUNDED = 2

cdef enum:
    #: Elements up to which a step of small tensors keeps the interpreter's lock: some
    #: milliseconds, and owning every array for that long would cost as much as the step.
    LOCKED = 1 << 23


cdef class Plan:
    """The arrays of one step: where they are, checked by `bind` at each step anew.

    It keeps the arrays alive from `bind` to the end of `run`, and none between steps. What it has
    found out about them is compared with what the next step is given, so that only new places in
    memory are checked against each other.
    """

    cdef Work work
    cdef object rule
    cdef Kernel kernel
    cdef object threads
    cdef PyObject **arrays  # owned while `held`, which many of them are
    cdef char *numbers  # constants in both compute types
    cdef Py_ssize_t room
    cdef int states
    cdef bint noise
    cdef int kept  # of `MASTERS` and `ROUNDED`
    cdef bint apart  # whether all its arrays are known to share no memory
    cdef bint moved  # whether a written array is elsewhere than before
    cdef Py_ssize_t held
    cdef Known *known

    def __cinit__(self, Py_ssize_t tensors, int parameters, bint noise, int kept):
        cdef Py_ssize_t pointers = tensors * (parameters + 1)
        if not 2 <= parameters < MAX_ARRAYS:
            raise ValueError(f"arrays: expected 2 to {MAX_ARRAYS - 1}, got {parameters}")
        self.work.parameters = parameters
        self.work.tensors = tensors
        self.states = parameters - 2 - noise
        self.noise = noise
        self.kept = kept
        self.work.rounded = kept & ROUNDED != 0
        self.work.tensor = <Tensor *>PyMem_Calloc(tensors + 1, sizeof(Tensor))
        self.work.data = <char **>PyMem_Calloc(pointers + 1, sizeof(char *))
        self.work.storage = <signed char *>PyMem_Calloc(pointers + 1, 1)
        self.arrays = <PyObject **>PyMem_Calloc(pointers + 1, sizeof(PyObject *))
        self.known = <Known *>PyMem_Calloc(pointers + 1, sizeof(Known))
        if not (self.work.tensor and self.work.data and self.work.storage and self.arrays):
            raise MemoryError
        if not self.known:
            raise MemoryError

    def __dealloc__(self):
        self.release()
        PyMem_Free(self.work.tensor)
        PyMem_Free(self.work.data)
        PyMem_Free(self.work.storage)
        PyMem_Free(self.arrays)
        PyMem_Free(self.known)
        PyMem_Free(self.numbers)

    cdef bint serves(self, Py_ssize_t tensors, int parameters, bint noise, int kept):
        """Whether it can be bound to so many tensors of such a rule now."""
        return (
            not self.held
            and self.work.tensors == tensors
            and self.work.parameters == parameters
            and self.noise == noise
            and self.kept == kept
        )

    cdef bint arrange(self, Py_ssize_t number, object weight, object grad, object state):
        """Put the arrays of one tensor into the rule's order; return whether they are as many."""
        cdef Py_ssize_t begin = number * (self.work.parameters + 1)
        cdef PyObject **arrays = self.arrays + begin
        cdef PyObject *whole = <PyObject *>state
        cdef PyObject **parts
        cdef Py_ssize_t given = 0, i
        cdef bint master
        if not (cnp.PyArray_Check(weight) and cnp.PyArray_Check(grad)):
            return False
        master = self.kept & MASTERS and size_of(storage_of(weight)) == 2
        arrays[0] = <PyObject *>weight
        arrays[1] = <PyObject *>grad
        parts = weightopt_parts(&whole, &given)
        if given != self.states + master:
            return False
        for i in range(given):
            if not cnp.PyArray_Check(<object>parts[i]):
                return False
            if i == self.states:
                arrays[0] = parts[i]
            else:
                arrays[2 + i] = parts[i]
        arrays[self.work.parameters] = <PyObject *>weight if master else NULL
        if self.noise:
            arrays[self.work.parameters - 1] = NULL
        self.held = begin + self.work.parameters + 1
        for i in range(begin, self.held):
            Py_XINCREF(self.arrays[i])
        return True

    cdef bint describe(self, Py_ssize_t number):
        """Fill in one tensor; return whether its arrays fit each other and the rule."""
        cdef int last = self.work.parameters, i
        cdef Tensor *tensor = &self.work.tensor[number]
        cdef PyObject **arrays = self.arrays + number * (last + 1)
        cdef char **data = self.work.data + number * (last + 1)
        cdef signed char *storage = self.work.storage + number * (last + 1)
        cdef cnp.ndarray first = <cnp.ndarray>arrays[0]
        cdef ptrdiff_t count = cnp.PyArray_SIZE(first)
        cdef char *begin
        cdef Known *known = self.known + number * (last + 1)
        cdef signed char stored
        cdef bint same = self.apart and count == tensor.count
        for i in range(last + 1):
            begin, stored = NULL, NOTHING if i == last else NOISE
            if arrays[i] != NULL:
                if not is_plain(<cnp.ndarray>arrays[i], i != 1):
                    return False
                if i and not cnp.PyArray_SAMESHAPE(<cnp.ndarray>arrays[i], first):
                    return False
                begin = cnp.PyArray_BYTES(<cnp.ndarray>arrays[i])
                stored = storage_of(<cnp.ndarray>arrays[i])
                known[i].descr = <void *>cnp.PyArray_DESCR(<cnp.ndarray>arrays[i])
                known[i].object = <void *>arrays[i]
                known[i].dims = cnp.PyArray_DIMS(<cnp.ndarray>arrays[i])
            if begin != data[i] or stored != storage[i]:
                same = False
                self.moved |= i != 1
            known[i].data = data[i] = begin
            storage[i] = stored
        if same:
            return True
        self.moved |= tensor.count != count
        tensor.count = count
        tensor.wide = storage[0] == FLOAT64
        tensor.storage = storage[0]
        for i in range(1, last + 1):
            if storage[i] != (storage[0] if i < last else NOTHING) or self.work.rounded:
                tensor.storage = MIXED
        return self.dtypes_fit(storage) and not overlap(data, storage, last + 1, count)

    cdef bint dtypes_fit(self, const signed char *storage):
        cdef int mirror = storage[self.work.parameters], i
        cdef int state = BFLOAT16 if self.work.rounded else storage[0]
        if storage[0] < 0 or mirror < 0:
            return False
        if mirror != NOTHING and (storage[0] != FLOAT32 or size_of(mirror) != 2):
            return False
        if self.work.rounded and storage[0] == FLOAT64:
            return False
        if storage[1] != storage[0] and storage[1] != mirror:
            return False
        for i in range(2, self.work.parameters):
            if storage[i] != NOISE and storage[i] != state:
                return False
        return True

    cdef int take_numbers(self, Constants constants, list keys, bint all_of_them=True) except -1:
        """Take the constants in both compute types, and number the elements of all tensors."""
        cdef Py_ssize_t i, width = constants.width, values = constants.rows * width
        cdef ptrdiff_t total = 0
        cdef Tensor *tensor
        cdef char *moved
        if constants.tensors != self.work.tensors or (
            self.kernel.constants != width if all_of_them else self.kernel.constants < width
        ):
            raise ValueError("constants: expected those of the bound rule and tensors")
        if self.room < 12 * values + 1:
            moved = <char *>PyMem_Realloc(self.numbers, 12 * values + 1)
            if not moved:
                raise MemoryError
            self.numbers = moved
            self.room = 12 * values + 1
        for i in range(values):
            (<double *>self.numbers)[i] = constants.values[i]
            (<float *>(self.numbers + 8 * values))[i] = <float>constants.values[i]
        for i in range(self.work.tensors):
            tensor = &self.work.tensor[i]
            if not 0 <= constants.which[i] < constants.rows:
                raise RuntimeError("constants: another thread changed the step")
            tensor.begin = total
            total += tensor.count
            tensor.constants = self.numbers + (
                8 * width * constants.which[i]
                if tensor.wide
                else 8 * values + 4 * width * constants.which[i]
            )
        for i in range(len(keys)):
            self.work.tensor[i].key0, self.work.tensor[i].key1 = keys[i]
        self.work.total = total
        self.work.functions = self.kernel.functions
        return 0

    def tensors(self):
        """Return the arrays of each tensor, in the rule's order; after `bind`."""
        cdef Py_ssize_t i, j, stride = self.work.parameters + 1
        return [
            tuple(
                [
                    <object>self.arrays[i * stride + j]
                    for j in range(stride)
                    if self.arrays[i * stride + j] != NULL
                ]
            )
            for i in range(self.work.tensors if self.held else 0)
        ]

    def run(self, Constants constants, list keys, indices, numbers):
        """Compute the new weights and states.

        Parameters
        ----------
        constants : Constants
            The rule's numbers for each tensor.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : sequence of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule and an index; called for rules
            with norms.
        """
        if self.kernel is None or self.held == 0:
            raise RuntimeError("plan: expected one that was bound to a compiled rule")
        if self.kernel.norms:
            constants = self.measured(constants, indices, numbers)
        self.take_numbers(constants, keys)
        self.compute(self.threads() if self.work.total >= 2 * GRAIN else 1, True)
        self.release()

    cdef Constants measured(self, Constants constants, indices, numbers):
        """Return the constants with those that depend on norms, which it measures."""
        try:
            self.take_numbers(constants, [], False)
            sums = measure_work(&self.work, self.kernel, self.threads())
            given = [numbers(self.rule, index) for index in indices]
            return self.rule.with_norms(constants, given, sums)
        except BaseException:
            self.release()
            raise

    def again(
        self, rule, weights, grads, states, int kept, Call call, Constants constants,
        list keys, *given,
    ):
        """Compute the same step once more, if these are the same arrays, and count it.

        Parameters
        ----------
        rule : object
            That with which it was bound.
        weights, grads, states, kept : object
            As for `bind`.
        call : Call or None
            What is counted.
        constants, keys, *given : object
            As for `run`.

        Returns
        -------
        bool
            False where something is new; then nothing has changed.
        """
        cdef Comparison compared
        cdef int threads
        cdef bint owned = self.work.total >= LOCKED or self.work.total >= GRAIN * self.work.tensors
        cdef bint measures = self.kernel is not None and self.kernel.norms > 0
        if rule is not self.rule or kept != self.kept or self.held or not self.apart:
            return False
        if self.kernel is None:
            return False
        threads = self.threads() if self.work.total >= 2 * GRAIN else 1
        for values in (weights, grads, states):
            if not isinstance(values, (list, tuple)) or len(values) != self.work.tensors:
                return False
        compared.work = &self.work
        compared.known = self.known
        compared.weights = weightopt_items(<PyObject *>weights)
        compared.grads = weightopt_items(<PyObject *>grads)
        compared.states = weightopt_items(<PyObject *>states)
        compared.state_arrays = self.states
        compared.differs = False
        parallel_for(compare_part, &compared, self.work.tensors, TENSORS, threads)
        if compared.differs:
            return False
        owned |= measures
        if owned:
            self.own(weights, grads, states)
        if call is not None:
            call.commit()
        try:
            if measures:
                constants = self.measured(constants, given[0], given[1])
            self.take_numbers(constants, keys)
        except BaseException:
            self.release()
            if call is not None:
                call.uncommit()
            raise
        self.compute(threads, owned)
        if owned:
            self.release()
        return True

    cdef int own(self, weights, grads, states) except -1:
        cdef Py_ssize_t i
        for i in range(self.work.tensors):
            self.arrange(i, weights[i], grads[i], states[i])
        return 0

    cdef int compute(self, int threads, bint unlocked) except -1:
        """Run the rule, and the interpreter beside it if the arrays are owned."""
        if self.work.total < GRAIN:
            run_part(&self.work, 0, self.work.total)
        elif unlocked:
            with nogil:
                parallel_for(run_part, &self.work, self.work.total, GRAIN, threads)
        else:
            parallel_for(run_part, &self.work, self.work.total, GRAIN, threads)
        return 0

    cdef void release(self):
        """Let go of the arrays."""
        cdef Py_ssize_t i, held = self.held
        self.held = 0
        for i in range(held):
            Py_CLEAR(self.arrays[i])


def bind(rule, Kernel kernel, weights, grads, states, int kept, before, threads):
    """Check the arrays of one step.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    kernel : Kernel or None
        Its compiled form.
    weights, grads, states : list or tuple
        As in a call of `update`, of equal length.
    kept : int
        How states are: `MASTERS` where that of a 16-bit weight ends with a float32 master copy,
        plus `ROUNDED` where the rule's own are bfloat16, rounded stochastically.
    before : Plan or None
        That of an earlier step, often of the same arrays.
    threads : callable
        Returns how many threads may share the work.

    Returns
    -------
    Plan or None
        None where some array is not as it has to be.
    """
    cdef Plan plan
    cdef Py_ssize_t i, tensors = len(weights)
    cdef int parameters = rule.parameters
    cdef bint noise = rule.draws
    if type(before) is Plan and (<Plan>before).serves(tensors, parameters, noise, kept):
        plan = before
    else:
        plan = Plan(tensors, parameters, noise, kept)
    if kernel is not None and kernel.arrays != parameters:
        raise ValueError(f"kernel: expected one of {parameters} arrays, got {kernel.arrays}")
    plan.rule = rule
    plan.kernel = kernel
    plan.threads = threads
    plan.moved = not plan.apart
    for i in range(tensors):
        if not (plan.arrange(i, weights[i], grads[i], states[i]) and plan.describe(i)):
            plan.apart = False
            plan.release()
            return None
    if plan.moved:
        plan.apart = False
        plan.apart = written_apart(&plan.work)
        if not plan.apart:
            plan.release()
            return None
    return plan
