"""Checkpoints as files: what comes back, what stays, and what is refused by name."""

import errno
import hashlib
import json
import os
import re
import stat
import struct
import threading
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from checkpoints import content_of, edited, framed, trained, updater_of
from devices import every_device, on_device
from safetensors import safe_open
from safetensors.numpy import load_file

import weightopt_core as mx
from weightopt_core.optimizer import checkpoint


def files(folder):
    return sorted(os.listdir(folder))


def equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert one[name].tobytes() == other[name].tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def test_states_and_weights_come_back(path):
    saved, other = updater_of(), updater_of()
    weights = trained(saved) | {"count": np.array(3), "empty": np.ones((0, 2), np.float16)}
    assert saved.save(path, weights=weights) is None
    loaded = other.load(str(path))
    equal(loaded, weights)
    assert other.get_states() == saved.get_states()
    for updater, name in ((saved, weights), (other, loaded)):
        for index in ("a", "b"):
            updater(index, np.full(3, 0.1, np.float32), name[index])
    equal(loaded, weights)
    assert files(path.parent) == ["run.safetensors"]


def test_without_weights_the_file_is_what_get_states_returns(path):
    updater = updater_of()
    trained(updater)
    updater.save(os.fsencode(path))
    assert path.read_bytes() == updater.get_states()
    assert updater_of().load(path) == {}
    path.write_bytes(updater.get_states())
    assert updater_of().load(path) == {}


def test_safetensors_reads_the_file(path):
    updater = updater_of(multi_precision=True)
    weights = trained(updater, dtype=np.float16) | {"odd": np.arange(3, dtype=np.uint8)}
    weights["transposed"] = np.arange(6.0).reshape(2, 3).T
    weights["swapped"] = np.arange(3, dtype=">f4")
    updater.save(path, weights=weights)
    found = load_file(path)
    assert sorted(found) == sorted(
        [f"weight/{name}" for name in weights] + [f'"{n}"/{i}' for n in "ab" for i in range(3)]
    )
    for name, weight in weights.items():
        np.testing.assert_array_equal(found[f"weight/{name}"], weight)
    equal(
        updater_of(multi_precision=True).load(path), weights | {"swapped": found["weight/swapped"]}
    )
    with safe_open(path, "numpy") as file:
        content = json.loads(file.metadata()["weightopt"])
    assert mx.optimizer.create(content["written"]).dumps() == updater.optimizer.dumps()
    assert {"python", "numpy", "weightopt-core"} <= content["settings"]["versions"].keys()


def test_every_tensor_stands_where_its_type_is_aligned(path):
    updater = updater_of()
    updater.states = {0: (np.ones(1, np.uint8), np.ones(3), np.ones(1, np.float16)), 1: np.ones(1)}
    updater.save(path)
    head = path.read_bytes()
    assert int.from_bytes(head[:8], "little") % 8 == 0
    for name, entry in content_of(head)[0].items():
        if name != "__metadata__":
            assert entry["data_offsets"][0] % {"U8": 1, "F64": 8, "F16": 2}[entry["dtype"]] == 0


def test_the_checksums_are_as_the_page_says(path):
    updater = updater_of()
    trained(updater)
    updater.save(path)
    data = path.read_bytes()
    header, _, body = content_of(data)
    *sums, own = header["__metadata__"]["weightopt-sha256"].split()
    entries = sorted((e["data_offsets"] for n, e in header.items() if n != "__metadata__"))
    assert sums == [hashlib.sha256(body[a:b]).hexdigest()[:32] for a, b in entries]
    head = data[: len(data) - len(body)].replace(own.encode(), b"0" * 32)
    assert own == hashlib.sha256(head).hexdigest()[:32]


def test_what_has_no_text_is_saved_without_it():
    class Mine(mx.optimizer.Optimizer):
        rule = mx.optimizer.create("sgd").rule
        momentum = 0.0

    updater = mx.optimizer.get_updater(Mine())
    assert content_of(updater.get_states())[1]["written"] is None


def test_any_changed_bit_is_noticed_and_named(path, rng):
    updater, other = updater_of(), updater_of()
    updater.save(path, weights=trained(updater))
    trained(other)
    before = other.get_states()
    whole = path.read_bytes()
    size = len(whole) - len(content_of(whole)[2])
    for place in [*range(60), *rng.integers(0, len(whole), 300)]:
        data = bytearray(whole)
        data[place] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        with pytest.raises(ValueError, match="others") as caught:
            other.load(path)
        assert place < size or "a tensor" in str(caught.value)
        assert str(caught.value).startswith(f"{path}: expected a file from Updater.save, got ")
    for end in rng.integers(0, len(whole), 60):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="others"):
            other.load(path)
    assert other.get_states() == before


def test_a_file_of_this_format_needs_its_checksums(path):
    updater = updater_of()
    trained(updater)
    header, _, body = content_of(updater.get_states())
    del header["__metadata__"]["weightopt-sha256"]
    path.write_bytes(framed(header, body))
    with pytest.raises(ValueError, match="a header without checksums"):
        updater.load(path)


