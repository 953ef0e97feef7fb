"""A step over bound arrays, on one partition of all their elements."""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport PyObject
from libc.stddef cimport ptrdiff_t

from .bound cimport Bound
from .calls cimport Call
from .constants cimport Constants
from .elementwise cimport GRAIN, Kernel, Tensor, run_part
from .fields cimport written_apart
from .known cimport TENSORS, Comparison, compare_part, weightopt_items
from .measure cimport measure_work
from .parallel cimport parallel_for

cdef enum:
    #: Elements up to which a step of small tensors keeps the interpreter's lock: some
    #: milliseconds, and owning every array for that long would cost as much as the step.
    LOCKED = 1 << 23


cdef class Plan(Bound):
    """A step of a rule over arrays that `bind` has checked.

    It keeps the arrays alive from `bind` to the end of `run`, and none between steps. What it has
    found out about them is compared with what the next step is given, so that only new places in
    memory are checked against each other.
    """

    cdef object rule
    cdef Kernel kernel
    cdef object threads
    cdef char *numbers  # constants in both compute types
    cdef Py_ssize_t room

    def __dealloc__(self):
        PyMem_Free(self.numbers)

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
