"""What a worker knows of keys: their shapes and dtypes, and which server has which part of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import dtype_of
from .conversation import Ask, Conversation, MovedError
from .given import Key
from .messages import Reply
from .placing import SLICES, Part, parts


class Directory:
    """Keys and their servers, learned from these.

    Parameters
    ----------
    talk : Conversation
        The way to the servers.

    Attributes
    ----------
    forms : dict
        Shape and dtype of each key that is known.
    layout : str or None
        How keys are taken apart; None where that has to be asked for.
    """

    def __init__(self, talk: Conversation):
        self._talk, self._servers = talk, talk.transport.num_servers
        self.forms: dict[Key, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self.layout: str | None = None

    def form(self, key: Key) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and dtype of a key."""
        if key not in self.forms:
            self.learn()
        return self.forms[key]

    def learn(self) -> str:
        """Learn of all keys; return how they are taken apart."""
        replies = self._talk.ask_all(Ask("forms"), "kvstore")
        for reply in replies.values():
            for key, shape, name in reply.content[1]:
                self.forms[key] = tuple(shape), dtype_of(name)
        self.layout = replies[0].content[0]
        return self.layout or SLICES

    def known_layout(self) -> str:
        """Return how keys are taken apart."""
        if self.layout is None:
            self.layout = self._talk.ask({0: Ask("forms")}, "kvstore")[0].content[0]
        return self.layout or SLICES

    def parts(self, key: Key, layout: str) -> list[Part]:
        """Return the parts of a key."""
        shape, _ = self.forms[key]
        return parts(key, int(np.prod(shape, dtype=object)), layout, self._servers)

    def by_server(self, arrays: dict[Key, np.ndarray], layout: str) -> dict[int, Any]:
        """Return for each server keys, views of their parts, and the forms of these."""
        found: dict[int, Any] = {server: ([], [], []) for server in range(self._servers)}
        for key, array in arrays.items():
            for part in parts(key, array.size, layout, self._servers):
                keys, values, forms = found[part.server]
                view = array.reshape(-1)[part.begin : part.end] if part.is_slice else array
                keys.append(key)
                values.append(view)
                forms.append((view.shape, view.dtype.name, array.shape))
        return found

    def ask(self, asks: Callable[[str], dict[int, Ask]], what: str) -> dict[int, Reply]:
        """Return the answers to questions that depend on how keys are taken apart."""
        answers: dict[int, Reply] = {}

        def step() -> bool:
            try:
                answers.update(self._talk.ask(asks(self.known_layout()), what))
            except MovedError as error:
                answers.clear()
                self.layout = error.layout
                return False
            return True

        self._talk.until(step, what, lambda: "keys are moved from server to server")
        return answers