WEIGHTS = [1, "ab", [1], [["w"]], [[1, "weight/w"]], [["w", "none"]], [["w", [1]]], [], None]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_crafted_weights_are_refused(path, weights):
    updater = updater_of()
    updater.save(path, weights={"w": np.ones(3)})
    path.write_bytes(edited(path.read_bytes(), weights=weights))
    with pytest.raises(ValueError, match="got others"):
        updater.load(path)


OTHERS = {
    "a pickle, which is never read": b"\x80\x04K\x01.",
    "a header of": b"",
    "others": struct.pack("<Q", 2) + b"{}",
}


@pytest.mark.parametrize("got", OTHERS)
def test_other_files_are_refused_by_name(path, got):
    path.write_bytes(OTHERS[got])
    with pytest.raises(ValueError, match=f"{path}: expected a file .*, got .*{got}"):
        updater_of().load(path)


def test_what_does_not_fit_names_the_file(path):
    updater = updater_of()
    trained(updater)
    updater.save(path)
    with pytest.raises(ValueError, match=f"states in {path}: expected those of sgd, got those of"):
        updater_of("sgd").load(path)
    other = updater_of(beta1=0.5)
    with pytest.raises(ValueError, match=r"beta1=0\.9 \(here 0\.5\); .* say strict=False"):
        other.load(path)
    assert other.load(path, strict=False) == {}
    assert other.optimizer.num_update == 2


def test_the_warning_of_another_rate_is_the_callers(path):
    updater = updater_of()
    trained(updater)
    updater.save(path)
    with pytest.warns(UserWarning, match="learning_rate: the states were saved") as caught:
        updater_of(learning_rate=1.0).load(path)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_file_that_is_made_shorter_while_it_is_read_is_an_error(path, monkeypatch):
    updater = updater_of()
    updater.save(path, weights={"w": np.ones(1 << 20)})
    from weightopt_core.optimizer.checkpoint import reading

    into = reading._into

    def shorter(*args):
        os.truncate(path, 5000)
        return into(*args)

    monkeypatch.setattr(reading, "_into", shorter)
    with pytest.raises(ValueError, match="ends too early, or was made shorter meanwhile"):
        updater_of().load(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "missing", "below a file"])
def test_what_is_no_file_is_refused_and_stays(tmp_path, kind):
    path = tmp_path / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = "/dev/null"
    elif kind == "below a file":
        path.write_bytes(b"")
        path = path / "other"
    before = files(tmp_path)
    expected = (OSError, ValueError)
    with pytest.raises(expected, match=str(path)):
        updater_of().load(path)
    if kind != "missing":
        with pytest.raises(expected, match=str(path)):
            updater_of().save(path)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ({"path": 3.5}, TypeError, "path: expected a str or a path, got float"),
        ({"keep": -1}, ValueError, "keep: expected an integer of at least 0, got -1"),
        ({"keep": True}, ValueError, "keep: expected"),
        ({"weights": [1]}, TypeError, "weights: expected a dict of arrays by name, got list"),
        ({"weights": {1: np.ones(1)}}, TypeError, "name of a weight: expected a str, got 1"),
        ({"weights": {"w": "x"}}, TypeError, "weight 'w': expected an array of numbers, got 'x'"),
        ({"weights": {"w": np.array([1j])}}, TypeError, "weight 'w': expected an array of numbers"),
    ],
)
@pytest.mark.parametrize("wait", [True, False])
def test_wrong_arguments_are_refused_and_the_file_stays(path, given, error, match, wait):
    path.write_bytes(b"earlier")
    with pytest.raises(error, match=match):
        updater_of().save(**{"path": path, "wait": wait} | given)
    assert path.read_bytes() == b"earlier"
    assert files(path.parent) == ["run.safetensors"]


def test_earlier_files_are_kept(path):
    updater = updater_of()
    for number in range(5):
        updater.save(path, weights={"w": np.full(3, number)}, keep=2)
    names = ["run.safetensors", "run.safetensors.1", "run.safetensors.2"]
    assert files(path.parent) == names
    assert [updater_of().load(path.parent / name)["w"][0] for name in names] == [4, 3, 2]
    updater.save(path, keep=0)
    assert files(path.parent) == names
    assert updater_of().load(path.parent / names[1])["w"][0] == 3


def test_keeping_goes_on_where_a_writer_was_killed(path):
    """It had moved some of the files up, or had linked the present one already."""
    updater = updater_of()
    first, second = (path.parent / f"{path.name}.{number}" for number in (1, 2))
    for number in range(3):
        updater.save(path, weights={"w": np.full(3, number)}, keep=2)
    first.unlink()
    updater.save(path, weights={"w": np.full(3, 3)}, keep=2)
    assert [updater_of().load(name)["w"][0] for name in (path, first, second)] == [3, 2, 0]
    first.replace(second)
    os.link(path, first)
    updater.save(path, weights={"w": np.full(3, 4)}, keep=2)
    assert [updater_of().load(name)["w"][0] for name in (path, first, second)] == [4, 3, 2]


