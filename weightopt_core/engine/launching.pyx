"""Launch the kernels of a step so that nothing comes between them.

Design
------
a) All that can fail, wait or run Python has been done before: arguments are set, events collected.
b) This loop is compiled and calls compiled functions alone. Signal handlers run between
   instructions of Python, so that none runs here, and the lock is not released.
c) The first launch is where a device refuses, if it does; until then nothing is counted for good.
"""


def launch_all(turn, enqueue, list launches):
    """Count a step and launch its kernels; no signal handler and no other Python runs meanwhile.

    Handlers run between instructions of Python, and here are none, as long as `enqueue` and the
    methods of `turn` are compiled and keep the interpreter's lock.

    Parameters
    ----------
    turn : object or None
        Its ``commit()`` counts the step just before the first launch; what that raises is passed
        on. Its ``uncommit()`` takes that back when the first launch fails.
    enqueue : callable
        Launches a kernel and returns its event.
    launches : list of tuple
        For each the arguments of `enqueue`, a tuple, and a list of the lists that get its event.

    Raises
    ------
    RuntimeError
        A launch failed after others.
    """
    cdef Py_ssize_t i
    cdef tuple arguments
    cdef list lists, events
    # Counted first: what was computed and not counted would be computed twice.
    if turn is not None:
        turn.commit()
    for i in range(len(launches)):
        arguments, lists = <tuple>launches[i]
        try:
            event = enqueue(*arguments)
        except BaseException as error:
            # Kernels that were launched cannot be called back.
            if i:
                raise RuntimeError(
                    f"launch {i + 1} of the {len(launches)} of a step failed after the others, so "
                    f"some of its weights have changed; go on from states and weights that you "
                    f"have saved: {error}"
                ) from error
            if turn is not None:
                turn.uncommit()
            raise
        # At once, so that whoever sees an array waits for what writes to it.
        for events in lists:
            events.append(event)
