"""From what people labelled to rows that teach: quarrels left out, nobody too loud, a part kept back to measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifiers.dataset import Row
from classifiers.fold import fold
from models.reading import Urgency
from models.teaching import Labelled

CAP_SHARE = 0.2
CAP_LEAST = 50
CAP_FROM = 3
"""From so many contributors on, one of them gives at most a fifth of the rows, or an equal share where they are fewer
than five, but always up to `CAP_LEAST`: a team of one or two can teach all it knows, and a small set loses nothing."""
NEWEST = timedelta(days=30)


@dataclass(frozen=True)
class Chosen:
    """`taught` teach, `newest` measure (the newest month; `held_out` rows never teach). `quarrels` are labels of one
    text by several people that do not agree, to be settled by one of them; `over_cap` how many rows were too many of
    one person, by name.
    """

    taught: tuple[Row, ...]
    newest: tuple[Row, ...]
    quarrels: tuple[tuple[Labelled, ...], ...]
    over_cap: dict[str, int]


def choose(labelled: Sequence[Labelled], now: datetime) -> Chosen:
    """Which labelled messages teach the next version. The order of `labelled` (oldest label first) decides ties."""
    quarrels, settled = [], []
    for same in _by_text(labelled):
        agreed = _agreed(same)
        if agreed is None:
            quarrels.append(tuple(same))
        else:
            settled.append(agreed)
    kept, over = _capped(sorted(settled, key=lambda one: (one.at, one.message_id)))
    rows = [(one, _row(one)) for one in kept]
    return Chosen(
        taught=tuple(row for _, row in rows if not row.held_out),
        newest=tuple(row for one, row in rows if row.held_out and one.received_at >= now - NEWEST),
        quarrels=tuple(quarrels),
        over_cap=over,
    )


def _by_text(labelled: Iterable[Labelled]) -> list[list[Labelled]]:
    """Together what reads the same, whatever its script and spelling."""
    groups: dict[str, list[Labelled]] = {}
    for one in labelled:
        groups.setdefault(fold(one.text) or one.text, []).append(one)
    return list(groups.values())


def _agreed(same: Sequence[Labelled]) -> Labelled | None:
    """The newest label of a text, if everybody's last word is the same category, and danger or none for all who say."""
    last = {one.by_id: one for one in same}.values()
    dangers = {one.urgency is Urgency.SAFETY for one in last if one.urgency}
    return same[-1] if len({one.category for one in last}) == 1 and len(dangers) < 2 else None


def _capped(settled: Sequence[Labelled]) -> tuple[list[Labelled], dict[str, int]]:
    """Without the oldest rows of whoever gave more than their share."""
    by: dict[str, list[Labelled]] = {}
    for one in settled:
        by.setdefault(one.by_id, []).append(one)
    if len(by) < CAP_FROM:
        return list(settled), {}
    most = max(CAP_LEAST, int(max(CAP_SHARE, 1 / len(by)) * len(settled)))
    over: Counter[str] = Counter()
    for rows in by.values():
        over.update({rows[-1].by: max(len(rows) - most, 0)})
    kept = {id(one) for rows in by.values() for one in rows[-most:]}
    return [one for one in settled if id(one) in kept], dict(+over)


def _row(one: Labelled) -> Row:
    return Row(
        text=one.text,
        category=one.category.value,
        family=fold(one.text) or one.text,
        urgency=one.urgency.value if one.urgency else None,
        language=one.language,
    )
