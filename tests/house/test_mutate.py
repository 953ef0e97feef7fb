"""`make mutate`: the wrong changes that it makes, and what it says of those that nobody notices."""

import modules
import operators
import pytest
import sample
import trial

PYTHON = '''"""One < two."""
def limited(value, low=0, high=10):
    if value < low and not value == 1:  # below < above
        raise ValueError("value < low")
    return min(value, high) + 1
'''
C = """/* a < b */
#define ZERO 0
int limited(int value, int high)
{
    if (value < 0 && high > 1) {
        count -= 1;
        return max(value, high) * 2;
    }
}
"""
#: File, text, and for each operator what stands in the text and what comes in its place.
CASES = {
    "a.py": (
        PYTHON,
        {
            "comparison": {("<", "<="), ("==", "!=")},
            "logic": {("and", "or")},
            "constant": {("1", "(1 + 1)"), ("1", "(1 - 1)")},  # and none of the line of `def`
            "condition": {
                ("if value < low and not value == 1", "if not (value < low and not value == 1)")
            },
            "arithmetic": {("+", "-")},
            "choice": {("min", "max")},
            "arguments": {("min(value, high", "min(high, value")},
            "result": {("    return min(value, high) + 1", "    return None")},
            "statement": {('        raise ValueError("value < low")', "        pass")},
        },
    ),
    "a.c": (
        C,
        {
            "comparison": {("<", "<="), (">", ">=")},
            "logic": {("&&", "||")},
            "constant": {("0", "1"), ("1", "(1 + 1)"), ("1", "(1 - 1)")}
            | {("2", "(2 + 1)"), ("2", "(2 - 1)")},
            "condition": {
                ("if (value < 0 && high > 1)", "if (!(value < 0 && high > 1))"),
            },
            "arithmetic": {("*", "+")},
            "choice": {("max", "min")},
            "arguments": {("max(value, high", "max(high, value")},
            "statement": {("        count -= 1;", "        ;")},
        },
    ),
}


@pytest.mark.parametrize("file", CASES)
def test_each_operator_changes_code_and_no_text(file):
    text, expected = CASES[file]
    found = {}
    for mutant in operators.mutants(file, text):
        found.setdefault(mutant.operator, set()).add((mutant.before, mutant.after))
    assert found == expected


def test_every_mutant_of_a_module_is_another_program():
    (file,) = sample.sources(["weightopt_core/optimizer/multipliers.py"])
    text = (trial.ROOT / file).read_text()
    mutants = list(operators.mutants(file, text))
    assert len(mutants) > 30
    programs = {mutant.apply(text) for mutant in mutants}
    assert len(programs) > 0.9 * len(mutants)  # two operators may make the same of a line
    assert text not in programs
    for program in programs:
        compile(program, file, "exec")
    with pytest.raises(ValueError, match="another text than the mutant was made for"):
        mutants[0].apply(text[1:])


@pytest.mark.long
def test_a_sample_has_some_of_each_operator_and_goes_on_from_a_smaller_one():
    found = sample.every(sample.sources(["weightopt_core/reductions.py", "weightopt_core/kernels"]))
    large = sample.sampled(found, 60, seed=1)
    assert sample.sampled(found, 20, seed=1) == large[:20]
    assert sample.sampled(found, 20, seed=2) != large[:20]
    assert {mutant.operator for mutant in large[:20]} == {mutant.operator for mutant in found}
    written = ("reduction.c", "memoryviews.c")  # by Cython
    assert not any(mutant.file.endswith(written) for mutant in found)
    assert any(mutant.file.endswith("pool.c") for mutant in found)
    with pytest.raises(SystemExit, match="expected files of"):
        sample.sources(["nowhere"])


