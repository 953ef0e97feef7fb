"""Which recorded cases are excused, by row of docs/departures.md."""

from golden_cases import cases, manifest

#: The optimizers whose numbers are recorded; SGLD is random and recorded by its statistics.
CLASSES = {case["class"] for case in manifest()["cases"]} - {"SGLD"}
#: Rows of docs/departures.md by what a case shows, its tag or a quirk; the first counts.
ROWS = {
    "clip_zero": 9,
    "clip_negative": 9,
    "clip_weights_zero": 9,
    "negative_momentum": 10,
    "nadam_m_schedule_shared": 4,
    "nadam_wd_multiplies_grad": 4,
    "adadelta_ignores_lr": 6,
    "ftrl_scheduler_base_lr_0.01": 7,
    "adamax_zero_grad_nan": 8,
    "lr_read_before_count": 1,
}
#: A restart keeps the counts, which MXNet loses; then the run is as that of the case named here.
UNINTERRUPTED = {"adam_034": "adam_033", "adamax_033": "adamax_032"}
RESUMED_ROW = 14


def row(case):
    """Return the row of docs/departures.md that excuses a case, or 0."""
    if case["id"] in UNINTERRUPTED:
        return RESUMED_ROW
    shown = {case["tag"], *case.get("quirks", [])}
    return next((number for name, number in ROWS.items() if name in shown), 0)


def recorded_in(case):
    return f"opt_{case['class'].lower()}.npz"


CASES = cases(classes=CLASSES)
LATER = cases("mx191_manifest.json", classes=CLASSES)
