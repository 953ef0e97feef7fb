"""The text that is lowered is that of the function that runs, or the rule is refused."""

import doctest
import functools
import importlib
import importlib.util
import linecache
import os
import py_compile
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from written_rules import HEADER, load

from weightopt_core import RuleError, update_rule

RULE = "def rule(weight, grad, *, lr):\n    return weight - lr * grad\n"
TWICE = "def rule(weight, grad, *, lr):\n    return weight - 2 * lr * grad\n"
REMEDY = "put update_rule directly above the def statement"


def refused(source, folder, line=None):
    with pytest.raises(RuleError) as caught:
        load(source, folder)
    assert f"{folder / 'rules.py'}:" in str(caught.value)
    assert line is None or caught.value.lineno == line
    return str(caught.value)


def test_a_decorator_that_wraps_is_refused(tmp_path):
    source = """
    import functools
    from weightopt_core import update_rule
    def halved(function):
        @functools.wraps(function)
        def wrapper(weight, grad, *, lr):
            return function(weight, grad, lr=lr / 2)
        return wrapper
    @update_rule
    @halved
    def rule(weight, grad, *, lr):
        return weight - lr * grad
    """
    text = refused(source, tmp_path, 6)
    assert "a decorator below update_rule put another function in its place" in text
    assert REMEDY in text


@pytest.mark.parametrize(
    "returned",
    [
        "types.FunctionType(function.__code__.replace(co_code=other.__code__.co_code, "
        "co_consts=other.__code__.co_consts), globals(), function.__name__)",
        "types.FunctionType(other.__code__.replace("
        "co_firstlineno=function.__code__.co_firstlineno), globals(), 'rule')",
    ],
)
def test_a_decorator_that_exchanges_the_code_is_refused(returned, tmp_path):
    source = f"""
    import types
    from weightopt_core import update_rule
    def other(weight, grad, *, lr):
        return grad - lr * weight
    def exchanged(function):
        return {returned}
    @update_rule
    @exchanged
    def rule(weight, grad, *, lr):
        return weight - lr * grad
    """
    refused(source, tmp_path)


def test_a_decorator_that_gives_defaults_is_refused(tmp_path):
    source = f"""{HEADER}
def filled(function):
    function.__kwdefaults__ = {{"lr": 0.5}}
    return function

@update_rule
@filled
{RULE}"""
    assert "a number with a default" in refused(source, tmp_path)


def test_a_decorator_that_returns_the_function_is_fine(tmp_path):
    source = f"{HEADER}\ndef same(function):\n    return function\n@update_rule\n@same\n{RULE}"
    assert load(source, tmp_path).rule.lowered.results == ["(wo_x0 - (wo_k0 * wo_x1))"]


