"""Readers of bytes that may be anybody's, one function for each.

A target takes any bytes. It returns where they are taken, and raises `Refused` where they are
refused in the way that the documents promise. Anything else that it raises is a fault, and so are a
crash, more than some seconds, and more memory than a few times the input.
"""

import ast
import linecache
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from checkpoints import content_of, framed

import weightopt_core as wo
from weightopt_core.registry import installed
from weightopt_core.rule.printers.formula import formula

#: What a rule of text may use.
_FUNCTIONS = vars(wo.rule)
_FOLDER = Path(tempfile.mkdtemp(prefix="weightopt-fuzz-"))


class Refused(Exception):  # noqa: N818
    """The bytes were refused as documented."""


def states(data):
    """Read the bytes of states."""
    _take(lambda updater, strict: updater.set_states(data, strict=strict))


def checkpoint(data):
    """Load a file with states and weights."""
    path = _FOLDER / "checkpoint"
    path.write_bytes(data)
    _take(lambda updater, strict: updater.load(path, strict=strict))


def _take(load):
    """Load with what has to fit and without; what is refused changes nothing."""
    updater = trained_updater()
    counts, state = updater.optimizer._index_update_count, updater.states[0]
    before = dict(counts)
    for strict in (True, False):
        try:
            load(updater, strict)
            return
        except (TypeError, ValueError) as error:
            assert updater.states == {0: state}
            assert dict(counts) == before
            refusal = error
    raise Refused from refusal


def metadata(data):
    """Read states whose frame is right and whose metadata are the bytes."""
    header, _, body = content_of(_STATES)
    header["__metadata__"]["weightopt"] = data.decode("utf-8", "replace")
    states(framed(header, body))


def trained_updater():
    """Return an updater with the state of one weight."""
    updater = wo.optimizer.get_updater(wo.optimizer.create("adam"))
    updater(0, np.ones(3), np.ones(3))
    return updater


def text(data):
    """Make algorithms of text."""
    written = data.decode("utf-8", "replace")
    for create in (wo.optimizer.create, wo.lr_scheduler.create, wo.init.create):
        try:
            create(written)
        except (TypeError, ValueError, ImportError) as error:
            refusal = error
        else:
            return
    raise Refused from refusal


def params(data):
    """Read a file of MXNet's."""
    _load(data, ".params")


def npz(data):
    """Read an archive of NumPy's."""
    _load(data, ".npz")


def safetensors(data):
    """Read arrays in the safetensors format."""
    _load(data, ".safetensors")


def rule(data):
    """Check the source of a rule and print it for every machine; it is never run."""
    source = data.decode("utf-8", "replace").replace("\r", "\n").replace("\0", "")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused from error
    if not _defines_alone(tree):
        raise Refused
    name, file = tree.body[0].name, f"<{hash(source)}>"
    space = dict(_FUNCTIONS)
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, file, "exec", dont_inherit=True), space)
        formula(wo.update_rule(space[name]).lowered.tree)
    except (wo.RuleError, TypeError, SyntaxError, ValueError) as error:
        raise Refused from error
    finally:
        del linecache.cache[file]


def entry_points(data):
    """Look for algorithms where one package is sound and another's metadata are the bytes."""
    middle = len(data) // 2
    _write_package("sound", b"[weightopt.optimizers]\nsound = sound:Sound\n", b"Name: sound\n")
    _write_package("spoilt", data[:middle], data[middle:])
    path = list(sys.path)
    sys.path[:] = [str(_FOLDER)]
    try:
        found = installed.plugins.__wrapped__()
    finally:
        sys.path[:] = path
    assert any(plugin.name == "sound" and plugin.module == "sound" for plugin in found)
    for plugin in found:
        assert plugin.group.startswith("weightopt.")
        assert bool(plugin.module) == bool(plugin.attr)


def _write_package(name, points, metadata):
    folder = _FOLDER / f"{name}-1.0.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "entry_points.txt").write_bytes(points)
    (folder / "METADATA").write_bytes(metadata)


TARGETS = {
    target.__name__: target
    for target in (states, checkpoint, metadata, text, params, npz, safetensors, rule, entry_points)
}

_STATES = trained_updater().get_states()


def _load(data, ending):
    path = _FOLDER / f"input{ending}"
    path.write_bytes(data)
    try:
        wo.init.create("load", param=str(path))
    except (TypeError, ValueError) as error:
        raise Refused from error


def _defines_alone(tree):
    """Whether a module is one function, and making it runs nothing."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    node = tree.body[0]
    arguments = [*node.args.args, *node.args.posonlyargs, *node.args.kwonlyargs]
    arguments += [one for one in (node.args.vararg, node.args.kwarg) if one]
    run = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    run += [one.annotation for one in arguments if one.annotation]
    run += [node.returns] if node.returns else []
    return not run and not getattr(node, "type_params", [])
