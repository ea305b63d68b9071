"""Actions that wait for a member's yes: bound to the member, the door and two minutes; each is used once.

Taking one never raises for a wrong answer: the tries that it counts must be committed.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from desk import audit
from desk.work import Work
from models.errors import NotAllowed
from models.member import Member, PendingAction

LIFE_S = 120
MAX_WRONG = 5
ROOM = "team:"
"""How a door begins at which several members read the same question."""


@dataclass(frozen=True)
class Taken:
    """The answer to a yes: either the action, now used up, or a phrase code with facts that says why not."""

    text: str | None = None
    facts: dict[str, Any] | None = None
    problem: str | None = None
    problem_facts: dict[str, Any] | None = None


def ask(work: Work, *, door: str, text: str, facts: dict[str, Any]) -> PendingAction:
    """Note what a member wants to do and must confirm. It replaces what the member was asked before at that door."""
    member_id = _member_id(work)
    work.lock(Member, member_id)  # two questions at the same moment: one after the other
    before = _open(work, member_id, door)
    if before is not None:
        before.used_at = work.now
        work.session.flush()
    action = PendingAction(
        token=secrets.token_urlsafe(24), code=_fresh_code(before), member_id=member_id, door=door, text=text,
        facts=facts, expires_at=work.now + timedelta(seconds=LIFE_S), created_at=work.now,
    )  # fmt: skip
    work.session.add(action)
    work.session.flush()
    audit.record(work, "command.asked", f"member:{member_id}", text=text, door=door)
    return action


def take_code(work: Work, *, door: str, code: str) -> Taken:
    """The member typed a code. A wrong one counts; after MAX_WRONG the action is gone."""
    action = _open(work, _member_id(work), door)
    if action is None:
        return Taken(problem="command.nothing_to_confirm", problem_facts={})
    locked = work.lock(PendingAction, action.id)
    if locked is None or locked.used_at is not None:
        return Taken(problem="command.nothing_to_confirm", problem_facts={})
    if locked.expires_at <= work.now:
        return _expired(work, locked)
    if not hmac.compare_digest(locked.code.encode(), code.encode()):
        return _wrong(work, locked)
    return _use(work, locked)


def take_token(work: Work, *, door: str, token: str) -> Taken:
    """The member sent a token back. One of another door is as if it did not exist."""
    found = _by_token(work, door, token)
    return found if isinstance(found, Taken) else _use(work, found)


def drop_token(work: Work, *, door: str, token: str) -> Taken:
    """The member said no by a token: whoever could confirm it can drop it, and nobody else."""
    found = _by_token(work, door, token)
    if isinstance(found, Taken):
        return found
    _drop(work, found)
    return Taken(text=found.text, facts={})


def _by_token(work: Work, door: str, token: str) -> PendingAction | Taken:
    """The action that a token names and that still can be answered, else why not."""
    known = work.session.scalar(select(PendingAction.id).where(PendingAction.token == token))
    action = work.lock(PendingAction, known) if known is not None else None
    if action is None or action.door != door:
        return Taken(problem="command.token_unknown", problem_facts={})
    if action.member_id != _member_id(work):
        return _of_another(work, action)
    if action.used_at is not None:
        return Taken(problem="command.token_used", problem_facts={})
    if action.expires_at <= work.now:
        return _expired(work, action)
    return action


def _of_another(work: Work, action: PendingAction) -> Taken:
    """In a room everybody has seen whom the question was put to; elsewhere it does not exist for others."""
    owner = work.session.get(Member, action.member_id)
    if owner is None or not action.door.startswith(ROOM):
        return Taken(problem="command.token_unknown", problem_facts={})
    return Taken(problem="command.token_of_another", problem_facts={"name": owner.name})


def confirmed_before(work: Work, *, door: str, token: str) -> str | None:
    """What the member confirmed by that token at an earlier time; None where it still waits or is not theirs."""
    return work.session.scalar(
        select(PendingAction.text).where(
            PendingAction.token == token, PendingAction.door == door, PendingAction.used_at.is_not(None),
            PendingAction.member_id == _member_id(work),
        )
    )  # fmt: skip


def drop(work: Work, *, door: str) -> bool:
    """The member said no; tells whether anything was waiting."""
    action = _open(work, _member_id(work), door)
    if action is None or action.expires_at <= work.now:
        return False
    _drop(work, action)
    return True


def _drop(work: Work, action: PendingAction) -> None:
    action.used_at = work.now
    audit.record(work, "command.dropped", f"member:{action.member_id}", text=action.text, door=action.door)


def _open(work: Work, member_id: int, door: str) -> PendingAction | None:
    return work.session.scalar(
        select(PendingAction).where(
            PendingAction.member_id == member_id, PendingAction.door == door, PendingAction.used_at.is_(None)
        )
    )


def _use(work: Work, action: PendingAction) -> Taken:
    action.used_at = work.now
    audit.record(work, "command.confirmed", f"member:{action.member_id}", text=action.text, door=action.door)
    return Taken(text=action.text, facts=dict(action.facts))


def _expired(work: Work, action: PendingAction) -> Taken:
    action.used_at = work.now
    return Taken(problem="command.confirm_expired", problem_facts={"command": action.text})


def _wrong(work: Work, action: PendingAction) -> Taken:
    action.tries += 1
    audit.record(work, "command.wrong_code", f"member:{action.member_id}", text=action.text, door=action.door)
    if action.tries >= MAX_WRONG:
        action.used_at = work.now
        return Taken(problem="command.confirm_too_many", problem_facts={"command": action.text})
    return Taken(problem="command.confirm_wrong", problem_facts={"left": MAX_WRONG - action.tries})


def _fresh_code(before: PendingAction | None) -> str:
    """Four digits, never those of the question that this one replaces."""
    while True:
        code = f"{secrets.randbelow(10_000):04d}"
        if before is None or code != before.code:
            return code


def _member_id(work: Work) -> int:
    member_id = work.actor.member_id
    if member_id is None:
        raise NotAllowed("access.members_only")
    return member_id
