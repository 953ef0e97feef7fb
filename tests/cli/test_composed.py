"""Schedules as text for the command line: what it stands for, and how errors name it."""

import itertools

import pytest

import weightopt_core as wo
from weightopt_core.cli.composed import create

PARTS = {"warmup_steps": 2, "max_update": 4}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("warmup:cosine", PARTS),
        ("warmup(warmup_steps=2):cosine(max_update=4)", {}),
        (" warmup (warmup_steps=2) : cosine (max_update=4) ", {}),
        ("warmup(warmup_steps=2):cosine", {"max_update": 4}),
        ("Warm-Up(warmup_steps=2, schedule=cosine(max_update=4))", {}),
        ("scale(factor=1):warmup(warmup_steps=2):cosine(max_update=4)", {}),
        ("sequence(schedules=[constant(warmup_steps=2), cosine(max_update=4)], step=(2,))", {}),
        ('["warmup", {"warmup_steps": 2, "schedule": ["cosine", {"max_update": 4}]}]', {}),
        ("WarmupScheduler(schedule=CosineScheduler(max_update=4), warmup_steps=2)", {}),
        ("warmup(warmup_steps=2, warmup_mode=linear):cosine(max_update=4)", {}),
        ("cosine(max_update=6, warmup_steps=2, warmup_mode='linear')", {}),
    ],
    ids=itertools.count(),
)
def test_what_it_stands_for(text, given):
    expected = wo.lr_scheduler.create("cosine", max_update=6, warmup_steps=2)
    found = create(text, given)
    assert [found(n) for n in range(9)] == pytest.approx([expected(n) for n in range(9)])


@pytest.mark.parametrize("text", ["warmup(warmup_steps=2):cosine(max_update=4)", "one-cycle"])
def test_what_repr_prints_is_read(text):
    made = create(text, {"base_lr": 0.5} if ":" in text else {"max_update": 5})
    assert create(repr(made), {}).dumps() == made.dumps()


def test_the_initial_rate_reaches_what_is_held():
    schedule = create("warmup(warmup_steps=2):constant", {"base_lr": 0.5})
    assert [schedule(n) for n in (1, 2, 3)] == [0.25, 0.5, 0.5]


FORM = r"schedule: expected NAME or NAME\(ARGUMENT=VALUE, ...\), and after a colon"


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("warmup:", {"warmup_steps": 2}, FORM),
        ("", {}, FORM),
        ("warmup(warmup_steps=2)cosine", {}, FORM),
        ("warmup(warmup_steps=2", {}, FORM),
        ("cosine(max_update=3)(4)", {}, FORM),
        ("(" * 999, {}, FORM),
        ("cosine(" + "(" * 9999, {}, FORM),
        ("cosine(max_update='\0')", {}, FORM),
        ("warmup:cosine", {"warmup_steps": 2}, r"schedule: CosineScheduler\(\) needs 'max_update'"),
        ("warmup(warmup_steps=2):cosin(max_update=3)", {}, "unknown scheduler 'cosin'; did you m"),
        ("cosine", {"max_updat": 2}, r"CosineScheduler\(\) needs 'max_update', an integer in"),
        ("constant", {"base": 2}, r"ConstantScheduler\(\) has no argument 'base'; "),
        ("cosine(9)", {}, r"cosine: expected ARGUMENT=VALUE in brackets, got '\(9\)'"),
        ("cosine(**{})", {}, r"cosine: expected ARGUMENT=VALUE in brackets, got '\(\*\*{}\)'"),
        ("scale(schedule=constant(3))", {}, r"constant: expected ARGUMENT=VALUE in brackets, got"),
        ("cosine(max_update=1+1)", {}, "max_update: expected a number, a word, a list of these"),
        ("cosine(max_update=[1][0])", {}, "max_update: expected a number, a word, a list of these"),
        ("cosine(max_update=exit())", {}, r"max_update: expected an integer in \[1, inf\), got"),
        ("cosine(max_update=3, max_update=4)", {}, "max_update: expected one value, got two in"),
        ("cosine(max_update=3)", {"max_update": 4}, "max_update: expected one value, got another"),
        ("warmup(schedule=constant):constant", {}, "schedule: expected one value, got another"),
        ('["constant", {}]', {"base_lr": 4}, "scheduler: expected a name beside further argu"),
        ("sequence(step=[1]):constant", {}, r"SequenceScheduler\(\) needs 'schedules', a list"),
    ],
)
def test_what_is_wrong_is_named(text, given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        create(text, given)
