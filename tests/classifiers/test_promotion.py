"""Whether a candidate may serve: better on the same rows, no worse on dangers and on any slice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import promotion
from classifiers.dataset import Row
from classifiers.drift import compare
from classifiers.model import SHIPPED, Model, load_model
from classifiers.promotion import Verdict, frozen_rows, judge, paired_difference
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


def test_surer_though_no_better_passes_by_a_rule_of_its_own() -> None:
    truth = np.arange(400) % 4
    said = truth.copy()
    said[::10] = (said[::10] + 1) % 4
    correct = (said == truth).astype(np.float64)
    flat, sharp = np.full(400, 0.5), np.where(correct == 1, 0.95, 0.3)
    old, new = (promotion._Side(said, confidence, correct, ()) for confidence in (flat, sharp))
    rule, [reason] = promotion._rule(*paired_difference(truth, said, said, 4), old, new)
    assert (rule, reason.code, reason.good) == ("surer", "surer", True)
    assert reason.facts["ece"] < reason.facts["ece_was"]
    assert reason.facts["coverage"] > reason.facts["coverage_was"]
    assert promotion._rule(*paired_difference(truth, said, said, 4), new, old)[0] is None
    assert promotion._rule(0.0, -0.003, 0.0, old, new)[0] is None


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
def test_the_interval_is_that_of_the_mirror_and_holds_together(rows: Sequence[tuple[int, int, int]]) -> None:
    truth, old, new = (np.array(column) for column in zip(*rows, strict=True))
    difference, low, high = paired_difference(truth, old, new, 4)
    back, back_low, back_high = paired_difference(truth, new, old, 4)
    assert -1 <= low <= high <= 1
    assert (difference, low, high) == pytest.approx((-back, -back_high, -back_low))
    assert paired_difference(truth, old, old, 4) == (0.0, 0.0, 0.0)


@given(labels)
def test_who_is_right_everywhere_is_never_worse(rows: Sequence[tuple[int, int, int]]) -> None:
    truth, old, _ = (np.array(column) for column in zip(*rows, strict=True))
    difference, low, _high = paired_difference(truth, old, truth, 4)
    assert difference >= 0
    assert low >= 0


counts = st.dictionaries(st.sampled_from(["fault", "billing", "rfid", "info"]), st.integers(0, 500))


@given(counts, counts)
def test_drift_is_bounded_symmetric_and_nothing_between_equals(a: dict[str, int], b: dict[str, int]) -> None:
    there, back = compare(a, b), compare(b, a)
    assert 0 <= there.divergence <= 1
    assert 0 <= there.p <= 1
    assert (there.divergence, there.chi_square) == pytest.approx((back.divergence, back.chi_square))
    same = compare(a, a)
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
    assert compare(before, now).differs is differs


def test_the_chi_square_tail_is_the_tables() -> None:
    from classifiers import drift

    tail: Callable[[float, int], float] = drift._p
    for chi, degrees, p in ((3.841, 1, 0.05), (6.635, 1, 0.01), (12.592, 6, 0.05), (16.812, 6, 0.01)):
        assert tail(chi, degrees) == pytest.approx(p, abs=0.004)
