"""What a server has of the keys of a store, and who has said that it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import dtype_of
from ..errors import wording
from .given import Key
from .packing import unpack
from .shard import Shard
from .specification import Specification

#: Of a part of a key: its shape, the name of its dtype, and the shape of the whole.
PartForm = tuple[Sequence[int], str, Sequence[int]]


class Holdings:
    """The parts of keys that a server has.

    Whoever asks for a change gives a token, a name and a number that grows. What is asked for again
    is not done again, and what comes late is not done any more.

    Attributes
    ----------
    shard : Shard
        The weights themselves.
    shapes : dict
        The shape of all of each key.
    tokens : dict
        Who has initialized each key; None where an earlier job did.
    done : dict
        By name, the number of the latest change.
    """

    def __init__(self) -> None:
        self.shard = Shard()
        self.shapes: dict[Key, tuple[int, ...]] = {}
        self.tokens: dict[Key, Any] = {}
        self.done: dict[str, int] = {}

    def check(self, keys: Sequence[Key], forms: Sequence[PartForm]) -> None:
        """Raise ValueError where a key that is here has another shape or dtype."""
        for key, (_, name, shape) in zip(keys, forms):
            if key in self.shard.weights:
                here = self.shapes[key], self.shard.form(key)[1].name
                if (tuple(shape), name) != here:
                    expected, got = f"{here[1]}{list(here[0])}", f"{name}{list(shape)}"
                    raise ValueError(wording(f"value of {key!r}", expected, got))

    def init(
        self, keys: Sequence[Key], forms: Sequence[PartForm], token: Any, payload: Any
    ) -> None:
        """Take first weights, or without any look whether they would be taken.

        What was restored from an earlier job stays as it is.
        """
        here = self.shard.weights
        new = [key for key in keys if key not in here or self.tokens[key] not in (None, token)]
        self.shard.check_new(new)
        self.check(keys, forms)
        if payload is not None:
            given = dict(zip(keys, unpacked(payload, forms)))
            self.shard.init(new, [given[key] for key in new])
            self.shapes.update((key, tuple(form[2])) for key, form in zip(keys, forms))
            self.tokens.update(dict.fromkeys(keys, token))

    def replace(
        self, given: Any, layout: str, keys: Sequence[Key], forms: Sequence[PartForm], payload: Any
    ) -> None:
        """Take other parts of keys and another optimizer; states and counts begin anew."""
        shard = Shard()
        shard.init(keys, unpacked(payload, forms))
        shard.set_optimizer(Specification(*given))
        shard.layout = layout
        self.become(shard, {key: tuple(form[2]) for key, form in zip(keys, forms)})

    def become(self, shard: Shard, shapes: dict[Key, tuple[int, ...]]) -> None:
        """Have other weights."""
        self.shard, self.shapes, self.tokens = shard, shapes, dict.fromkeys(shapes)

    def is_done(self, token: tuple[str, int]) -> bool:
        """Whether a change, or a later one, was made; note it as made."""
        name, number = token
        is_done = number <= self.done.get(name, 0)
        self.done[name] = max(number, self.done.get(name, 0))
        return is_done

    def forms(self) -> list[tuple[Key, tuple[int, ...], str]]:
        """Return each key, the shape of all of it, and its dtype."""
        weights = self.shard.weights.items()
        return [(key, self.shapes[key], weight.dtype.name) for key, weight in weights]

    def saved(self) -> dict[str, Any]:
        """Return what a checkpoint keeps beside the weights, as JSON keeps it."""
        keys = [[key, token, self.shapes[key]] for key, token in self.tokens.items()]
        return {"keys": keys, "done": list(self.done.items())}

    @classmethod
    def restored(cls, shard: Shard) -> Holdings:
        """Return what `saved` described."""
        found = cls()
        found.shard = shard
        for key, token, shape in shard.rest["keys"]:
            found.tokens[key], found.shapes[key] = token and tuple(token), tuple(shape)
        found.done = dict(shard.rest["done"])
        return found


def unpacked(payload: Any, forms: Sequence[PartForm]) -> list[np.ndarray]:
    """Return the parts that a message has."""
    return unpack(payload, [(tuple(shape), dtype_of(name)) for shape, name, _ in forms])
