"""The recorded runs of MXNet 0.11, and of 1.9.1 where 0.11 is departed from on purpose."""

import pytest
from golden_cases import cases, compare, manifest

#: Optimizers that stand, and with which tolerance the recorded cases hold.
CLASSES = ("SGD", "ccSGD", "Adam")
#: Why a case of 0.11 is not matched as recorded, by row of docs/departures.md.
ERROR_ROWS = {"clip_zero": 9, "clip_negative": 9, "negative_momentum": 10}
#: Cases whose counterpart of 1.9.1 is matched instead.
LATER_ROWS = {"lr_read_before_count": 1}
#: A restart keeps the counts, which MXNet loses: only Adam's bias correction notices.
RESUMED = {"adam_034": 14}

CASES = cases(classes=CLASSES)
LATER = cases("mx191_manifest.json", classes=CLASSES)


def half(case):
    return any("float16" in parameter["stream"] for parameter in case["params"])


def row(case):
    """Return the row of docs/departures.md that excuses a case, or 0."""
    if case["id"] in RESUMED:
        return RESUMED[case["id"]]
    for quirk in case.get("quirks", []):
        if quirk in LATER_ROWS:
            return LATER_ROWS[quirk]
    return ERROR_ROWS.get(case["tag"], 0)


def recorded_in(case):
    return f"opt_{case['class'].lower()}.npz"


@pytest.mark.parametrize(
    "case", [c for c in CASES.values() if not row(c) and not half(c)], ids=lambda c: c["id"]
)
def test_matches_0_11(case):
    compare(case, recorded_in(case))


@pytest.mark.parametrize(
    "case",
    [c for c in LATER.values() if "lr_read_before_count" in c.get("quirks", [])],
    ids=lambda c: c["id"],
)
def test_matches_1_9_1_where_0_11_reads_the_rate_before_counting(case):
    compare(case, "mx191_opt.npz")


@pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c["tag"] in ERROR_ROWS], ids=lambda c: c["id"]
)
def test_values_out_of_range_are_errors(case):
    with pytest.raises(ValueError, match=r"expected .*, got"):
        compare(case, recorded_in(case))


@pytest.mark.parametrize("name", RESUMED)
def test_a_resumed_run_is_as_an_uninterrupted_one(name):
    twin = {"adam_034": "adam_033"}[name]
    compare(CASES[name] | {"id": twin}, "opt_adam.npz")


def test_every_excused_case_differs_as_its_row_says():
    excused = {case["id"]: row(case) for case in CASES.values() if row(case)}
    for name, number in excused.items():
        if number == 1:
            assert name in LATER, f"{name} has no counterpart in 1.9.1"
    assert {number for number in excused.values()} == {1, 9, 10, 14}
    assert len(CASES) + len(manifest()["cases"]) > len(excused)
