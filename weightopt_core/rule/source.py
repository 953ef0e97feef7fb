"""C and Cython text of the rules of a package: one extension module for all of them."""

from __future__ import annotations

import itertools

from .. import ctext
from ..dtypes import C_TYPES, HALVES
from .definition import Rule
from .printers import c

#: By compute type, what preamble.h takes.
_TYPES = {
    dtype: {"REAL": kind.name, "SQRT": f"sqrt{kind.suffix}", "FABS": f"fabs{kind.suffix}"}
    for dtype, kind in C_TYPES.items()
}

_HEADER = """\
/* Generated from the rules of {package}: functions for each rule and dtype. */
#include <math.h>
#include <stddef.h>
"""

_FUNCTION = """\
static inline void FN({kind}_elements_{index})({parameters})
{{
{constants}
    for (ptrdiff_t i = 0; i < count; ++i) {{
{element}
    }}
}}

CLONED(FN({kind}_{index}), (ptrdiff_t count, void *const *arrays, const void *constants),
    (count, arrays, constants))
{{
    FN({kind}_elements_{index})({arguments});
}}
"""

_OVER_BLOCKS = """\
#define RULE_{index}(count, blocks, k) rule_elements_{index}_float32(count, {blocks}, k)
LOOPS_OVER_HALVES(rule_{index}, RULE_{index}, {number}, {written:#x})
"""

# Nothing is imported at compile time: a package may be called cpython or libc.
_MODULE = """\
# cython: freethreading_compatible=True
# Generated from the rules of {package}. What is made here is never written to, by any thread.
cdef extern from "stddef.h":
    ctypedef ssize_t ptrdiff_t

cdef extern from "Python.h":
    object PyCapsule_New(void *pointer, const char *name, void *destructor)

cdef extern from "{header}":
    int weightopt_is_exact()
    const char *weightopt_inexact
{declarations}

if not weightopt_is_exact():
    raise ImportError(weightopt_inexact.decode())

#: by rule: fingerprint of the source, its functions for float32, float64, float16 and bfloat16, and
#: those for float32 and float64 that compute what it reduces
RULES = {{
{entries}
}}

#: by rule: its text as written, for where the package is installed as bytecode alone
SOURCES = {{
{sources}
}}
"""


def header_text(package: str, rules: list[Rule]) -> str:
    """Return the C text of all `rules`, once for each dtype."""
    parts = [_HEADER.format(package=package)]
    headers = ["exact.h", "clones.h", "words.h", "halves.h", "f16c.h", "probe.h", "blocks.h"]
    parts += [ctext.text(name) for name in headers]
    for dtype, macros in _TYPES.items():
        macros = {**macros, "FN(name)": f"name##_{dtype}"}
        parts += [f"#define {name} {text}" for name, text in macros.items()]
        parts += ["", ctext.text("preamble.h")]
        for index, rule in enumerate(rules):
            kinds = ["rule", "measure"] if rule.lowered.reductions else ["rule"]
            parts += [function_text(kind, index, rule) for kind in kinds]
        parts += [f"#undef {name.partition('(')[0]}" for name in macros]
    parts += [_over_blocks(index, rule) for index, rule in enumerate(rules)]
    return "\n".join(parts) + "\n"


def module_text(package: str, header: str, rules: list[Rule]) -> str:
    """Return the Cython text of the module that exports what is in `header`."""
    declarations, entries, sources = [], [], []
    for index, rule in enumerate(rules):
        capsules = []
        for kind, dtype in _functions(rule):
            name, title = f"{kind}_{index}_{dtype}", ctext.capsule_name(kind, dtype)
            declarations.append(f"    void {name}(ptrdiff_t count, void **arrays, void *constants)")
            capsules.append(f'PyCapsule_New(<void *>{name}, "{title}", NULL)')
        entry = ", ".join([repr(rule.lowered.fingerprint), *capsules])
        entries.append(f"    {rule.module + '.' + rule.name!r}: ({entry}),")
        sources.append(f"    {rule.module + '.' + rule.name!r}: {rule.source!a},")
    return _MODULE.format(
        package=package,
        header=header,
        declarations="\n".join(declarations),
        entries="\n".join(entries),
        sources="\n".join(sources),
    )


def _functions(rule: Rule) -> list[tuple[str, str]]:
    """Return kind and dtype of the functions a rule is compiled to, in the order of the module."""
    functions = list(itertools.product(["rule"], [*_TYPES, *HALVES]))
    if rule.lowered.reductions:
        functions += itertools.product(["measure"], _TYPES)
    return functions


def function_text(kind: str, index: int, rule: Rule) -> str:
    """Return the C function ``rule`` or ``measure`` of the rule at `index`, for any dtype."""
    lowered = rule.lowered
    pointers = [f"wo_p{i}" for i in range(len(lowered.arrays))]
    inputs = [f"{pointer}[i]" for pointer in pointers]
    types = dict.fromkeys(pointers, "const REAL")
    places = {name: i for i, name in enumerate(pointers)}
    if kind == "measure":
        # What is reduced is an array itself, and read where it lies; or it is computed.
        outputs = [None if at >= 0 else f"out{i}" for i, at in enumerate(lowered.sources)]
        places |= {name: len(pointers) + i for i, name in enumerate(outputs) if name}
        scalars = lowered.scalars[: len(lowered.constants)]
        lines = lowered.measure(inputs, [name and f"{name}[i]" for name in outputs])
    else:
        outputs = [pointers[i] for i in lowered.written]
        scalars = lowered.scalars
        lines = lowered.element(inputs, [inputs[i] for i in lowered.written])
    types |= {name: "REAL" for name in outputs if name}
    return _FUNCTION.format(
        kind=kind,
        index=index,
        parameters=", ".join(
            ["ptrdiff_t count"]
            + [f"{typed} *restrict {name}" for name, typed in types.items()]
            + ["const REAL *restrict k"]
        ),
        arguments=", ".join(
            ["count"]
            + [f"({typed} *)arrays[{places[name]}]" for name, typed in types.items()]
            + ["(const REAL *)constants"]
        ),
        constants="\n".join(_constants(pointers, scalars, lines)),
        element="\n".join(" " * 8 + line for line in lines),
    )


def _constants(pointers: list[str], scalars: list[str], lines: list[str]) -> list[str]:
    """Return the statements that name the constants which `lines` use, and what they do not."""
    used = c.names_in(lines)
    named = [f"    const REAL {one} = k[{i}];" for i, one in enumerate(scalars) if one in used]
    unused = [name for name in pointers if name not in used] + ["k"] * (not named)
    return named + [f"    (void){name};" for name in unused]


def _over_blocks(index: int, rule: Rule) -> str:
    arrays = rule.lowered.arrays
    return _OVER_BLOCKS.format(
        index=index,
        blocks=", ".join(f"blocks[{i}]" for i in range(len(arrays))),
        number=len(arrays),
        written=sum(1 << i for i in rule.lowered.written),
    )
