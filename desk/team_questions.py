"""Questions put to a member in a chat: the answer to that very message completes a command line, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from desk.work import Work
from models.errors import Refusal
from models.member import Member
from models.outbox import OutboxItem
from models.team import TeamQuestion

LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class Asked:
    """A question of ours that a message answers."""

    id: int
    line: str


def ask(work: Work, outbox_id: int, member_id: int, line: str) -> None:
    """Remember what the answer to a message of ours will complete."""
    work.session.add(TeamQuestion(outbox_id=outbox_id, member_id=member_id, line=line, created_at=work.now))


def answered(work: Work, address: str, provider_id: str, member_id: int) -> Asked | None:
    """The question that a message of ours put; None where it put none.

    Refuses somebody else's, one that was answered, and an old one.
    """
    question = _of_message(work, address, provider_id)
    if question is None:
        return None
    if question.member_id != member_id:
        owner = work.session.get_one(Member, question.member_id)
        raise Refusal("team.question_of_another", name=owner.name)
    if question.used_at is not None:
        raise Refusal("team.question_answered")
    if work.now - question.created_at > LIFE:
        raise Refusal("team.question_old")
    return Asked(question.id, question.line)


def is_one(work: Work, address: str, provider_id: str) -> bool:
    """Whether a message of ours put a question to somebody."""
    return _of_message(work, address, provider_id) is not None


def use(work: Work, question_id: int) -> bool:
    """The answer is taken; False where another one was faster."""
    question = work.lock(TeamQuestion, question_id)
    if question is None or question.used_at is not None:
        return False
    question.used_at = work.now
    return True


def _of_message(work: Work, address: str, provider_id: str) -> TeamQuestion | None:
    chat_id = address.partition("/")[0]
    rows = work.session.execute(
        select(TeamQuestion, OutboxItem.address)
        .join(OutboxItem, OutboxItem.id == TeamQuestion.outbox_id)
        .where(OutboxItem.provider_id == provider_id)
        .order_by(TeamQuestion.id.desc())
    )
    return next((question for question, there in rows if there.partition("/")[0] == chat_id), None)
