"""Procedures that ended and whose outcome somebody still has to hear."""

from __future__ import annotations

from sqlalchemy import or_, select

from desk import outbox
from desk.pending import ROOM
from desk.work import Work
from models.charger import ProcedureRun
from models.conversation import Conversation
from models.incident import IncidentPerson
from models.member import Member, MemberIdentity, MemberIdentityKind
from models.reply import Intent, Reply


def to_tell(work: Work, limit: int = 50) -> list[int]:
    """Keys of ended, unreported runs that a person in a conversation or a member at a door waits for, oldest first."""
    return list(
        work.session.scalars(
            select(ProcedureRun.id)
            .where(
                ProcedureRun.ended_at.is_not(None),
                ProcedureRun.reported_at.is_(None),
                or_(
                    ProcedureRun.conversation_id.is_not(None),
                    ProcedureRun.args["door"].as_string().is_not(None),
                ),
            )
            .order_by(ProcedureRun.ended_at, ProcedureRun.id)
            .limit(limit)
        )
    )


def hold(work: Work, run_id: int) -> ProcedureRun | None:
    """The run, held for change; None where somebody was told meanwhile."""
    run = work.lock(ProcedureRun, run_id)
    return run if run is not None and run.ended_at is not None and run.reported_at is None else None


def conversation_of(work: Work, run: ProcedureRun) -> Conversation | None:
    """Where the person who wrote about it waits."""
    return work.session.get(Conversation, run.conversation_id) if run.conversation_id is not None else None


def heard_of_the_end(work: Work, run: ProcedureRun) -> bool:
    """Whether the person was told of the incident's end since the run began: then the good news is old."""
    if run.incident_id is None or run.conversation_id is None:
        return False
    told_at = work.session.scalar(
        select(IncidentPerson.told_at).where(
            IncidentPerson.incident_id == run.incident_id, IncidentPerson.conversation_id == run.conversation_id
        )
    )
    return told_at is not None and told_at >= run.created_at


def member_at(work: Work, door: str, member_id: int) -> MemberIdentity | None:
    """The enrolled number behind a door (`whatsapp:+94…`), if it is still that member's."""
    kind, _, value = door.partition(":")
    if kind != MemberIdentityKind.WHATSAPP.value:
        return None
    return work.session.scalar(
        select(MemberIdentity).where(
            MemberIdentity.kind == MemberIdentityKind.WHATSAPP,
            MemberIdentity.value == value,
            MemberIdentity.member_id == member_id,
        )
    )


def tell_at(work: Work, door: str, member_id: int, reply: Reply, *, key: str, language: str) -> bool:
    """Tell a member at the chat where they asked; False where that is no chat, or not theirs any more."""
    member = work.session.get(Member, member_id)
    if member is None or not member.active:
        return False
    if door.startswith(ROOM):
        room = door.removeprefix(ROOM)
        return outbox.post(work, room, reply, key=key, language=language, intent=Intent.RECEIPT) is not None
    identity = member_at(work, door, member_id)
    if identity is None:
        return False
    return outbox.tell(work, identity, reply, key=key, language=language, intent=Intent.RECEIPT) is not None
