"""Saving beside the training: snapshots of one moment, in order, and no failure is silent."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from checkpoints import trained, updater_of

import weightopt_core as mx
from weightopt_core.optimizer.checkpoint import contents, writing


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


@pytest.fixture
def gate(monkeypatch):
    """Keep other threads from writing until the gate is opened."""
    opened = threading.Event()
    write, main = writing.write, threading.main_thread()

    def gated(*args):
        if threading.current_thread() is not main:
            assert opened.wait(20)
        write(*args)

    monkeypatch.setattr(writing, "write", gated)
    yield opened
    opened.set()


def test_the_snapshot_is_of_the_moment_of_the_call(path, gate):
    updater = updater_of()
    weights = trained(updater)
    before, copies = updater.get_states(), {n: w.copy() for n, w in weights.items()}
    saving = updater.save(path, weights=weights, wait=False)
    for name, weight in weights.items():
        updater(name, np.ones(3, np.float32), weight)
    assert not saving.is_done
    assert repr(saving) == f"<Saving of {str(path)!r}: in progress>"
    with pytest.raises(TimeoutError, match=r"expected it to be saved in 0\.01 s, got more"):
        saving.wait(timeout=0.01)
    gate.set()
    saving.wait()
    assert saving.is_done
    other = updater_of()
    loaded = other.load(path)
    assert other.get_states() == before
    assert all((loaded[name] == copies[name]).all() for name in weights)


def test_saves_of_one_updater_are_in_order(path, gate):
    updater = updater_of()
    savings = [updater.save(path, weights={"w": np.zeros(3)}, wait=False)]
    threading.Timer(0.1, gate.set).start()
    savings += [updater.save(path, weights={"w": np.full(3, n)}, wait=False) for n in (1, 2)]
    assert savings[0].is_done
    assert savings[1].is_done
    assert updater.load(path)["w"][0] == 2  # it waits for the last one


def test_a_failure_is_raised_where_it_is_waited_for_and_not_again(tmp_path):
    updater = updater_of()
    saving = updater.save(tmp_path / "none" / "run", wait=False)
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="none/run"):
            saving.wait()
    assert repr(saving).endswith(": failed>")
    updater.save(tmp_path / "run")


def test_a_failure_is_raised_by_the_next_call_once(tmp_path):
    updater = updater_of()
    updater.save(tmp_path / "run")
    for call in (updater.save, updater.load):
        updater.save(tmp_path / "none" / "run", wait=False)
        with pytest.raises(FileNotFoundError, match="none/run"):
            call(tmp_path / "run")
        call(tmp_path / "run")


def test_a_failure_keeps_no_snapshot_in_memory(tmp_path, monkeypatch):
    import gc
    import weakref

    taken = []
    snapshot = contents.snapshot

    def noted(*args):
        found = snapshot(*args)
        taken.append(weakref.ref(found))
        return found

    monkeypatch.setattr(contents, "snapshot", noted)
    updater = updater_of()
    saving = updater.save(tmp_path / "none" / "run", wait=False)
    saving._thread.join()
    gc.collect()
    assert taken[0]() is None
    with pytest.raises(FileNotFoundError):
        saving.wait()


PROGRAM = """
import sys, numpy as np, weightopt_core as mx
updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
updater.save(sys.argv[1], weights={"w": np.ones(1_000_000)}, wait=False)
"""


def run(path, program=PROGRAM):
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, text=True, capture_output=True, check=False, timeout=60)


def test_the_interpreter_waits_for_it_before_it_ends(path):
    done = run(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert updater_of().load(path)["w"].size == 1_000_000


def test_a_failure_that_nobody_asks_for_is_a_warning_at_the_end(path):
    done = run(path.parent / "none" / "run")
    assert (
        f"UserWarning: {path.parent}/none/run: it was not saved: FileNotFoundError" in done.stderr
    )


@pytest.mark.parametrize("wait", [True, False])
def test_saving_when_the_interpreter_ends(path, wait):
    """There can be no more threads by then, or nobody waits for them."""
    program = PROGRAM.replace("updater.save", "import atexit\natexit.register(updater.save")
    program = program.replace("(sys.argv", ", sys.argv").replace("wait=False", f"wait={wait}")
    done = run(path, program)
    assert (done.returncode, done.stderr) == (0, "")
    assert updater_of().load(path)["w"].size == 1_000_000


@pytest.mark.parametrize("least", [0, 1, 2, 5])
def test_threads_that_end_in_the_midst_of_a_tensor(path, monkeypatch, least):
    """What they have begun to hash comes first."""
    submitted = []

    class Ending(ThreadPoolExecutor):
        def submit(self, update, piece):
            if len(submitted) == least:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            submitted.append(piece)
            return super().submit(lambda: (time.sleep(0.05), update(piece)))

    monkeypatch.setattr(writing, "ThreadPoolExecutor", Ending)
    weights = {"w": np.arange(1_500_000.0), "v": np.arange(20_000.0)}
    updater_of().save(path, weights=weights)
    loaded = updater_of().load(path)
    assert len(submitted) == least
    assert all((loaded[name] == weight).all() for name, weight in weights.items())


def test_an_array_that_gets_another_size_is_an_error(path, monkeypatch):
    states = np.ones(10)
    updater = updater_of()
    updater.states = {"w": states}
    of = contents.of

    def resized(*args):
        found = of(*args)
        states.resize(5, refcheck=False)
        return found

    monkeypatch.setattr(contents, "of", resized)
    with pytest.raises(RuntimeError, match="states: expected to stay as they are"):
        updater.save(path)
    assert os.listdir(path.parent) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_wait_for_its_parents_writer(path, gate):
    updater = updater_of()
    saving = updater.save(path, weights={"w": np.ones(3)}, wait=False)
    child = os.fork()
    if not child:
        code = 1
        try:
            gate.set()
            updater.save(path.with_name("child"))
            with pytest.raises(RuntimeError, match="in the process that saves it, got a forked"):
                saving.wait()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    gate.set()
    saving.wait()


class Stepping:
    """Another thread that steps weights of three indices together, all time long."""

    def __init__(self, updater, size=300_000):
        self.updater = updater
        self.weights = [np.zeros(size, np.float32) for _ in range(3)]
        self.grads = [np.ones(size, np.float32) for _ in range(3)]
        self.step()
        self.ends = False
        self.thread = threading.Thread(target=self.run)

    def step(self):
        self.updater([0, 1, 2], self.grads, self.weights)

    def run(self):
        while not self.ends:
            self.step()
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return {str(index): weight for index, weight in enumerate(self.weights)}

    def __exit__(self, *args):
        self.ends = True
        self.thread.join()


def test_a_snapshot_beside_another_thread_that_steps_is_never_torn(path):
    """Each file is what a run of as many steps as it counts has."""
    updater = updater_of("sgd", learning_rate=1.0, momentum=0.5)
    refused = 0
    with Stepping(updater) as weights:
        for number in range(12):
            try:
                saving = updater.save(path, weights=weights, wait=number % 2)
            except RuntimeError:  # steps in another thread
                refused += 1
                continue
            if saving:
                saving.wait()
            other = updater_of("sgd", learning_rate=1.0, momentum=0.5)
            loaded = other.load(path)
            twin = mx.optimizer.create("sgd", learning_rate=1.0, momentum=0.5)
            weight, grad = np.zeros(1, np.float32), np.ones(1, np.float32)
            state = twin.create_state(0, weight)
            for _ in range(other.optimizer.num_update):
                twin.update(0, weight, grad, state)
            for index in range(3):
                assert (loaded[str(index)] == weight).all()
                assert (other.states[index] == state).all()
    assert refused < 12
    assert os.listdir(path.parent) == [path.name]


def test_a_snapshot_waits_for_the_step_that_is_computed(path):
    """Its count is there before its values are."""
    updater = updater_of("sgd", learning_rate=1.0)
    with Stepping(updater, 2_000_000) as weights:
        for _ in range(2):
            try:
                updater.save(path, weights=weights, wait=False).wait()
            except RuntimeError:
                continue
            other = updater_of("sgd", learning_rate=1.0)
            loaded = other.load(path)
            for weight in loaded.values():
                assert (weight == -other.optimizer.num_update).all()


def test_steps_that_never_pause_are_an_error(path, monkeypatch):
    updater = updater_of()
    trained(updater)
    of = contents.of

    def stepped(*args):
        found = of(*args)
        trained(updater)
        return found

    monkeypatch.setattr(contents, "of", stepped)
    for wait in (True, False):
        with pytest.raises(RuntimeError, match="states: expected to stay as they are"):
            updater.save(path, wait=wait)
    assert os.listdir(path.parent) == []
