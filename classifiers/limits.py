"""The limits that follow from unseen rows: asking a person, raising an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classifiers.calibration import review_threshold, wilson_lower
from classifiers.dataset import Row
from classifiers.model import Rules
from classifiers.ngrams import Floats, Ints
from classifiers.second import fit_second
from classifiers.urgency import Alarm, Limits, Words, danger_share, log_odds

PRECISION = 0.95  # the lower bound that the answers above a category's threshold must reach
HIGHEST_THRESHOLD = 0.97  # above this a category would hardly ever be answered without a human
HAZARD_RECALL, LEAST_RECALL = 0.997, 0.992
FALSE_ALARMS, MOST_FALSE_ALARMS = 0.01, 0.09
DOUBT = 0.5  # of the alarm: from there on a human looks


def thresholds(names: Sequence[str], shares: Floats, truth: Ints) -> dict[str, float]:
    """For each class the confidence from which 95 % of its answers are right."""
    said, confidence = shares.argmax(axis=1), shares.max(axis=1)
    out: dict[str, float] = {}
    for index, name in enumerate(names):
        chosen = said == index
        correct = (truth[chosen] == index).astype(np.float64)
        wanted = review_threshold(confidence[chosen], correct, PRECISION)
        out[name] = round(min(wanted, HIGHEST_THRESHOLD), 4)
    return out


def _fit_danger(words: Sequence[Words], safety: Floats, danger: Floats) -> tuple[Limits, Floats]:
    """Weights of head and words, and what they say of each row."""
    from classifiers.linear import fit  # noqa: PLC0415 - scipy, training only

    odds = np.array([log_odds(float(one)) for one in safety])
    says = [np.array([one.alarm is alarm for one in words], dtype=np.float64) for alarm in (Alarm.DANGER, Alarm.CHECK)]
    data = np.column_stack((odds, *says))
    weights, bias = fit(data, np.column_stack((1 - danger, danger)), decay=1e-4, iterations=500)
    apart = weights[:, 1] - weights[:, 0]
    head, certain, doubtful = apart.tolist()
    limits = Limits(head=head, danger=certain, check=doubtful, bias=float(bias[1] - bias[0]), alarm=0.5, doubt=0.5)
    return limits, np.array([danger_share(one, float(share), limits) for one, share in zip(words, safety, strict=True)])


def hazard_limits(words: Sequence[Words], safety: Floats, danger: Floats) -> tuple[Limits, float]:
    """Limits for alarm and doubt, and how often an alarm under them was right (lower bound).

    The alarm goes off as early as the dangers need, as far as 1 % of false alarms allow; it finds 99.2 % also where
    that costs more, but at 9 % nobody would listen. Among our rows every third is near danger: among people's
    messages it is a fraction of these.
    """
    limits, share = _fit_danger(words, safety, danger)
    dangers, others = np.sort(share[danger == 1]), np.sort(share[danger == 0])[::-1]
    if not len(dangers) or not len(others):
        return limits, 0.0
    needed = float(dangers[int((1 - HAZARD_RECALL) * len(dangers))])
    allowed, bearable = (float(others[int(one * len(others))]) for one in (FALSE_ALARMS, MOST_FALSE_ALARMS))
    alarm = max(needed, bearable, min(allowed, float(dangers[int((1 - LEAST_RECALL) * len(dangers))])))
    limits = replace(limits, alarm=round(alarm, 6), doubt=round(alarm * DOUBT, 6))
    raised = share >= limits.alarm
    return limits, round(wilson_lower(float(danger[raised].sum()), int(raised.sum())), 4)


def rules(rows: Sequence[Row], names: Sequence[str], shares: Floats, hazard: tuple[Limits, float]) -> Rules:
    """All limits for one way to serve, from the probabilities that it gave unseen rows."""
    truth = np.array([names.index(row.category) for row in rows])
    return Rules(thresholds(names, shares, truth), fit_second(rows, names, shares), *hazard)
