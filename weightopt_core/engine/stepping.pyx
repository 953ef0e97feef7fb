"""The steps of a call, by what a backend has bound for it.

Design
------
a) A bound step is taken out of its call before it is used. So each is used by one thread at a time,
   and what fails is dropped with all that it owns.
b) A step runs again where its arrays are known, and is bound anew where anything is not. Code that
   runs meanwhile may change an array; then it is bound once more, until nothing has changed.
"""

from .compiled_step cimport CompiledStep
from .constants cimport Constants
from .index_groups cimport Call, Turn


def check(Call call, bind, rule, weights, grads, states, form):
    """Raise what is wrong with the arrays of a step; nothing is counted or computed.

    Parameters
    ----------
    call, bind, rule, weights, grads, states, form : object
        As for `step`, which goes on from what this has bound.
    """
    bound, call.bound = call.bound, None
    if bound is None or not bound.knows(rule, weights, grads, states, form):
        bound = bind(rule, *copied(call, weights, grads, states), form, bound)
        bound.rest()
    call.bound = bound


cdef tuple copied(Call call, weights, grads, states):
    """Return copies of the lists of a step, since code that runs later may change a list."""
    given = tuple(weights), tuple(grads), tuple(states)
    for values in given:
        if len(values) != call.size:
            raise ValueError(
                "weight, grad and state: expected lists that stay as they are during the "
                f"step, {call.size} long; got one of {len(values)}"
            )
    return given


def step(
    Call call, bind, rule, weights, grads, states, form, Constants constants, list keys,
    numbers, Turn turn,
):
    """Compute one step of a call: again where its arrays are known, or bound anew.

    Parameters
    ----------
    call : Call
        The indices.
    bind : callable
        Takes the rule, weights, grads, states, `form` and what was bound before, or None; returns
        what has the methods `run` and `again` of a `CompiledStep`.
    rule, weights, grads, states, form : object
        As for `bind`, but that weights, grads and states may be any lists or tuples.
    constants, keys, numbers, turn : object
        As for `CompiledStep.run`.

    Raises
    ------
    Stale
        The counts have moved on; nothing has changed, and the numbers are to be formed anew.
    """
    cdef bint done
    # Taken out: a step of another thread, or one within this one, binds its own.
    bound, call.bound = call.bound, None
    if bound is not None:
        try:
            # Called as C, which saves boxing and a look-up; those of other backends are any object.
            if type(bound) is CompiledStep:
                done = (<CompiledStep>bound).again(
                    rule, weights, grads, states, form, constants, keys, call.indices, numbers, turn
                )
            else:
                done = bound.again(
                    rule, weights, grads, states, form, constants, keys, call.indices, numbers, turn
                )
        except BaseException:
            call.bound = bound  # it owns nothing, and knows why it refused
            raise
        if done:
            call.bound = bound
            return
    while True:
        given = copied(call, weights, grads, states)
        # Where Python that ran meanwhile has changed an array, `run` returns False.
        bound = bind(rule, *given, form, bound)
        if bound.run(constants, keys, call.indices, numbers, turn):
            call.bound = bound
            return


def step_together(
    Call call, bind, rule, weights, grads, states, form, Constants constants, list keys,
    numbers, Turn turn, Call beside, rule_behind, own, form_behind, Constants constants_behind,
):
    """Compute one step of a call, and another rule over the new weights behind it.

    Each part of the weights is in the cache when the other rule comes to it. Both happen, or
    neither: nothing is counted for the other rule.

    Parameters
    ----------
    call, bind, rule, weights, grads, states, form, constants, keys, numbers, turn : object
        As for `step`; the rule is compiled, and arrays are in host memory.
    beside : Call
        The same indices, for what is bound to the other rule.
    rule_behind : weightopt_core.rule.Rule
        The other one, compiled too.
    own : list or tuple
        Its states for each weight.
    form_behind : StateForm
        What they are made of.
    constants_behind : Constants
        Its numbers for each weight.

    Returns
    -------
    bool
        False where states of the other rule share memory with an array of the step, so that the
        one has to wait for the other; nothing has changed.

    Raises
    ------
    Stale
        As for `step`.
    """
    cdef CompiledStep ahead, behind
    while True:
        behind = owned(beside, bind, rule_behind, weights, grads, own, form_behind)
        try:
            ahead = owned(call, bind, rule, weights, grads, states, form)
            if not behind.is_apart_from(ahead):
                ahead.release()
                return False
            behind.take_numbers(constants_behind, [])
            ahead.behind = behind
            try:
                done = ahead.run(constants, keys, call.indices, numbers, turn)
            finally:
                ahead.behind = None
        finally:
            behind.release()
        # What was bound is dropped with all that it owns where something raises.
        call.bound, beside.bound = ahead, behind
        if done:
            return True


cdef CompiledStep owned(Call call, bind, rule, weights, grads, states, form):
    """Return the step that is bound to these arrays, and owns them."""
    bound, call.bound = call.bound, None
    if type(bound) is CompiledStep and bound.knows(rule, weights, grads, states, form):
        (<CompiledStep>bound).own(weights, grads, states)
        return bound
    return bind(rule, *copied(call, weights, grads, states), form, bound)
