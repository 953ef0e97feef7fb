"""Small wrong changes to Python, Cython and C: one table, and where each of its rows applies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PYTHON, CYTHON, C = "py", "pyx", "c"
ALL = (PYTHON, CYTHON, C)
INDENTED = (PYTHON, CYTHON)
LANGUAGES = {".py": PYTHON, ".pyx": CYTHON, ".c": C, ".h": C}

_STRINGS = r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
#: What is no code: comments, which are told by how they begin, and text.
_NO_CODE = {
    PYTHON: re.compile(r'#[^\n]*|""".*?"""|' + _STRINGS, re.DOTALL),
    C: re.compile(r"//[^\n]*|/\*.*?\*/|" + _STRINGS, re.DOTALL),
}
_NO_CODE[CYTHON] = _NO_CODE[PYTHON]
#: Lines in which a change is none, or no program: of names, types and the preprocessor.
_PASSED_OVER = re.compile(
    r"\s*(?:(?:from|import|cimport|cdef extern|ctypedef|def|class|enum)\b|[@#]|__all__)"
)


class Operator(NamedTuple):
    """A row of the table: in which languages what is found becomes what."""

    name: str
    languages: tuple[str, ...]
    pattern: str
    becomes: str


def _swaps(name: str, languages: tuple[str, ...], *pairs: tuple[str, str]) -> list[Operator]:
    return [Operator(name, languages, rf"(?<= ){re.escape(a)}(?= )", b) for a, b in pairs]


OPERATORS = [
    *_swaps("comparison", ALL, ("<", "<="), ("<=", "<"), (">", ">="), (">=", ">")),
    *_swaps("comparison", ALL, ("==", "!="), ("!=", "==")),
    *_swaps("arithmetic", ALL, ("+", "-"), ("-", "+"), ("*", "+"), ("/", "*"), ("//", "*")),
    *_swaps("logic", INDENTED, ("and", "or"), ("or", "and"), ("is", "is not")),
    *_swaps("logic", C, ("&&", "||"), ("||", "&&")),
    Operator("logic", INDENTED, r"\bis not\b", "is"),
    Operator("logic", INDENTED, r"\bnot in\b", "in"),
    Operator("logic", INDENTED, r"(?<!for )(\b\w+) in (?=\S+(?::$| and| or| else))", r"\1 not in "),
    Operator("constant", INDENTED, r"\bTrue\b", "False"),
    Operator("constant", INDENTED, r"\bFalse\b", "True"),
    Operator("constant", ALL, r"(?<![\w.])0(?![\w.])", "1"),
    Operator("constant", ALL, r"(?<![\w.])([1-9]\d*)(?![\w.])", r"(\1 + 1)"),
    Operator("constant", ALL, r"(?<![\w.])([1-9]\d*)(?![\w.])", r"(\1 - 1)"),
    Operator("condition", INDENTED, r"\b(if|while) ([^\n]+?)(?=: *$)", r"\1 not (\2)"),
    Operator("condition", INDENTED, r"\b(if|while) (?:not )([^\n]+?)(?=: *$)", r"\1 \2"),
    Operator("condition", C, r"\b(if|while) \(([^\n]+)\)(?=(?: \{)?$)", r"\1 (!(\2))"),
    Operator("choice", ALL, r"\bmax(?=\()", "min"),
    Operator("choice", ALL, r"\bmin(?=\()", "max"),
    Operator("arguments", ALL, r"(?<!def )(\b\w+)\(([\w.]+), ([\w.]+)(?=[,)])", r"\1(\3, \2"),
    Operator("result", (PYTHON,), r"^( +)return (?!None$)([^\n]+)$", r"\1return None"),
    Operator(
        "statement",
        INDENTED,
        r"^( +)(?:raise\b|[\w.]+\(|\w+[.\[][^=\n]* = |[\w.\[\]]+ [-+|&]= )[^\n]*$",
        r"\1pass",
    ),
    Operator("statement", INDENTED, r"^( +)(?:continue|break|return)$", r"\1pass"),
    Operator("statement", C, r"^( +)(?:\w+\(|[\w.>\[\]-]+ [-+|&]?= )[^\n]*;$", r"\1;"),
]
_FOUND = [re.compile(operator.pattern, re.MULTILINE) for operator in OPERATORS]


class Mutant(NamedTuple):
    """One change: at which place of a file what stands, and what comes in its place."""

    file: str
    line: int
    begin: int
    operator: str
    before: str
    after: str

    def apply(self, text: str) -> str:
        """Return the text of the file with the change."""
        end = self.begin + len(self.before)
        if text[self.begin : end] != self.before:
            raise ValueError(f"{self.file}: another text than the mutant was made for")
        return text[: self.begin] + self.after + text[end:]


def masked(text: str, language: str) -> str:
    """Return code of equal length and lines, without what is in comments and in text."""

    def mask(found: re.Match[str]) -> str:
        filler = " " if found[0][:1] in "#/" else "_"
        return re.sub(r"[^\n]", filler, found[0])

    return _NO_CODE[language].sub(mask, text)


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Yield every change that the table makes of a file and that can be a program."""
    language = LANGUAGES[Path(file).suffix]
    code = masked(text, language)
    for operator, pattern in zip(OPERATORS, _FOUND):
        for found in pattern.finditer(code) if language in operator.languages else ():
            if not _PASSED_OVER.match(_line_of(code, found.start())) and _is_whole(found[0]):
                made = _made(file, text, operator, found)
                is_other = made.after != made.before
                if is_other and (language != PYTHON or _compiles(made.apply(text))):
                    yield made


def _made(file: str, text: str, operator: Operator, found: re.Match[str]) -> Mutant:
    """Return the change with the text that the mask hides in its place."""
    begin = found.start()
    parts = re.split(r"\\(\d)", operator.becomes)
    parts[1::2] = [text[slice(*found.span(int(number)))] for number in parts[1::2]]
    before, after = text[begin : found.end()], "".join(parts)
    return Mutant(file, text.count("\n", 0, begin) + 1, begin, operator.name, before, after)


def _line_of(code: str, at: int) -> str:
    begin = code.rfind("\n", 0, at) + 1
    return code[begin:].partition("\n")[0]


def _is_whole(code: str) -> bool:
    """Whether a piece closes the brackets that it opens, or opens and closes none but a call's."""
    return "\n" not in code and code.count("(") - code.count(")") in (0, 1)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True