def test_keeping_without_hard_links(path, monkeypatch):
    def link(*args):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    test_earlier_files_are_kept(path)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "latest"
    link.symlink_to("there/run")
    for number in range(2):
        updater_of().save(link, weights={"w": np.full(2, number)}, keep=1)
    assert link.is_symlink()
    assert files(tmp_path / "there") == ["run", "run.1"]
    assert updater_of().load(link)["w"][0] == 1
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links"):
        updater_of().save(loop)
    assert loop.is_symlink()


def test_permissions_are_those_that_open_gives(path):
    before = os.umask(0o027)
    try:
        updater_of().save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    updater_of().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_leftovers_are_removed_and_others_stay(path):
    left = path.parent / ".weightopt-0123456789abcdef.tmp"
    others = [".weightopt-0123456789abcdef.txt", "run.safetensors.tmp", ".weightopt-01.tmp"]
    for name in [left.name, *others]:
        (path.parent / name).write_bytes(b"x")
    updater_of().save(path)
    assert files(path.parent) == sorted([path.name, *others])


def test_two_writers_leave_a_whole_file(path):
    """Neither takes the other's file for one that was left."""

    def write(number):
        updater = updater_of()
        try:
            for _ in range(20):
                updater.save(path, weights={"w": np.full(100_000, number)}, keep=2)
        except BaseException as error:
            failed.append(error)

    failed = []
    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            values = updater_of().load(path)["w"]
            assert (values == values[0]).all()
    assert not failed
    assert files(path.parent) == [path.name, f"{path.name}.1", f"{path.name}.2"]


def peak(function, *args):
    tracemalloc.start()
    try:
        result = function(*args)
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_memory_beside_the_states(path):
    updater = updater_of()
    trained(updater, names=range(8), shape=(1_000_000,))  # 64 MB of states
    assert peak(updater.save, path)[0] < 10e6  # four pieces of 2 MB
    used, data = peak(updater.get_states)
    assert used < len(data) + 10e6
    del data
    assert peak(updater_of().load, path)[0] < 64e6 + 6e6


@every_device
def test_what_a_device_saved_any_other_loads(path, queue):
    saved = updater_of()
    host = np.linspace(-1, 1, 5, dtype=np.float32)
    weight, grad = on_device(queue, host), on_device(queue, host)
    saved("w", grad, weight)
    for wait in (True, False):
        saving = saved.save(path, weights={"w": weight}, wait=wait)
        if saving:
            saving.wait()
        for place in (lambda values: values.copy(), lambda values: on_device(queue, values)):
            other = updater_of()
            resumed = place(other.load(path)["w"])
            again = place(host), on_device(queue, weight.get())
            other("w", again[0], resumed)
            twin = updater_of()
            twin.load(path)
            twin("w", grad, again[1])
            got = resumed if isinstance(resumed, np.ndarray) else resumed.get()
            assert got.tobytes() == again[1].get().tobytes()


def elements(path):
    """Return the bytes of each tensor of a file, and how many each of its elements has."""
    header, _, body = content_of(path.read_bytes())
    places = {name: found["data_offsets"] for name, found in header.items() if name[0] != "_"}
    sizes = {name: int(re.sub("[A-Z]", "", header[name]["dtype"])) // 8 for name in places}
    return {name: (body[begin:end], sizes[name]) for name, (begin, end) in places.items()}


def test_elements_have_one_byte_order_on_every_processor(path, monkeypatch):
    """Where the processor has the other one, they are turned around in both directions."""
    saved = updater_of()
    weights = trained(saved) | {
        "whole": np.arange(-3, 3, dtype=np.int64).reshape(2, 3),
        "short": np.array([1, 515], np.uint16),
        "byte": np.array([1, -3], np.int8),
        "half": np.array([1.5, -2.25], np.float16),
        "brain": np.array([1.5, -2.25], ml_dtypes.bfloat16),
        "foreign": np.arange(4, dtype=">f4"),
        "apart": np.arange(6.0)[::2],
        "empty": np.ones((0, 2)),
        "single": np.array(7.0),
    }
    saved.save(path, weights)
    own = elements(path)
    # Of two orders, the one of the file is that of this processor or is not.
    for order in "<>":
        monkeypatch.setattr(checkpoint.header, "_ORDER", order)
        saved.save(path, weights)
        for name, (data, size) in elements(path).items():
            turned = np.frombuffer(own[name][0], f"u{size}").byteswap().tobytes()
            assert data == (own[name][0] if order == "<" else turned), name
        other = updater_of()
        loaded = other.load(path)
        for name, weight in weights.items():
            assert loaded[name].dtype == weight.dtype.newbyteorder("=")
            assert loaded[name].tolist() == weight.tolist()
        assert other.get_states() == saved.get_states()
