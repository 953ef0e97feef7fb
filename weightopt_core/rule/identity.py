"""A function's source text: found, parsed, and compared with the code that runs.

A text is found by a file's name and a line. That may be another function's: a decorator below
`update_rule` that returns a function of its own, code that was made from a string under the name of
a file, a file that was edited since, or bytecode older than its file. So the text is compiled once
more and must give the code of the function. Where that of the file does not, or there is no file,
the text that the package's compiled module keeps is tried in the same way.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import itertools
import linecache
import tokenize
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

from ..errors import RuleError
from .module import compiled_lines, qualified

FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
#: What the instructions of a function and its names are; line numbers are no part of it.
_FIELDS = (
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_names",
    "co_code",
)
#: A function within another has this flag; the text is compiled apart from the other.
_UNLIKE = inspect.CO_NESTED
#: As this interpreter compiles, and each other way; bytecode may have been made by another one.
_OPTIMIZATIONS = (-1, 0, 1, 2)
#: What reading and parsing a text may raise.
_UNREADABLE = (OSError, SyntaxError, ValueError, tokenize.TokenError, RecursionError, MemoryError)
#: Names before a dot that are tried as imported and as not, at most; rules need `math` alone.
_OWNERS = 4


class Source(NamedTuple):
    """A function as text: its syntax tree, its lines, and the number of the first of them."""

    node: ast.AST
    lines: list[str]
    first: int


class _OtherCodeError(Exception):
    """A text is not that of the function; the argument is the text as a `Source`."""

    def __str__(self) -> str:
        return "the text in this place is not that of the code that runs"


def find_source(function: Callable[..., Any], name: str) -> Source:
    """Return the source of `function`, the rule `name`.

    Raises
    ------
    RuleError
        There is no text, or it is not that of the code that runs.
    """
    code, module = function.__code__, function.__module__ or ""
    try:
        return _proven(lambda: _written(code, function.__globals__), code)
    except (*_UNREADABLE, _OtherCodeError) as error:
        found = error
    try:
        return _proven(lambda: compiled_lines(module, name), code)
    except (*_UNREADABLE, _OtherCodeError) as error:
        what, remedy = _worded(found, f"{qualified(module)}: {error}")
    text = f"rule {name!r}: {what}; {remedy}"
    raise RuleError(text, code.co_filename, code.co_firstlineno) from found


def _worded(found: Exception, kept: str) -> tuple[str, str]:
    """Return what is wrong with a file's text, and what to do; `kept` is what the other lacks."""
    if isinstance(found, (RecursionError, MemoryError)):
        what = "its source text is nested more deeply than Python's parser goes"
        return what, "give names to parts of its expressions"
    if not isinstance(found, _OtherCodeError):
        remedy = (
            "put the rule into a .py file and import it from there, or build its package again and "
            "ship the compiled module beside the bytecode"
        )
        return f"its source text cannot be read ({found}; {kept})", remedy
    names = _names(found.args[0].node)
    private = [n for n in names if n.startswith("__") and not n.endswith("__")]
    remedy = (
        "put update_rule directly above the def statement in a .py file, and remove "
        "bytecode that was compiled from another version of it"
    )
    if private:
        remedy = f"Python changes the name {private[0]!r} within a class; use another"
    return str(found), remedy


def _proven(lines_of: Callable[[], list[str]], code: CodeType) -> Source:
    """Return the source in some lines, or raise what shows that it is not that of `code`."""
    with warnings.catch_warnings():  # Python has warned when it compiled the file
        warnings.simplefilter("ignore")
        source = _parsed(lines_of(), code)
        same = not isinstance(source.node, ast.FunctionDef) or any(
            _is_same(code, made) for made in _compilations(source.node, code)
        )
    if not same:
        raise _OtherCodeError(source)
    return source


def _written(code: CodeType, names: dict[str, Any]) -> list[str]:
    """Return the lines that stand where `code` says that it was written."""
    first = code.co_firstlineno
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, names)[first - 1 :]
    if not lines:
        raise OSError(f"line {first} is not there")
    return inspect.getblock(lines)


def _parsed(lines: list[str], code: CodeType) -> Source:
    first, text = code.co_firstlineno, "".join(lines)
    # Taking the indentation away would change what is written over several lines.
    indented = text.lstrip("\f")[:1] in (" ", "\t")
    flags = code.co_flags & FUTURE | ast.PyCF_ONLY_AST
    tree = compile("if 1:\n" * indented + text, code.co_filename, "exec", flags, dont_inherit=True)
    ast.increment_lineno(tree, first - 1 - indented)
    body = tree.body[0].body if indented else tree.body
    defined = [getattr(node, "name", "no function") for node in body]
    if defined != [code.co_name]:
        raise OSError(f"line {first} defines {', '.join(defined)}")
    return Source(body[0], lines, first)


def _compilations(node: ast.FunctionDef, code: CodeType) -> Iterator[CodeType]:
    """Compile a function apart from what is around it, in each way that it may be compiled there.

    Decorators are left out, and what the function closes over are parameters of another around it.
    Instructions for a call of ``name.member`` depend on whether the module imports `name`.
    """
    outer = ast.parse(f"def {code.co_name}({', '.join(code.co_freevars)}): 0").body[0]
    assert isinstance(outer, ast.FunctionDef)
    node.decorator_list = []
    if hasattr(node, "type_params"):
        node.type_params = []
    outer.body = [node]
    called = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    owners = [func.value for func in called if isinstance(func, ast.Attribute)]
    names = sorted({owner.id for owner in owners if isinstance(owner, ast.Name)})
    flags = code.co_flags & FUTURE
    for level, imported in itertools.product(_OPTIMIZATIONS, _subsets(names)):
        imports = [ast.parse(f"import {name}").body[0] for name in imported]
        body = [*imports, outer if code.co_freevars else node]
        tree = ast.Module(body, [])
        made = compile(tree, code.co_filename, "exec", flags, dont_inherit=True, optimize=level)
        for _ in range(1 + bool(code.co_freevars)):
            made = next(inner for inner in codes(made) if inner.co_name == code.co_name)
        yield made


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield all of few names, none, and what is between."""
    few = names[:_OWNERS]
    sizes = sorted(range(len(few) + 1), key=lambda size: -abs(2 * size - len(few)))
    return itertools.chain.from_iterable(itertools.combinations(few, size) for size in sizes)


def codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of what is defined directly within."""
    return (value for value in code.co_consts if isinstance(value, CodeType))


def _is_same(one: CodeType, other: CodeType) -> bool:
    if any(getattr(one, field) != getattr(other, field) for field in _FIELDS):
        return False
    if (one.co_flags ^ other.co_flags) & ~_UNLIKE or len(one.co_consts) != len(other.co_consts):
        return False
    return all(map(_is_same_constant, one.co_consts, other.co_consts))


def _is_same_constant(one: Any, other: Any) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return one.co_name == other.co_name and _is_same(one, other)
    if type(one) is not type(other) or isinstance(one, int):
        return type(one) is type(other) and one == other
    return repr(one) == repr(other)  # 0.0 and -0.0 are equal, and NaN is not


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        yield getattr(part, "id", "") or getattr(part, "arg", "") or ""
