"""Arrays that keep their fields as attributes are recognised, or not, without running Python."""

import gc
import sys
import weakref

import pytest

from weightopt_core.engine.recognise_objects import Objects

WATCHED = ("queue", "offset")


class Thing:
    """Stands for an array of a device."""

    def __init__(self):
        self.queue = object()
        self.events = []
        self.offset = 0
        self.free = None


@pytest.fixture
def lists():
    """Return weights, gradients and states of two tensors."""
    return [Thing(), Thing()], [Thing(), Thing()], [(Thing(), Thing()), Thing()]


@pytest.fixture
def seen(lists):
    weights, grads, states = lists
    tensors = [[weights[0], grads[0], *states[0]], [weights[1], grads[1], states[1]]]
    return Objects(tensors, WATCHED, "events")


def test_the_same_arrays(seen, lists):
    for _ in range(3):
        assert seen.recognise(*lists) == ([], [])
        assert seen.recognise(*map(tuple, lists)) == ([], [])
    lists[0][0].free = 5
    assert seen.recognise(*lists) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        lambda lists: setattr(lists[0][0], "offset", 4),
        lambda lists: setattr(lists[1][1], "queue", None),
        lambda lists: setattr(lists[2][0][1], "queue", object()),
        lambda lists: setattr(lists[2][1], "events", ()),
        lambda lists: setattr(lists[0][1], "name", "another attribute"),
        lambda lists: delattr(lists[0][1], "offset"),
        lambda lists: setattr(lists[0][1], "__dict__", dict(vars(lists[0][1]))),
        lambda lists: setattr(lists[1][0], "__class__", type("Other", (Thing,), {})),
        lambda lists: lists[0].pop(),
        lambda lists: lists[1].append(Thing()),
        lambda lists: lists[2].clear(),
        lambda lists: lists[2].__setitem__(1, None),
        lambda lists: lists[2].__setitem__(1, (lists[2][1], lists[2][1])),
        lambda lists: lists[0].__setitem__(0, Thing()),
        lambda lists: lists[0].reverse(),
    ],
)
def test_what_makes_them_new(change, seen, lists):
    assert seen.recognise(*lists) == ([], [])
    change(lists)
    assert seen.recognise(*lists) is None


def test_assigning_in_a_hot_loop_is_seen(seen, lists):
    """An interpreter that adapts to what runs often stores attributes in several ways."""
    for i in range(1000):
        lists[0][0].offset = i % 2
        assert seen.recognise(*lists) == (None if i % 2 else ([], []))


def test_arrays_of_one_order_in_other_roles(lists):
    """The same arrays one after the other, but two of them as weight and gradient."""
    a, b, c, d, e, f = (Thing() for _ in range(6))
    seen = Objects([[a, b, c], [d, e, f]], WATCHED, "events")
    assert seen.recognise([a, d], [b, e], [c, f]) == ([], [])
    assert seen.recognise([a, c], [b, d], [None, (e, f)]) is None
    assert seen.recognise([a, d], [b, e], [(c,), [f]]) == ([], [])


def test_sequences_that_run_python(seen, lists):
    class Lazy(list):
        """Has another length than it shows."""

        def __len__(self):
            return 2

        def __getitem__(self, i):
            raise AssertionError

    for i in range(3):
        given = [*lists]
        given[i] = Lazy()
        assert seen.recognise(*given) is None
    assert seen.recognise(*lists[:2], iter(lists[2])) is None


def test_keys_that_run_python(lists):
    """Comparing names runs Python, which may shorten the lists that are being read."""
    weights, grads, states = lists

    class Key(str):
        """A name that changes lists when it is compared."""

        __slots__ = ()

        def __eq__(self, other):
            grads.clear()
            states.clear()
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    for name in WATCHED:
        values = vars(weights[0])
        values[Key(name)] = values.pop(name)
    kept = [*grads], [*states]
    tensors = [[weights[0], grads[0], *states[0]], [weights[1], grads[1], states[1]]]
    seen = Objects(tensors, WATCHED, "events")
    grads[:], states[:] = kept
    for _ in range(3):
        assert seen.recognise(*lists) == ([], [])
    assert len(grads) == 2


def test_events_are_returned_until_they_are_known(seen, lists):
    events = [object() for _ in range(4)]
    lists[1][0].events += events[:2]
    lists[2][0][1].events.append(events[2])
    found, each = seen.recognise(*lists)
    assert found == events[:3]
    assert seen.recognise(*lists) == (found, each)
    seen.know(each)
    assert seen.recognise(*lists) == ([], [])
    lists[1][0].events.insert(0, events[3])
    assert seen.recognise(*lists)[0] == [events[3], *events[:2]]
    lists[1][0].events = [*events[:2]]
    assert seen.recognise(*lists) == ([], [])
    lists[1][0].events = []
    assert seen.recognise(*lists) == ([], [(1, ())])


def test_arrays_are_not_kept(seen, lists):
    gone = weakref.ref(lists[0][0])
    assert seen.recognise(*lists) == ([], [])
    lists[0][0] = Thing()
    gc.collect()
    assert gone() is None
    assert seen.recognise(*lists) is None


def test_nothing_leaks(lists):
    array = lists[0][0]
    before = sys.getrefcount(array.queue), sys.getrefcount(array), sys.getrefcount(vars(array))
    for _ in range(50):
        seen = Objects([[array, lists[1][0]]], WATCHED, "events")
        array.events.append(object())
        found, each = seen.recognise([array], [lists[1][0]], [None])
        seen.know(each)
        assert seen.recognise([array], [lists[1][0]], [()]) == ([], [])
        assert seen.recognise([array], [array], [None]) is None
        del seen, found, each
    after = sys.getrefcount(array.queue), sys.getrefcount(array), sys.getrefcount(vars(array))
    assert after == before
