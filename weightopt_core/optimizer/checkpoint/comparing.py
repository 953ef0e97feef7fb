"""What an optimizer that goes on from saved states has to have in common with the one that saved.

Every declared hyperparameter is compared, but for those in `FREE`. The learning rate, its
scheduler, where counts begin and what is done about gradients that are not finite are often changed
on purpose between two runs: a difference there is a warning.
"""

from __future__ import annotations

import json
import math
import platform
import reprlib
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import wording
from ...registry.installed import plugins

if TYPE_CHECKING:
    from ..base import Optimizer
    from .progress import Progress
    from .reading import Saved

#: Not compared as hyperparameters: names are compared one by one, and the states carry the seed.
FREE = ("param_idx2name", "sym", "seed")
_WARNED = ("learning_rate", "lr_scheduler", "begin_num_update", "on_nonfinite", "frozen")
_REMEDY = "make the optimizer as it was, or say strict=False to load what fits"
#: How many differences a message lists.
_LISTED = 8
#: What was saved may be anything, of any length and depth.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_short = _SHORT.repr


def name_of(algorithm: Any) -> str:
    """Return the name of an algorithm's class."""
    return type(algorithm).__name__.lower()


def settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return, as JSON keeps it, what an optimizer is made of beside its states and counts."""
    names = [[index, name] for index, name in optimizer.idx2name.items() if _is_plain(index)]
    common = {
        "package": type(optimizer).__module__.partition(".")[0],
        "hyperparameters": _values(optimizer, (*FREE, *_WARNED, *_held(optimizer))),
        "names": _plain(names),
    }
    if "lr_scheduler" not in optimizer.hyperparameters:  # the rate is that of others in it
        return common | {"versions": _versions(optimizer)}
    scheduler = optimizer.lr_scheduler
    return common | {
        # With a scheduler the rate follows from it, and from num_update.
        "learning_rate": _plain(optimizer.learning_rate) if scheduler is None else None,
        "lr_scheduler": None if scheduler is None else _named(scheduler),
        "begin_num_update": optimizer.begin_num_update,
        "on_nonfinite": optimizer.on_nonfinite,
        **{"settings": [], "frozen": []},
        **optimizer._rates.multipliers.by_name.written(),
        "versions": _versions(optimizer, scheduler),
    }


def check(saved: Saved, optimizer: Optimizer, seen: Iterable[Any]) -> None:
    """Raise ValueError that lists what differs; warn where the rate is another.

    Parameters
    ----------
    saved : Saved
        What is to be loaded.
    optimizer : Optimizer
        What is to go on from it.
    seen : iterable of index
        The weights that have a state already.
    """
    name, then = name_of(optimizer), saved.progress
    what = "states" if saved.source == "states" else f"states in {saved.source}"
    if then.optimizer != name:
        raise ValueError(wording(what, f"those of {name}", f"those of {then.optimizer[:80]}"))
    here = _settings_here(optimizer)
    found = [
        *_settings_differ(then.settings, here),
        *_inner_differ(then, optimizer),
        *_indices_differ(saved, here, seen),
    ]
    if found:
        more = f", and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        listed = ", ".join(found[:_LISTED]) + more
        raise ValueError(wording(what, "those of an equal optimizer", listed, _REMEDY))
    _warn_of_rates(then, optimizer, 4)


def _settings_here(optimizer: Optimizer) -> dict[str, Any]:
    return json.loads(json.dumps(settings(optimizer)))


def _warn_of_rates(saved: Progress, optimizer: Optimizer, depth: int) -> None:
    """Warn where a rate, or what else may be changed on purpose, is another one."""
    settings, here = saved.settings, _settings_here(optimizer)
    for name in [name for name in _WARNED if name in here] if settings else ():
        # What saved the states may have known nothing of it.
        then, now = settings.get(name, here[name]), here[name]
        by_scheduler = name == "learning_rate" and None in (then, now)
        if then != now and not by_scheduler:
            words = f"saved with {_short(then)}, and training goes on with {_short(now)}"
            warnings.warn(f"{name}: the states were {words}", stacklevel=depth + 2)
    for one, inner in zip(saved.inner, optimizer.inner):
        _warn_of_rates(one, inner, depth + 1)


def _inner_differ(then: Progress, optimizer: Optimizer, name: str = "inner") -> Iterable[str]:
    """Yield what differs in the optimizers that an optimizer has in it."""
    if len(then.inner) != len(optimizer.inner):
        yield f"{len(then.inner)} optimizers in it (here {len(optimizer.inner)})"
        return
    for number, (saved, inner) in enumerate(zip(then.inner, optimizer.inner)):
        place = f"{name}[{number}]"
        if saved.optimizer != name_of(inner):
            yield f"{place}={_short(saved.optimizer)} (here {name_of(inner)!r})"
            continue
        for text in _settings_differ(saved.settings, _settings_here(inner)):
            yield f"{place}: {text}"
        yield from _inner_differ(saved, inner, f"{place}.inner")


def _settings_differ(saved: dict[str, Any], here: dict[str, Any]) -> Iterable[str]:
    if not saved:
        return
    packages = [found.get("package") for found in (saved, here)]
    if packages[0] != packages[1] and "__main__" not in packages:
        yield f"a class of {_short(packages[0])}, not of {packages[1]!r}"
    one, other = _mapping(saved, "hyperparameters"), here["hyperparameters"]
    for name in dict.fromkeys([*other, *one]):
        if name not in one:
            yield f"no {name} (here {_short(other[name])})"
        elif name not in other:
            yield f"{name}={_short(one[name])} (here there is none)"
        elif one[name] != other[name]:
            yield f"{name}={_short(one[name])} (here {_short(other[name])})"
    then, now = (found.get("settings", []) for found in (saved, here))
    if then != now:
        yield f"settings by name {_short(then)} (here {_short(now)})"


def _indices_differ(saved: Saved, here: dict[str, Any], seen: Iterable[Any]) -> Iterable[str]:
    """Yield what is missing or extra against the names and the weights that are known here.

    A weight that had a name when the states were saved, and has none of them, was never updated.
    """
    names = {index: name for index, name in here["names"]}
    then = {index: name for index, name in _pairs(saved.progress.settings)}
    seen = list(seen)
    for index, name in names.items():
        if index in then and then[index] != name:
            yield f"{_short(then[index])} at the index {_short(index)} (here {_short(name)})"
        elif index not in then and index not in saved.states and name not in saved.states:
            yield f"no state of {_short(name)}"
    for index in seen:
        if index not in saved.states and index not in names:
            yield f"no state of {_short(index)}"
    known = {*names, *names.values(), *seen}
    if known:
        for index in saved.states:
            if index not in known:
                yield f"a state of {_short(then.get(index, index))}, which is unknown here"


def _pairs(settings: dict[str, Any]) -> list[tuple[Any, Any]]:
    pairs = settings.get("names")
    found = []
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], (str, int)):
            found.append((pair[0], pair[1]))
    return found


def _mapping(settings: dict[str, Any], name: str) -> dict[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, dict) else {}


def _named(algorithm: Any) -> list[Any]:
    """Return the name of an algorithm, and its hyperparameters, as JSON keeps them."""
    return [name_of(algorithm), _values(algorithm)]


def _held(optimizer: Optimizer) -> list[str]:
    """Return the hyperparameters that are the optimizers in an optimizer, or lists of them."""
    held = {id(one) for one in optimizer.inner}
    values = {name: getattr(optimizer, name) for name in optimizer.hyperparameters}
    parts = {name: v if isinstance(v, list) else [v] for name, v in values.items()}
    return [name for name, found in parts.items() if any(id(one) in held for one in found)]


def _values(algorithm: Any, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return the hyperparameters of an algorithm by name."""
    declared = getattr(algorithm, "hyperparameters", ())  # a function has none
    return {name: _plain(getattr(algorithm, name)) for name in declared if name not in without}


def _is_plain(index: Any) -> bool:
    return isinstance(index, str) or hasattr(index, "__index__")


def _plain(value: Any) -> Any:
    """Return a value as JSON keeps it; of an object that has no such form, its class."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if hasattr(value, "tolist"):
        return value.tolist()
    return _named(value) if hasattr(value, "hyperparameters") else type(value).__name__


def _versions(*algorithms: Any) -> dict[str, str]:
    """Return the versions of Python, NumPy, the core and the packages of algorithms."""
    from ... import __version__

    modules = {type(algorithm).__module__ for algorithm in algorithms}
    own = {found.dist.name: found.dist.version for found in plugins() if found.module in modules}
    used = {"python": platform.python_version(), "numpy": np.__version__}
    return used | {"weightopt-core": __version__} | dict(sorted(own.items()))
