"""Fused views, the gate, the bank of neighbours: on made-up numbers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.calibration import expected_calibration_error, softmax
from classifiers.fusion import SHARED, fit_fusion, fit_scales, group_of
from classifiers.gate import IN_SCOPE_LOST, fit_gate
from classifiers.neighbours import make_bank, nearness, nearness_of

CHANCE = np.random.default_rng(11)


def _views(rows: int, heat: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that are right, the same overconfident by `heat`, and labels drawn from them."""
    right = CHANCE.normal(size=(rows, 4)) * 2
    shares = softmax(right)
    truth = np.array([CHANCE.choice(4, p=row) for row in shares])
    return right, right * heat, truth


@pytest.mark.parametrize("heat", [0.25, 1.0, 5.0])
def test_scales_undo_overconfidence(heat: float) -> None:
    _, loud, truth = _views(4000, heat)
    scales = fit_scales([loud], truth)
    assert scales.views[0] * heat == pytest.approx(1.0, abs=0.15)
    shares = softmax(scales.fuse([loud]))
    assert expected_calibration_error(shares.max(1), (shares.argmax(1) == truth).astype(float)) < 0.03


def test_a_view_of_noise_gets_next_to_no_say() -> None:
    right, _, truth = _views(3000, 1.0)
    noise = CHANCE.normal(size=right.shape)
    scales = fit_scales([right, noise], truth)
    assert scales.views[1] < 0.2 * scales.views[0]


def test_a_group_has_scales_of_its_own_only_when_it_has_rows() -> None:
    _, loud, truth = _views(1000, 2.0)
    groups = ["latin"] * 700 + ["native"] * 250 + ["romanised"] * 50
    fusion = fit_fusion([loud], truth, groups)
    assert set(fusion.groups) == {SHARED, "latin", "native"}
    shares = fusion.probabilities([loud], groups)
    assert shares.sum(axis=1) == pytest.approx(np.ones(1000))


def test_groups_go_by_script_and_language() -> None:
    assert group_of("චාජර් එක", "si") == "native"
    assert group_of("charger eka", "si-Latn") == "romanised"
    assert group_of("the charger", "en") == "latin"
    assert group_of("12345", "und") == "latin"


def test_the_gate_turns_strangers_away_and_loses_a_twentieth_of_the_good() -> None:
    good = np.column_stack((np.full(2000, 0.9), np.full(2000, 0.1))) + CHANCE.normal(size=(2000, 1)) * [0.03, -0.03]
    strange = np.column_stack((np.full(200, 0.55), np.full(200, 0.45)))
    near_good, near_strange = CHANCE.normal(0.8, 0.05, 2000), CHANCE.normal(0.4, 0.05, 200)
    gate = fit_gate(
        np.clip(np.concatenate((good, strange)), 0.01, 0.99),
        np.concatenate((near_good, near_strange)),
        np.concatenate((np.ones(2000), np.zeros(200))),
    )
    kept = gate.trust(np.clip(good, 0.01, 0.99), near_good) >= gate.limit
    refused = gate.trust(strange, near_strange) < gate.limit
    assert 1 - kept.mean() == pytest.approx(IN_SCOPE_LOST, abs=0.01)
    assert refused.mean() > 0.95


def test_a_gate_without_bad_examples_lets_everything_pass() -> None:
    shares = np.array([[0.9, 0.1], [0.2, 0.8]])
    gate = fit_gate(shares, np.array([0.5, 0.5]), np.ones(2))
    assert (gate.trust(shares, np.array([0.1, 0.9])) >= gate.limit).all()


@given(st.integers(1, 30), st.integers(2, 16))
@settings(max_examples=40, deadline=None)
def test_the_bank_finds_a_row_itself_first(rows: int, size: int) -> None:
    chance = np.random.default_rng(rows * 100 + size)
    vectors = chance.normal(size=(rows, size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bank = make_bank(vectors, tuple(map(str, range(rows))), ("x",) * rows)
    place, cosine = bank.nearest(vectors[0], 1)[0]
    assert float(vectors[place] @ vectors[0]) > 0.97
    assert cosine <= 1.0
    assert nearness(bank.similar(vectors[0])) <= 1.02
    assert nearness_of(vectors[:1], vectors)[0] == pytest.approx(nearness(vectors @ vectors[0]), abs=1e-4)
