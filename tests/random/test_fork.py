"""Numbers drawn in forked processes: others where no seed was given, equal ones where one was."""

import copy
import json
import multiprocessing
import os
import pickle
import threading

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core import drawn, keys, random

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.fixture
def unseeded(monkeypatch):
    """Be as in a process in which nobody has set a seed."""
    monkeypatch.setattr(keys, "_global", keys._Global())


def in_child(work):
    """Return what `work` returns in a forked child, through JSON."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        result = stream.read()
    os.waitpid(child, 0)
    return json.loads(result)


def in_children(work):
    """Return what `work` returns in a child, in a second one, in a child of one, and here."""
    results = [in_child(work), in_child(work), in_child(lambda: in_child(work)), work()]
    return [json.dumps(result) for result in results]


def initialized():
    weight = np.empty(4, np.float32)
    mx.init.create("uniform")("a_weight", weight)
    return weight.tolist()


class Chain:
    """An optimizer that was stepped, with noise or with rounded states."""

    def __init__(self, name, **options):
        self.optimizer = mx.optimizer.create(name, learning_rate=0.1, **options)
        self.updater = mx.optimizer.get_updater(self.optimizer)
        self.weight = np.zeros(64, np.float32)

    def step(self):
        self.updater("w", np.full(64, 0.3, np.float32), self.weight)
        return [self.weight.tolist(), self.states()]

    def states(self):
        states = self.updater.states["w"] or ()
        return [np.asarray(state, np.float32).tolist() for state in states]


CHAINS = [("sgld", {}), ("adam", {"state_dtype": "bfloat16"})]


@pytest.mark.usefixtures("unseeded")
def test_weights_differ_without_a_seed():
    random.stream("before")
    assert len(set(in_children(initialized))) == 4


@pytest.mark.usefixtures("unseeded")
@pytest.mark.parametrize("stepped", [False, True])
@pytest.mark.parametrize(("name", "options"), CHAINS)
def test_noise_differs_without_a_seed(name, options, stepped):
    random.stream("before")
    chain = Chain(name, **options)
    if stepped:
        chain.step()
    assert len(set(in_children(chain.step))) == 4


@pytest.mark.usefixtures("unseeded")
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_noise_of_a_copy_differs_without_a_seed(duplicate):
    chain = Chain("sgld")
    chain.step()
    chain.updater.optimizer = duplicate(chain.optimizer)
    assert len(set(in_children(chain.step))) == 4


def test_weights_are_equal_with_a_seed():
    random.seed(7)
    assert len(set(in_children(initialized))) == 1


@pytest.mark.parametrize(("name", "options"), [*CHAINS, ("sgld", {"seed": 3})])
def test_noise_is_equal_with_a_seed(name, options):
    random.seed(7)
    chain = Chain(name, **options)
    chain.step()
    assert len(set(in_children(chain.step))) == 1


@pytest.mark.usefixtures("unseeded")
def test_a_given_seed_needs_no_global_one():
    chain = Chain("sgld", seed=3)
    chain.step()
    assert len(set(in_children(chain.step))) == 1


@pytest.mark.usefixtures("unseeded")
def test_a_fork_changes_nothing_in_the_parent():
    chain = Chain("sgld")
    chain.step()
    seed, state = chain.optimizer.noise_seed, random.get_state()
    in_child(lambda: (chain.step(), initialized()))
    chain.step()
    assert (chain.optimizer.noise_seed, random.get_state()) == (seed, state)


@pytest.mark.usefixtures("unseeded")
@pytest.mark.parametrize("child", [False, True])
@pytest.mark.parametrize(("name", "options"), CHAINS)
def test_a_resumed_run_goes_on_as_the_saved_one(name, options, child):
    chain = Chain(name, **options)
    chain.step()

    def saved_and_resumed():
        other = Chain(name, **options)
        other.weight[:] = chain.weight
        other.updater.set_states(chain.updater.get_states())
        return [chain.step(), other.step()]

    first, second = in_child(saved_and_resumed) if child else saved_and_resumed()
    assert first == second


@pytest.mark.usefixtures("unseeded")
def test_a_pickled_optimizer_goes_on_as_it_would_have_here():
    chain = Chain("sgld")
    chain.step()
    seed = chain.optimizer.noise_seed
    assert isinstance(seed, drawn.DrawnSeed)
    assert type(pickle.loads(pickle.dumps(seed))) is int
    assert pickle.loads(pickle.dumps(seed)) == seed


@pytest.mark.usefixtures("unseeded")
def test_a_state_that_is_set_again_is_not_a_given_seed():
    random.set_state(random.get_state())
    assert len(set(in_children(initialized))) == 4
    random.set_state({"seed": 5, "draws": {}})
    assert len(set(in_children(initialized))) == 1


def test_a_child_does_not_wait_for_a_lock_of_another_thread():
    holds, done = threading.Event(), threading.Event()

    def hold():
        with keys._lock:
            holds.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait(60)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=initialized)
    child.start()
    child.join(30)
    is_stuck = child.is_alive()
    child.kill()
    done.set()
    holder.join()
    assert not is_stuck


@pytest.mark.usefixtures("unseeded")
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_every_kind_differ(method):
    random.stream("before")
    with multiprocessing.get_context(method).Pool(3, maxtasksperchild=1) as pool:
        streams = pool.map(random.stream, ["a", "a", "a"], chunksize=1)
    assert len({*streams, random.stream("a")}) == 4
