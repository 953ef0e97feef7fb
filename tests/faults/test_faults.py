"""Whatever fails wherever: arrays, counts and states are as before or as after.

Each fault comes at the n-th place where it can: a seeded sample by default, all places with the
marker soak. Allocations fail in a process of their own.
"""

import random
import sys
from pathlib import Path

import pytest
from processes import fresh_process

sys.path.append(str(Path(__file__).parent))
from places import Hook, Signals, check
from scenes import SCENES

#: Places tried by default in each scene, and how many of them may have nothing to fail at.
SAMPLE, QUIET = 4, 12
#: Where an allocation fails in these, what they call does not stand it: Python's compiler, its
#: `os.environ` ("saved") and `warnings` ("skipped"), and ``__array_interface__`` of NumPy's arrays
#: ("clipped"), which crash or raise SystemError.
CRASHING = ("cold", "saved", "skipped", "clipped", "clipped halves", "clipped steeply")
IN_MEMORY = tuple(name for name in SCENES if name not in CRASHING)


def every_place(name, fault):
    """Try all places, until no fault shows any more; print and return how many there were."""
    hook, quiet, n = Hook(), 0, 0
    while quiet < QUIET:
        n += 1
        quiet += bool([*check(name, SCENES[name], hook, [(n, fault(hook, n))])]) or -quiet
    print(f"{name}: {n - QUIET} places")
    return n - QUIET


def some_places(name, fault, last):
    hook = Hook()
    chosen = sorted(random.Random(name).sample(range(1, last + 1), min(SAMPLE, last)))
    for n in chosen:
        list(check(name, SCENES[name], hook, [(n, fault(hook, n))]))


def signal_at(hook, n):
    return Signals().raising(n)


def places_of_signals(name):
    hook, signals = Hook(), Signals()
    scene = SCENES[name](hook)
    with signals.raising(0):
        scene.act()
    return signals.places


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_signals(name):
    last = places_of_signals(name)
    assert last > 0
    some_places(name, signal_at, last)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_all_signals(name):
    assert every_place(name, signal_at) > 0


@pytest.mark.parametrize("name", ["user's code", "first, user's code", "kept"])
def test_what_users_code_raises(name):
    assert every_place(name, lambda hook, n: hook.raising(n)) >= 3


def in_memory(body, seconds=120):
    pytest.importorskip("_testcapi")
    folder = Path(__file__).parent
    code = (
        f"sys.path.append({str(folder)!r})\n"
        "import random, test_faults\n"
        "from places import Hook, no_memory\nfrom scenes import SCENES\n"
        "at = lambda hook, n: no_memory(n)\n"
        "sys.unraisablehook = lambda _: None  # what Python reports of generators that fail\n"
        "tried = 0\n"
    )
    answer = fresh_process(f"{code}{body}\nprint('done', tried)", seconds)
    assert answer.startswith("done "), answer
    return int(answer.removeprefix("done "))


def test_no_memory():
    names = sorted(random.Random(5).sample(IN_MEMORY, 6))
    in_memory(f"for name in {names}: test_faults.some_places(name, at, 60)")


@pytest.mark.soak
@pytest.mark.parametrize("name", IN_MEMORY)
def test_no_memory_anywhere(name):
    tried = in_memory(f"tried = test_faults.every_place({name!r}, at)", 1000)
    assert tried > 0
    print(f"{name}: {tried} places")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        # Once an update is counted, nothing is allocated any more.
        pytest.param("list", 60, 80, id="list of steps that compute"),
        # Sums of squares, and the list that they are in.
        pytest.param("norms again", 75, 115, id="norms"),
    ],
)
def test_no_memory_for(name, first, last):
    in_memory(
        f"name, places = {name!r}, range({first}, {last})\n"
        "list(test_faults.check(name, SCENES[name], Hook(), [(n, no_memory(n)) for n in places]))"
    )
