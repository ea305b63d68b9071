"""Times of a shift are read in the house's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commands.duty_times import span
from models.errors import BadInput

NOW = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)  # in Colombo it is Thursday the 5th, 01:30
ZONE = "Asia/Colombo"


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text + "+05:30").astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("tonight", "2026-03-05T18:00", "2026-03-06T08:00"),
        ("18:00 08:00", "2026-03-05T18:00", "2026-03-06T08:00"),
        ("8 17", "2026-03-05T08:00", "2026-03-05T17:00"),
        ("08.30 to 17.15", "2026-03-05T08:30", "2026-03-05T17:15"),
        ("tomorrow 18:00 – 06:00", "2026-03-06T18:00", "2026-03-07T06:00"),
        ("thu 18:00 fri 08:00", "2026-03-05T18:00", "2026-03-06T08:00"),
        ("Sunday 18:00 Monday 08:00", "2026-03-08T18:00", "2026-03-09T08:00"),
        ("2026-12-24 18:00 2026-12-26 06:00", "2026-12-24T18:00", "2026-12-26T06:00"),
        ("2026-12-24T18:00 06:00", "2026-12-24T18:00", "2026-12-25T06:00"),
    ],
)
def test_what_people_type_is_a_begin_and_an_end(text: str, begin: str, end: str) -> None:
    assert span(text, NOW, ZONE) == (_local(begin), _local(end))


@pytest.mark.parametrize(
    "text", ["", "soon", "18:00", "25:00 26:00", "18:61 19:00", "mon tue", "18:00 08:00 then", "2026-13-01 18:00 19:00"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"oncall\.bad_time"):
        span(text, NOW, ZONE)
