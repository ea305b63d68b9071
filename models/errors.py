"""Refusals: a person asked for what the desk will not do. A code and facts; the phrase book has the words."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """Base of every refusal. `code` is a phrase code, `facts` fill it, `status` is the HTTP status it means."""

    status = 409

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class NotFound(Refusal):
    """What was named does not exist, or not for this actor."""

    status = 404


class NotAllowed(Refusal):
    """The actor lacks the permission."""

    status = 403


class BadInput(Refusal):
    """What was given cannot be understood or stored."""

    status = 422


class Busy(Refusal):
    """Another one is at it; try again later."""

    status = 409


class Unavailable(Exception):  # noqa: N818
    """The database is away or the queue is full: nothing was stored, the sender must repeat."""
