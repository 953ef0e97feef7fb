"""Equations as MathML, which browsers show by themselves: made here, without a script or a font."""

from __future__ import annotations

import re
from typing import Any

import latex2mathml.converter
from docutils import nodes
from sphinx.errors import ExtensionError

#: The converter spells words a letter at a time, upright ones and names such as lr.
_WORD = re.compile(r"\\mathrm\{(\w\w+)\}|(?<!\\text\{)(?<![a-zA-Z\\_])(lr|wd)(?![a-zA-Z_])")
#: Primes are raised already, as characters; raised once more they are too high.
_PRIMED = re.compile(
    r"<msup>(<m(?:i|text)>[^<]*</m(?:i|text)>|<msub>(?:(?!<msu).)*?</msub>)"
    r"((?:<mi>&#x0203[23467];</mi>)+)</msup>"
)


def setup(app: Any) -> None:
    """Let Sphinx write equations so."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))


def converted(latex: str, display: str) -> str:
    """Return an equation, or several lines of them, as a ``math`` element.

    Raises
    ------
    sphinx.errors.ExtensionError
        Something in it is not known.
    """
    if display == "block" and re.search(r"(?<!\\)&|\\\\", latex) and r"\begin{align" not in latex:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    latex = _WORD.sub(lambda found: rf"\text{{{found[1] or found[2]}}}", latex)
    try:
        made = latex2mathml.converter.convert(latex, display=display)
    except Exception as error:  # whatever it raises of what it does not know
        raise ExtensionError(f"no equation: {latex!r}: {error!r}") from error
    made = _PRIMED.sub(r"<mrow>\1\2</mrow>", made.replace(r"\_", "_"))
    if "\\" in made:  # what it does not know it leaves as it is
        raise ExtensionError(f"no equation: {latex!r} holds what is not known")
    return str(made)


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(converted(node.astext(), "inline"))
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{converted(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode
