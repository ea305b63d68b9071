"""Times of a shift as people type them: `tonight`, `18:00 08:00`, `mon 18:00 tue 08:00`, `2026-12-24 18:00 06:00`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.errors import BadInput

EVENING, MORNING = time(18, 0), time(8, 0)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_STAMP = re.compile(r"(?<=\d)[tT](?=\d)")
_FILL = frozenset({"-", "–", "to", "until", "from"})


def span(text: str, now: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Begin and end, in UTC, of what is typed in the house's zone. A begin without a day is today's, an end without
    one the first after the begin. Raises BadInput for anything else."""
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    words = [word for word in _STAMP.sub(" ", text.lower()).split() if word not in _FILL]
    if words == ["tonight"]:
        return _utc(today, EVENING, zone), _utc(today + timedelta(days=1), MORNING, zone)
    begins = _day(words, today, today) or today
    starts_at = _utc(begins, _time(words, text), zone)
    ends = _day(words, today, begins)
    last = _time(words, text)
    if words:
        raise BadInput("oncall.bad_time", text=text[:60])
    ends_at = _utc(ends or begins, last, zone)
    if ends is None and ends_at <= starts_at:
        ends_at = _utc(begins + timedelta(days=1), last, zone)
    return starts_at, ends_at


def _day(words: list[str], today: date, since: date) -> date | None:
    """The day that the next word names, if it names one; a weekday is the first from `since` on."""
    word = words[0] if words else ""
    found = None
    if word in ("today", "tomorrow"):
        found = today + timedelta(days=int(word == "tomorrow"))
    elif word[:3] in _DAYS and word.isalpha():
        found = since + timedelta(days=(_DAYS.index(word[:3]) - since.weekday()) % 7)
    elif word.count("-") == 2:
        found = _date(word)
    if found is not None:
        del words[0]
    return found


def _date(word: str) -> date | None:
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _time(words: list[str], text: str) -> time:
    found = _TIME.fullmatch(words[0]) if words else None
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise BadInput("oncall.bad_time", text=text[:60])
    del words[0]
    return time(int(found[1]), int(found[2] or 0))


def _utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
