"""Pictures of all installed algorithms, measured and drawn once for each of their versions."""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from weightopt_core.kinds import INITIALIZER, OPTIMIZER, SCHEDULER
from weightopt_core.testing.subject import REGISTRIES, registry_of

from ..catalogue import Entry
from . import drawings, initializers, optimizers, schedulers, style
from .cache import key_of, measured, stored
from .style import THEMES, svg

_OF_KIND: dict[str, Any] = {
    OPTIMIZER.name: optimizers,
    INITIALIZER.name: initializers,
    SCHEDULER.name: schedulers,
}


def draw(entries: Iterable[Entry], cache: Path, target: Path) -> dict[str, dict[str, str]]:
    """Write the pictures of all classes, and return what each shows, by page and panel.

    Parameters
    ----------
    entries : iterable of Entry
        The classes.
    cache : pathlib.Path
        A folder for what takes long.
    target : pathlib.Path
        The folder that the pictures go to.
    """
    target.mkdir(parents=True, exist_ok=True)
    entries = list(entries)
    found = each(partial(_draw_one, cache, target), entries)
    return {entry.page: panels for entry, panels in zip(entries, found, strict=True)}


def each(function: Callable[[Any, str], Any], entries: Iterable[Entry]) -> list[Any]:
    """Return what `function` returns for each class and its page, computed by several processes."""
    wanted = [(function, entry.registry.kind, entry.names[0], entry.page) for entry in entries]
    with workers() as pool:
        return list(pool.map(_of_one, wanted))


def _of_one(wanted: tuple[Callable[[Any, str], Any], str, str, str]) -> Any:
    function, kind, name, page = wanted
    (registry,) = (one for one in REGISTRIES if one.kind == kind)
    return function(registry.find(name), page)


def workers() -> concurrent.futures.Executor:
    """Return processes, as many as there are processors for this one."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(count, mp_context=context)


def numbers(cache: Path, cls: Any, page: str) -> tuple[dict[str, Any], str]:
    """Return what is drawn of a class, by panel, and the key that it is kept under."""
    module = _OF_KIND[registry_of(cls).kind]
    key = key_of([cls.__module__, module, *module.DEPENDS])
    return measured(cache, page, key, lambda: module.measure(cls)), key


def _draw_one(cache: Path, target: Path, cls: Any, page: str) -> dict[str, str]:
    found, key = numbers(cache, cls, page)
    for panel, (theme, colours) in itertools.product(found, THEMES.items()):
        draw = partial(drawings.PANELS[panel][1], data=found[panel])
        name = f"{page}-{panel}-{theme}.svg"
        text = stored(cache, name, key_of([style, drawings], key), partial(svg, draw, colours))
        (target / name).write_text(text, "utf-8")
    return {panel: drawings.PANELS[panel][0] for panel in found}