def test_the_tests_of_every_source_exist():
    for file in sample.sources([trial.PACKAGE]):
        for path in trial.tests_of(file):
            assert (trial.ROOT / path).exists(), (file, path)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("engine/seeding.py", set()),
        ("kernels/seeding.pyx", {"seeding"}),
        ("engine/powers.h", {"powers"}),
        ("ctext/probe.h", {"driver"}),
        ("kernels/reduction.pyx", {"reduction"}),
    ],
)
def test_a_change_builds_the_modules_that_its_file_takes_part_in(file, names):
    package = trial.ROOT / trial.PACKAGE
    assert modules.built_from(package / file, package) == names


def test_headers_and_c_reach_modules_through_others():
    package = trial.ROOT / trial.PACKAGE
    assert modules.built_from(package / "engine/recognise.h", package) >= {
        "recognise_arrays", "recognise_objects", "bound_arrays", "compiled_step",
    }  # fmt: skip
    assert modules.built_from(package / "kernels/pool.c", package) >= {"parallel", "finite"}


def test_tests_with_the_name_of_a_file_come_first():
    file = "weightopt_core/rule/printers/latex.py"
    tests = trial.tests_of(file)
    assert "tests/rule/test_latex.py" not in tests
    assert trial.in_order(file, tests) == ["tests/rule/test_latex.py", *tests]


def test_survivors_are_listed_and_what_does_not_build_is_not_counted(tmp_path):
    mutants = sample.sampled(sample.every(sample.sources(["weightopt_core/keys.py"])), 4, 0)
    outcomes = dict(zip(mutants, ["noticed", "timeout", "survived", "invalid"], strict=True))
    results = tmp_path / "results.json"
    assert sample.stored(results) == {}
    sample.store(results, outcomes)
    assert sample.stored(results) == outcomes
    *listed, last = sample.summary(outcomes).splitlines()
    assert listed == [sample.shown(mutants[2])]
    assert last == "3 mutants, 66.7 % noticed (1 invalid, 1 noticed, 1 survived, 1 timeout)"


BUSY = "import time\nwhile time.process_time() < 1: pass\n"
SOAK = "import pytest\n@pytest.mark.soak\n"


def judged(folder, monkeypatch, tests, limit=60):
    """Return the outcome of a mutant of a module of one function, and whether it is as before."""
    source = folder / "source.py"
    source.write_text("def next_of(i):\n    return i + 1\n")
    (folder / "test_source.py").write_text(f"from source import next_of\n{tests}")
    monkeypatch.setattr(trial, "tests_of", lambda file: ["test_source.py"])
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # nothing is imported in vain
    before = source.read_text()
    (mutant,) = [m for m in operators.mutants("source.py", before) if m.operator == "arithmetic"]
    outcome = trial.Copy(folder).judge(mutant, limit)
    return outcome, source.read_text() == before


@pytest.mark.long
@pytest.mark.parametrize(
    ("outcome", "tests", "limit"),
    [
        (trial.NOTICED, "def test(): assert next_of(1) == 2", 60),
        (trial.SURVIVED, "def test(): assert next_of(1) in (0, 2)", 60),
        (trial.TIMEOUT, "def test():\n    while next_of(1) == 0: pass", 2),
        # What takes long without a mutant may take long with one.
        (trial.SURVIVED, f"{BUSY}def test(): assert next_of(1) in (0, 2)", 1),
        # Tests that are not run by default are not.
        (trial.SURVIVED, f"{SOAK}def test(): assert next_of(1) == 2", 60),
    ],
)
def test_a_mutant_is_judged_and_the_file_restored(outcome, tests, limit, tmp_path, monkeypatch):
    assert judged(tmp_path, monkeypatch, tests, limit) == (outcome, True)


def test_tests_that_fail_without_a_mutant_are_an_error(tmp_path, monkeypatch):
    """Otherwise an environment that is broken would notice every mutant."""
    with pytest.raises(RuntimeError, match="the tests do not pass without a mutant"):
        judged(tmp_path, monkeypatch, "def test(): assert False")
