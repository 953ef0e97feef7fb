"""Saved states for tests: made, taken apart, and put together with other content."""

import hashlib
import json
import struct

import numpy as np

import weightopt_core as mx


def stepped(rng, size):
    """Return an updater that has seen two gradients of one weight."""
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    weight = rng.normal(size=size)
    for grad in rng.normal(size=(2, size)):
        updater(0, grad, weight)
    return updater


def updater_of(name="adam", **given):
    return mx.optimizer.get_updater(mx.optimizer.create(name, **given))


def trained(updater, names=("a", "b"), shape=(3,), dtype=np.float32, steps=2):
    weights = {name: np.ones(shape, dtype) for name in names}
    for _ in range(steps):
        for name, weight in weights.items():
            updater(name, np.full(shape, 0.1, dtype), weight)
    return weights


def content_of(data):
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["weightopt"]), data[8 + length :]


def framed(header, body=b""):
    """Return a file; what has checksums gets that of its header anew."""
    if isinstance(header, bytes):
        return struct.pack("<Q", len(header)) + header + body
    text = json.dumps(header, separators=(",", ":")).encode()
    data = struct.pack("<Q", len(text)) + text
    begin = b'{"__metadata__":{"weightopt-sha256":"'
    if text.startswith(begin):
        at = data.index(b'"', 8 + len(begin)) - 32
        empty = data[:at] + b"0" * 32 + data[at + 32 :]
        data = data[:at] + hashlib.sha256(empty).hexdigest()[:32].encode() + data[at + 32 :]
    return data + body


def edited(data, **changes):
    """Return saved states with other content; a str is put in as JSON text."""
    header, content, body = content_of(data)
    texts = {f"@{name}@": value for name, value in changes.items() if isinstance(value, str)}
    content |= changes | {text[1:-1]: text for text in texts}
    text = json.dumps(content)
    for place, value in texts.items():
        text = text.replace(f'"{place}"', value)
    header["__metadata__"]["weightopt"] = text
    return framed(header, body)
