"""Whether a candidate may serve: better on the same rows, no worse on dangers and on any slice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import promotion
from classifiers.dataset import Row
from classifiers.drift import compare as drifted
from classifiers.evaluate import Answer
from classifiers.model import Model
from classifiers.model_files import SHIPPED, load_model
from classifiers.promotion import Answered, Verdict, compare, frozen_rows, judge, paired_difference
from tests.lessons import leaning


@pytest.fixture(scope="module")
def shipped() -> Model:
    """View A alone: what is judged is a comparison, whatever is compared."""
    return load_model(SHIPPED, with_encoder=False)


@pytest.fixture(autouse=True)
def _every_third_row(monkeypatch: pytest.MonkeyPatch) -> None:
    few = promotion.frozen_rows()[::3]
    monkeypatch.setitem(globals(), "frozen_rows", lambda: few)


def blurred(model: Model, *, share: float, seed: int = 1) -> Model:
    """A model of the same labels that has a share of its words speak for the wrong category."""
    head = model.category.words
    weights = head.weights.copy()
    wrong = np.random.default_rng(seed).random(len(weights)) < share
    weights[wrong] = np.roll(weights[wrong], 1, axis=1)
    words = replace(head, weights=weights)
    return replace(model, version="blurred", category=replace(model.category, words=words))


def lean(model: Model, category: str, by: float) -> Model:
    """A model that sees one category everywhere."""
    return replace(model, version="leaning", category=leaning(model.category, category, by))


def bad(verdict: Verdict, code: str) -> list[dict[str, object]]:
    return [reason.facts for reason in verdict.reasons if reason.code == code and not reason.good]


def test_a_model_that_is_surely_better_is_promoted(shipped: Model) -> None:
    verdict = judge(lean(blurred(shipped, share=0.5), "other", -3.0), shipped, frozen_rows(), [])
    assert verdict.passed, verdict.as_json()
    assert verdict.rule == "better"
    assert 0 < verdict.low <= verdict.difference <= verdict.high
    assert (verdict.frozen_rows, verdict.newest_rows) == (len(frozen_rows()), 0)
    assert json.loads(json.dumps(verdict.as_json()))["passed"] is True


def test_a_worse_one_and_the_same_one_are_not(shipped: Model) -> None:
    worse = judge(shipped, blurred(shipped, share=0.5), frozen_rows(), [])
    assert not worse.passed
    assert worse.high < 0
    assert bad(worse, "not_better")
    same = judge(shipped, shipped, frozen_rows(), [])
    assert (same.passed, same.rule, same.difference) == (False, None, 0.0)


def test_a_slice_that_loses_is_named(shipped: Model) -> None:
    verdict = judge(blurred(shipped, share=0.9), lean(shipped, "fault", 1.2), frozen_rows(), [])
    against = judge(shipped, lean(shipped, "fault", 1.2), frozen_rows(), [])
    assert verdict.rule == "better"
    lost = bad(against, "slice")
    assert lost
    for facts in lost:
        assert facts["kind"] in ("language", "category")
        assert int(str(facts["rows"])) >= 50
        assert float(str(facts["was"])) - float(str(facts["now"])) > 0.02


def test_the_newest_month_is_a_slice_of_its_own(shipped: Model) -> None:
    newest = [replace(row, text=f"{row.text} please") for row in frozen_rows()[:80]]
    verdict = judge(shipped, lean(shipped, "other", 3.0), frozen_rows(), newest)
    assert verdict.newest_rows == 80
    assert [facts["rows"] for facts in bad(verdict, "slice") if facts["kind"] == "newest"] == [80]


def deaf(model: Model, alarm: float) -> Model:
    """A model that raises an alarm only from this probability of danger on."""
    limits = replace(model.alone.hazard_limits, alarm=alarm)
    return replace(model, alone=replace(model.alone, hazard_limits=limits))


def test_a_model_that_finds_fewer_dangers_never_passes(shipped: Model) -> None:
    frozen = [*frozen_rows(), *(Row(text, "fault", text, urgency="safety") for text in SUBTLE)]
    found = judge(blurred(deaf(shipped, 0.0), share=0.5), deaf(shipped, 2.0), frozen, [])
    assert found.rule == "better"
    [missed] = bad(found, "hazards")
    assert float(str(missed["now"])) < float(str(missed["was"]))
    assert not found.passed


SUBTLE = ("the plastic around the pins turned black and soft", "my fingers tickle whenever i hold the handle")


def test_alarms_above_one_percent_need_a_precedent(shipped: Model) -> None:
    nervous = deaf(shipped, 0.0)
    verdict = judge(blurred(shipped, share=0.5), nervous, frozen_rows(), [])
    assert bad(verdict, "alerts")
    assert not verdict.passed
    calmer = judge(blurred(nervous, share=0.5), shipped, frozen_rows(), [])
    assert not bad(calmer, "alerts")


# Answers, whoever gave them: a version of ours or a brain of others -------------------------------------------------


def asked(count: int = 400, *, language: str | None = None) -> list[Row]:
    """Rows that tell nothing but their category, and where it is given their language."""
    names = ("fault", "billing", "rfid", "info")
    return [Row(f"m{number}", names[number % 4], f"f{number}", language=language) for number in range(count)]


def answered(
    rows: Sequence[Row], label: str = "theirs@1", *, wrong: Callable[[int], bool] = lambda _: False,
    sure: float = 0.95, unsure: float | None = None,
) -> Answered:  # fmt: skip
    """Answers to rows, some of them wrong; `sure` is the confidence, `unsure` that of the wrong ones."""
    said = [
        Answer("other", sure if unsure is None else unsure) if wrong(number) else Answer(row.category, sure)
        for number, row in enumerate(rows)
    ]
    return Answered(label, said)


def tenth(number: int) -> bool:
    return number % 10 == 0


def test_answers_are_judged_as_models_are() -> None:
    rows = asked()
    verdict = compare(answered(rows, "ours@1", wrong=tenth), answered(rows), rows)
    assert (verdict.serving, verdict.candidate, verdict.rule, verdict.passed) == ("ours@1", "theirs@1", "better", True)
    with pytest.raises(ValueError, match="399 answers to 400 rows"):
        compare(answered(rows), answered(rows[1:]), rows)


def test_surer_though_no_better_passes_by_a_rule_of_its_own() -> None:
    rows = asked()
    flat, sharp = answered(rows, wrong=tenth, sure=0.5), answered(rows, wrong=tenth, unsure=0.3)
    verdict = compare(flat, sharp, rows)
    assert (verdict.passed, verdict.rule, verdict.difference) == (True, "surer", 0.0)
    facts = verdict.reasons[0].facts
    assert facts["ece"] < facts["ece_was"]
    assert facts["coverage"] > facts["coverage_was"]
    assert compare(sharp, flat, rows).rule is None
    worse = answered(rows, wrong=lambda number: number % 10 == 0 or number % 50 == 1, unsure=0.3)
    assert compare(flat, worse, rows).rule is None


@pytest.mark.parametrize(
    ("was", "now", "good"),
    [(1.0, 0.96, True), (1.0, 0.94, False), (0.8, 0.94, True), (0.8, 0.85, True), (0.8, 0.75, False)],
)
def test_confidence_may_be_off_by_five_percent_or_by_as_much_as_in_service(was: float, now: float, good: bool) -> None:
    rows = asked()
    verdict = compare(answered(rows, sure=was), answered(rows, sure=now), rows)
    [reason] = [one for one in verdict.reasons if one.code == "calibration"]
    assert reason.good is good
    assert reason.facts == pytest.approx({"rows": 400, "was": 1 - was, "now": 1 - now})


def test_better_but_too_sure_or_too_modest_does_not_pass() -> None:
    rows = asked()
    ours = answered(rows, wrong=lambda number: number % 2 == 0, sure=0.5)
    for theirs in (answered(rows, sure=0.9), answered(rows, wrong=tenth, sure=1.0)):
        verdict = compare(ours, theirs, rows)
        assert verdict.rule == "better"
        assert bad(verdict, "calibration")
        assert not verdict.passed


def test_a_slice_is_judged_from_fifty_rows_on_and_urgency_where_rows_tell_it() -> None:
    few = [*asked(80, language="en"), *asked(49, language="si")]
    english = [reason.facts for reason in compare(answered(few), answered(few), few).reasons if reason.code == "slice"]
    assert [(facts["slice"], facts["rows"]) for facts in english] == [("en", 80)]
    assert {reason.code for reason in compare(answered(few), answered(few), few).reasons} == {
        "not_better", "calibration", "slice"
    }  # fmt: skip


def test_other_labels_and_no_rows_are_refused(shipped: Model) -> None:
    head = shipped.category
    words = replace(head.words, names=("coffee", *head.names[1:]))
    strange = replace(shipped, category=replace(head, words=words))
    verdict = judge(shipped, strange, frozen_rows(), [])
    assert [(reason.code, reason.good) for reason in verdict.reasons] == [("other_labels", False)]
    assert "coffee" in verdict.reasons[0].facts["labels"]
    assert [reason.code for reason in judge(shipped, shipped, [], []).reasons] == ["no_rows"]


labels = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=60)


@given(labels)
@settings(deadline=None)
def test_the_interval_is_that_of_the_mirror_and_holds_together(rows: Sequence[tuple[int, int, int]]) -> None:
    truth, old, new = (np.array(column) for column in zip(*rows, strict=True))
    difference, low, high = paired_difference(truth, old, new, 4)
    back, back_low, back_high = paired_difference(truth, new, old, 4)
    assert -1 <= low <= high <= 1
    assert (difference, low, high) == pytest.approx((-back, -back_high, -back_low))
    assert paired_difference(truth, old, old, 4) == (0.0, 0.0, 0.0)


@given(labels)
@settings(deadline=None)
def test_who_is_right_everywhere_is_never_worse(rows: Sequence[tuple[int, int, int]]) -> None:
    truth, old, _ = (np.array(column) for column in zip(*rows, strict=True))
    difference, low, _high = paired_difference(truth, old, truth, 4)
    assert difference >= 0
    assert low >= 0


counts = st.dictionaries(st.sampled_from(["fault", "billing", "rfid", "info"]), st.integers(0, 500))


@given(counts, counts)
def test_drift_is_bounded_symmetric_and_nothing_between_equals(a: dict[str, int], b: dict[str, int]) -> None:
    there, back = drifted(a, b), drifted(b, a)
    assert 0 <= there.divergence <= 1
    assert 0 <= there.p <= 1
    assert (there.divergence, there.chi_square) == pytest.approx((back.divergence, back.chi_square))
    same = drifted(a, a)
    assert not same.differs
    assert same.divergence == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("before", "now", "differs"),
    [
        ({"fault": 500, "billing": 500}, {"fault": 10, "billing": 90}, True),
        ({"fault": 500, "billing": 500}, {"fault": 52, "billing": 48}, False),
        ({"fault": 50_000, "billing": 50_000}, {"fault": 5_150, "billing": 4_850}, False),  # proven, and too small
        ({"fault": 500, "billing": 500}, {"fault": 0, "billing": 9}, False),  # too few to tell
        ({}, {"fault": 50}, False),
    ],
)
def test_a_week_differs_when_it_is_sure_and_matters(before: dict[str, int], now: dict[str, int], differs: bool) -> None:
    assert drifted(before, now).differs is differs


def test_the_chi_square_tail_is_the_tables() -> None:
    from classifiers import drift

    tail: Callable[[float, int], float] = drift._p
    for chi, degrees, p in ((3.841, 1, 0.05), (6.635, 1, 0.01), (12.592, 6, 0.05), (16.812, 6, 0.01)):
        assert tail(chi, degrees) == pytest.approx(p, abs=0.004)