def test_text_compiled_under_the_name_of_a_file_is_refused(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text(RULE)
    names = {}
    exec(compile(TWICE, str(path), "exec"), names)
    with pytest.raises(RuleError, match=f"not that of the code that runs; {REMEDY}") as caught:
        update_rule(names["rule"])
    assert caught.value.filename == str(path)
    assert caught.value.lineno == 1


@pytest.mark.parametrize("body", ["1", "1.0", "True", "-0.0", "0.0", "2 * 3", "math.pi"])
def test_constants_are_compared_with_their_types(body, tmp_path):
    path = tmp_path / "rules.py"
    shape = "import math\ndef rule(weight, grad):\n    return weight * ({})\n"
    path.write_text(shape.format(body))
    for other in ["1", "1.0", "True", "-0.0", "0.0", "2 * 3", "math.pi"]:
        names = {}
        exec(compile(shape.format(other), str(path), "exec"), names)
        if body == other:
            assert update_rule(names["rule"]).states == ()
        else:
            with pytest.raises(RuleError, match="not that of the code that runs"):
                update_rule(names["rule"])


def test_an_edited_file_is_refused(tmp_path):
    """Also where the module keeps its text: the file's is read again."""
    source = f"{HEADER}\n{RULE}"
    module = load(source, tmp_path)
    linecache.getlines(str(tmp_path / "rules.py"))
    (tmp_path / "rules.py").write_text(source.replace("lr * grad", "lr * weight * grad"))
    with pytest.raises(RuleError, match="not that of the code that runs"):
        update_rule(module.rule)


def test_bytecode_of_another_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "stale_rule_module.py"
    path.write_text(f"{HEADER}\n@update_rule\n{TWICE}")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(path), invalidation_mode=unchecked, doraise=True)
    path.write_text(f"{HEADER}\n@update_rule\n{RULE}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuleError, match="remove bytecode") as caught:
        importlib.import_module("stale_rule_module")
    assert caught.value.filename == str(path)


def test_functions_of_one_name_are_told_apart(tmp_path):
    source = f"{HEADER}\n{RULE}first = update_rule(rule)\n{TWICE}second = update_rule(rule)\n"
    module = load(source, tmp_path)
    assert module.first.lowered.constants == ["lr"]
    assert module.second.lowered.constants == ["2 * lr"]


def test_every_honest_place_is_accepted(tmp_path):
    source = '''
    """Rules wherever a function may stand."""
    from __future__ import annotations
    import math
    import math as m
    from weightopt_core import update_rule
    from weightopt_core.rule import clip, sqrt

    log = math

    @update_rule
    def documented(weight, grad, *, lr):
        """A docstring */ of
      several lines
            with \\n escapes."""
        return weight - lr * grad

    def make(rate, other):
        assert rate, other
        @update_rule
        def rule(weight, grad, mom: float, *, lr: float) -> tuple:
            """One line
            and another."""
            x: float = grad * math.sqrt(m.pi) * log.exp(lr)
            mom = (rate * mom +
    x * other)
            return weight - mom, mom
        return rule

    class Holder:
        @update_rule
        def inside(weight, grad, *, lr):
            return weight - lr * grad

        def method(self):
            rate = 2
            if rate:
                @update_rule
                def rule(weight, grad, *, lr): return weight - rate * lr * grad
            return rule

    try:
        @update_rule
        def tried(
            weight,
            grad, *,
            lr,  # a comment
        ):
            return (
                weight
                - lr  # another
                * grad)
    finally:
        pass
    one = update_rule(documented.function)
    '''
    module = load(source, tmp_path)
    weight = np.ones(3)
    for rule in (module.documented, module.Holder.inside, module.tried, module.one):
        assert rule.lowered.results == ["(wo_x0 - (wo_k0 * wo_x1))"]
    made = module.make(2, 3)
    assert made.lowered.constants[0] == "math.sqrt(m.pi)"
    assert made(weight, weight, weight, lr=0.0)[1] == pytest.approx([2 + 3 * np.pi**0.5] * 3)
    assert module.Holder().method().lowered.constants == ["rate * lr"]


def test_tabs_form_feeds_and_continued_lines(tmp_path):
    source = (
        "from weightopt_core import update_rule\n\f\n@update_rule\ndef rule(weight, grad, *, lr):\n"
        "\treturn weight - \\\n\t lr * grad\f\n\f\n@update_rule\n"
        "def other(weight, grad): return grad"
    )
    assert load(source, tmp_path).other.lowered.results == ["wo_x1"]


def test_a_name_that_a_class_changes_is_named(tmp_path):
    source = (
        f"{HEADER}\nclass A:\n    @update_rule\n    def rule(weight, grad, *, __x): return grad"
    )
    assert "changes the name '__x' within a class; use another" in refused(source, tmp_path, 9)


def test_a_name_used_before_it_is_assigned(tmp_path):
    for body in ("x = sqrt(grad)\n    sqrt = x", "x = LIMIT * grad\n    LIMIT = x"):
        source = f"{HEADER}\n@update_rule\ndef rule(weight, grad):\n    {body}\n    return x\n"
        assert "is used before it is assigned" in refused(source, tmp_path, 10)


def test_a_name_without_a_value_yet(tmp_path):
    source = f"""{HEADER}
def make():
    @update_rule
    def rule(weight, grad):
        return weight * later
    later = 1
make()
"""
    assert "'later' has no value yet" in refused(source, tmp_path, 11)


def test_numbers_of_numpy_from_outside_are_refused(tmp_path):
    """NumPy would compute in their type, whatever that of the arrays."""
    source = f"{HEADER}\nR = np.float64(2)\n@update_rule\ndef rule(weight, grad): return weight * R"
    assert "'R', which is a float64" in refused(source, tmp_path, 10)


def test_a_rule_of_a_doctest():
    text = """
    >>> from weightopt_core import update_rule
    >>> @update_rule
    ... def rule(weight, grad, *, lr):
    ...     return weight - lr * grad
    >>> rule.lowered.constants
    ['lr']
    """
    test = doctest.DocTestParser().get_doctest(text, {}, "text", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_a_rule_of_a_zip_file(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as file:
        file.writestr("zipped_rule_module.py", f"{HEADER}\n@update_rule\n{RULE}")
    monkeypatch.syspath_prepend(tmp_path / "zipped.zip")
    assert importlib.import_module("zipped_rule_module").rule.lowered.constants == ["lr"]


def test_a_rule_under_a_tracer(tmp_path):
    def tracer(frame, event, argument):
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        rule = load(f"{HEADER}\n@update_rule\n{RULE}", tmp_path).rule
        rule(np.ones(1), np.ones(1), lr=1.0)
        again = update_rule(rule.function)
    finally:
        sys.settrace(before)
    assert again.lowered.fingerprint == rule.lowered.fingerprint


def test_a_function_that_ran_often_is_still_its_text(tmp_path):
    function = load(f"{HEADER}\n{RULE}", tmp_path).rule
    for _ in range(100):  # the interpreter has specialised the instructions by then
        function(1.0, 2.0, lr=0.5)
    assert update_rule(function).lowered.constants == ["lr"]


@pytest.mark.parametrize("options", [[], ["-OO"]])
def test_a_module_and_its_bytecode(options, tmp_path):
    documented = RULE.replace(":\n", ':\n    """A docstring."""\n')
    (tmp_path / "held.py").write_text(f"{HEADER}\n@update_rule\n{documented}")
    code = "import held; print(held.rule.lowered.constants)"
    for _ in range(2):  # from the text, then from the bytecode
        done = subprocess.run(
            [sys.executable, *options, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "['lr']"


def test_a_program_from_standard_input_has_no_text():
    code = f"from weightopt_core import update_rule\n@update_rule\n{RULE}\nprint('accepted')\n"
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, check=False
    )
    # Later versions of Python keep the text.
    assert "accepted" in done.stdout or "put the rule into a .py file" in done.stderr


def test_what_is_called_like_a_function_of_rules_is_none(tmp_path):
    class Sly:
        """Equal to everything, and of any hash."""

        def __eq__(self, other):
            return True

        def __hash__(self):
            return hash(functools.partial)

        def __call__(self, x):
            return 2 * x

    source = f"{HEADER}\ndef decorate():\n    @update_rule\n    def rule(weight, grad):\n"
    source += "        return sly(grad)\n    return rule\n"
    module = load(source, tmp_path)
    module.sly = Sly()
    with pytest.raises(RuleError, match="a call of 'sly'"):
        module.decorate()
