"""How a message ends: what is said goes into the outbox with the end of its inbox row, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from desk import inbox, members, outbox, team_questions
from desk.work import Work
from models.member import MemberIdentityKind
from models.message import Heard
from models.reply import Extra, Intent, Reply


@dataclass(frozen=True)
class Answer:
    """What is said in a chat, in which language. `once` names what is said only once, whoever asks again."""

    reply: Reply
    language: str
    once: str | None = None


def end(work: Work, inbox_id: int, heard: Heard, answer: Answer | None, member_id: int | None) -> None:
    """Answer, where anything is left to say, and the row is done."""
    inbox.done(work, inbox_id)
    if member_id is not None:
        members.heard_from(work, MemberIdentityKind.TELEGRAM, heard.identity)
    if answer is None:
        return
    row = outbox.post(
        work, heard.address, answer.reply, key=answer.once or f"staff:{inbox_id}", language=answer.language,
        intent=Intent.RECEIPT,
    )  # fmt: skip
    asked = answer.reply.extra.get(Extra.ASK)
    if row is not None and asked and member_id is not None:
        team_questions.ask(work, row.id, member_id, asked["line"])


def ignore(work: Work, inbox_id: int) -> None:
    """It was not for us: nothing of it is kept."""
    inbox.forget(work, inbox_id)
