r"""Turn optimizer states of MXNet into states that `Updater.set_states` reads.

It runs where MXNet runs, and needs nothing but MXNet and NumPy:

    python mxnet_states.py model-0010.states sgd --set momentum=0.9 --num-update 5000 \
        --output model.safetensors

MXNet reads its file itself. `Module.save_optimizer_states` leaves the counts of updates out, so
they are given; `Trainer.save_states` of Gluon, from MXNet 0.12 on, keeps optimizer and counts.
"""

import argparse
import json
import struct

import mxnet as mx
import numpy as np

#: How many arrays a state has here: without a momentum, and with one.
ARRAYS = {
    "sgd": (0, 1), "ccsgd": (0, 1), "nag": (0, 1), "dcasgd": (1, 2), "sgld": (0, 0),
    "adam": (2, 2), "adagrad": (1, 1), "adadelta": (2, 2), "ftrl": (2, 2), "adamax": (2, 2),
    "nadam": (2, 2), "test": (1, 1),
}  # fmt: skip
#: Whose states with a float32 master copy are (momentum, master); elsewhere (master, state).
MASTER_LAST = ("sgd", "ccsgd", "nag")
DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64"}


def convert(updater, num_update=None):
    """Return the states of an MXNet updater as bytes in the safetensors format.

    Parameters
    ----------
    updater : mxnet.optimizer.Updater
        With the optimizer as it trained: its class, momentum, learning rate and scheduler count.
    num_update : int, optional
        How often each weight was updated; by default what the optimizer has counted.
    """
    optimizer = updater.optimizer
    name = type(optimizer).__name__.lower()
    if name != "rmsprop" and name not in ARRAYS:
        known = ", ".join(sorted([*ARRAYS, "rmsprop"]))
        raise ValueError(f"optimizer: expected one of {known}, got {name}")
    counts = dict(optimizer._index_update_count)
    if num_update is not None:
        counts = dict.fromkeys(updater.states, num_update)
        optimizer._index_update_count, optimizer.num_update = dict(counts), num_update
    missing = [index for index in updater.states if index not in counts]
    if missing:
        raise ValueError(f"num_update: expected one, as the states of {missing} have no count")
    tensors, states = {}, []
    for index, state in updater.states.items():
        arrays = converted(optimizer, name, index, state)
        keys = [f"{json.dumps(index)}/{i}" for i in range(len(arrays))]
        tensors.update(zip(keys, arrays))
        parts = [{"tensor": key} for key in keys]
        has_master = len(arrays) > wanted(optimizer, name)
        single = {"value": None} if not parts else parts[0]
        whole = {"tuple": parts} if len(parts) > 1 or has_master else single
        states.append([index, whole])
    content = {
        "format": 1,
        "optimizer": name,
        "num_update": max([0, *counts.values()]),
        "counts": [[index, counts[index]] for index in updater.states],
        "noise_seed": None,
        "states": states,
    }
    return framed(tensors, {"weightopt": json.dumps(content)})


def wanted(optimizer, name):
    """Return how many arrays the rule has here."""
    if name == "rmsprop":
        return 3 if optimizer.centered else 1
    return ARRAYS[name][bool(getattr(optimizer, "momentum", 0))]


def converted(optimizer, name, index, state):
    """Return the arrays of a state in the order that they have here, a master copy last."""
    count = wanted(optimizer, name)
    master = []
    if getattr(optimizer, "multi_precision", False) and isinstance(state, (tuple, list)):
        if name in MASTER_LAST:
            *state, copy = state
            master = [copy]
        elif len(flat(state)) > count:
            copy, state = state
            master = [copy]
    arrays = [array.asnumpy() for array in flat(state)]
    if len(arrays) != count:
        raise ValueError(
            f"state of {index!r}: expected {count} arrays, got {len(arrays)}; "
            "give the optimizer's arguments as they were in training"
        )
    if name == "nag" and arrays and version() >= (1, 5):
        # From 1.5 on it is the step, with the rate and its sign in it.
        arrays = [arrays[0] / -arrays[0].dtype.type(optimizer._get_lr(index))]
    return arrays + [copy.asnumpy() for copy in master]


def flat(state):
    """Return the arrays of a state, whatever is around them."""
    if state is None:
        return []
    if isinstance(state, (tuple, list)):
        return [array for part in state for array in flat(part)]
    return [state]


def version():
    """Return the first two numbers of MXNet's version."""
    return tuple(int(number) for number in mx.__version__.split(".")[:2])


def framed(tensors, metadata):
    """Return arrays and text as safetensors bytes."""
    header, body, end = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        offsets = [end, end + len(data)]
        dtype = DTYPES[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
        body.append(data)
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(body)


def main(words=None):
    """Read the file and write the other one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("states", help="what MXNet wrote")
    parser.add_argument("optimizer", help="its name, such as sgd")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE, an argument of it")
    parser.add_argument("--num-update", type=int, help="the updates of each weight so far")
    parser.add_argument("--output", required=True)
    given = parser.parse_args(words)
    arguments = {}
    for word in given.set:
        name, _, value = word.partition("=")
        arguments[name] = json.loads(value)
    updater = mx.optimizer.get_updater(mx.optimizer.create(given.optimizer, **arguments))
    with open(given.states, "rb") as file:
        updater.set_states(file.read())
    data = convert(updater, given.num_update)
    with open(given.output, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
