"""What an answer of Twilio's means for an outbox row."""

from __future__ import annotations

import random
from typing import Any

import httpx

from desk.outbox import RANK
from models.outbox import Accepted, NeedsTemplate, OutcomeUnknown, Refused, RetryLater, SendResult

ADDRESS_DEAD = frozenset({21211, 21610, 21614, 63003, 63014, 63024})
"""Nobody is there: not a number, opted out, not on WhatsApp, blocked us."""
WINDOW_CLOSED = 63016
ACCOUNT_BUSY = frozenset({20429, 63017})
"""The whole account sends too fast."""
BUSY = frozenset({21611, 30001, 63012, 63018})
"""Twilio's queue or WhatsApp itself is in trouble for a while."""
MISCONFIGURED = frozenset({20003, 20404, 21606, 21660, 63007})
"""The key, the account or our own number is wrong: no message's fault."""
PAUSE_S = 30.0
AUTH_PAUSE_S = 300.0
"""A wrong setting parks the account: nothing is lost while somebody mends it."""
MAX_BACKOFF_S = 300.0
_FAILED_AT_ONCE = frozenset({"failed", "undelivered", "canceled"})


def accepted_sid(answer: httpx.Response) -> str | None:
    """The id that Twilio gave; None where the answer is not Twilio's or is broken."""
    body = shape(answer)
    sid = body.get("sid") if body else None
    return sid if isinstance(sid, str) and sid else None


def shape(answer: httpx.Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None where it is something else."""
    try:
        body = answer.json()
    except ValueError:  # not JSON, or not even text
        return None
    return body if isinstance(body, dict) else None


def judge(answer: httpx.Response, *, rendered: str, menu: dict[str, str], attempts: int, template: bool) -> SendResult:
    """The result of a POST that was answered."""
    body = shape(answer)
    if answer.is_success:
        return _taken(answer, rendered=rendered, menu=menu, attempts=attempts, template=template)
    code = body.get("code") if body else None
    number = code if isinstance(code, int) else 0
    reason = str(body.get("message", ""))[:200] if body else answer.reason_phrase
    if answer.status_code >= 500 or answer.status_code == 408:
        return _broken(
            answer.status_code, twilios_own=bool(body and "code" in body), rendered=rendered, attempts=attempts
        )
    if answer.status_code == 429:
        return RetryLater(_retry_after(answer), f"429 {reason}", pause_account=True)
    # What carries none of Twilio's codes was not said by Twilio: the address that we were given is wrong.
    if answer.status_code in (401, 403) or number in MISCONFIGURED or number == 0:
        return RetryLater(AUTH_PAUSE_S, f"{number or answer.status_code} {reason}", pause_account=True)
    return by_code(number, reason, attempts=attempts, template=template)


def by_code(code: int, reason: str, *, attempts: int, template: bool) -> SendResult:
    """The result for one of Twilio's error codes; one that is not known is final."""
    if code == WINDOW_CLOSED and not template:
        return NeedsTemplate(str(code))
    if code in ACCOUNT_BUSY:
        return RetryLater(PAUSE_S, f"{code} {reason}", pause_account=True)
    if code in BUSY:
        return RetryLater(backoff(attempts, least=PAUSE_S), f"{code} {reason}")
    return Refused(str(code or "failed"), reason, address_dead=code in ADDRESS_DEAD)


def unanswered(error: httpx.HTTPError, *, rendered: str, attempts: int) -> SendResult:
    """The result of a POST that got no answer: it never left, or nobody knows."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol):
        return RetryLater(backoff(attempts), f"not reached: {type(error).__name__}")
    return OutcomeUnknown(f"no answer: {type(error).__name__}", rendered)


def backoff(attempts: int, *, least: float = 1.0) -> float:
    """Seconds until the next try: doubling, with jitter so that many do not come back together."""
    return max(least, min(2.0**attempts, MAX_BACKOFF_S)) * random.uniform(0.75, 1.25)


def _taken(answer: httpx.Response, *, rendered: str, menu: dict[str, str], attempts: int, template: bool) -> SendResult:
    body = shape(answer)
    sid = accepted_sid(answer)
    if sid is None or body is None:
        return OutcomeUnknown("the answer was broken", rendered)
    status = str(body.get("status") or "queued")
    code = body.get("error_code")
    if status in _FAILED_AT_ONCE:
        return by_code(code if isinstance(code, int) else 0, status, attempts=attempts, template=template)
    return Accepted(sid, rendered, status=status[:24], rank=RANK.get(status, 0), menu=menu)


def _broken(status: int, *, twilios_own: bool, rendered: str, attempts: int) -> SendResult:
    """Twilio itself says that it failed, or is not there: again. What stands between us and it cannot know."""
    if status == 503 or (twilios_own and status == 500):
        return RetryLater(backoff(attempts), f"HTTP {status}")
    return OutcomeUnknown(f"HTTP {status}", rendered)


def _retry_after(answer: httpx.Response) -> float:
    given = answer.headers.get("retry-after", "")
    seconds = float(given) if given.isdecimal() else PAUSE_S
    return min(max(seconds, 1.0), 3_600.0) + random.uniform(0, 1)
