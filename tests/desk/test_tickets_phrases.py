"""Whatever tickets, clocks and incidents say can be said in every language, with the facts they really give."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import incidents, members, sla, tickets
from desk.cases import point_at_stale
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, CLOCK, OPERATOR, Actor, Department, Role
from models.charger import Charger
from models.contact import Contact
from models.conversation import Conversation
from models.errors import Refusal
from models.member import TeamAlert
from models.outbox import OutboxItem
from models.reading import Category
from models.sla import ClockKind
from models.ticket import Priority, TicketStatus
from phrases.say import say
from tests.clock import START, JumpingClock

LANGUAGES = ("en", "si", "ta", "es")


def _story(work: Work) -> tuple[Actor, int]:
    member = members.add(
        work, email="m@example.org", name="Mala", role=Role.MANAGER, whatsapp="+94770000001", language="ta"
    )
    work.session.add_all([Contact(id=1, name="Ana", created_at=work.now), Charger(id="100003", created_at=work.now)])
    work.session.flush()
    conversation = Conversation(
        key="k", contact_id=1, channel="web", account="site", address="s", language="si", created_at=work.now
    )
    work.session.add(conversation)
    work.session.flush()
    return members.actor(work, member), conversation.id


async def test_everything_that_is_said_has_words_in_every_language(office: Office, clock: JumpingClock) -> None:
    mala, conversation_id = await office.run(OPERATOR, _story)

    def open_it(work: Work) -> str:
        incident, _ = incidents.join(work, "100003", conversation_id=conversation_id, cause="message")
        return tickets.open_ticket(
            work, category=Category.FAULT, summary="red light", priority=Priority.HIGH, charger_id="100003",
            contact_id=1, conversation_id=conversation_id, incident_id=incident.id,
        ).ref  # fmt: skip

    ref = await office.run(ASSISTANT, open_it)
    await office.run(OPERATOR, tickets.assign, ref, int(mala.id))
    for hours in range(1, 75):
        clock.set(START + timedelta(hours=hours))
        await office.run(CLOCK, sla.fire_due)
    await office.run(CLOCK, point_at_stale)
    await office.run(mala, tickets.escalate, ref, Priority.CRITICAL, "reset", "red again", "an electrician")
    clock.set(clock.now() + timedelta(hours=2))
    await office.run(CLOCK, sla.fire_due)
    await office.run(mala, tickets.schedule_visit, ref, clock.now() + timedelta(days=1))
    await office.run(mala, tickets.start, ref)
    await office.run(mala, tickets.resolve, ref, "replaced")
    await office.run(mala, tickets.reopen, ref, "still red")
    await office.run(mala, tickets.resolve, ref, "replaced again")
    await office.run(mala, tickets.close, ref)
    await office.run(ASSISTANT, lambda work: incidents.end(work, "100003", how="recovered"))
    await office.run(
        ASSISTANT, lambda work: incidents.join(work, "100003", conversation_id=conversation_id, cause="message")
    )
    await office.run(ASSISTANT, lambda work: incidents.end(work, "100003", how=incidents.HEALED))

    def said(work: Work) -> list[tuple[str, dict[str, object]]]:
        rows = [*work.session.scalars(select(OutboxItem)), *work.session.scalars(select(TeamAlert))]
        return [(row.code, row.facts) for row in rows]

    everything = await office.read(OPERATOR, said)
    assert {code for code, _ in everything} == {
        "board.escalated", "board.reopened", "board.stale_case", "board.ticket_opened", "incident.ended",
        "incident.healed", "sla.breached.first_response", "sla.breached.resolution", "sla.chased.first_response",
        "sla.chased.resolution", "sla.check_due", "sla.warned.first_response", "sla.warned.resolution",
        "ticket.assigned", "ticket.assigned_to_you", "ticket.in_progress", "ticket.now_closed", "ticket.reopened",
        "ticket.resolved", "ticket.visit",
    }  # fmt: skip
    for code, facts in everything:
        words = {language: say(code, facts, language, timezone="Asia/Colombo") for language in LANGUAGES}
        assert len(set(words.values())) == len(LANGUAGES), code
    breach = next(facts for code, facts in everything if code == "sla.breached.first_response")
    assert (
        say("sla.breached.first_response", breach, "en") == f"{ref} (high): no first response within 4 hours. red light"
    )


async def test_refusals_have_words_in_every_language(office: Office, clock: JumpingClock) -> None:
    mala, conversation_id = await office.run(OPERATOR, _story)

    def prepare(work: Work) -> tuple[str, str, str, int]:
        def make() -> str:
            return tickets.open_ticket(work, category=Category.FAULT, summary="x", conversation_id=conversation_id).ref

        one, taken, closed = make(), make(), make()
        tickets.assign(work, taken, int(mala.id))
        tickets.resolve(work, closed, "x")
        tickets.close(work, closed)
        installer = members.add(
            work, email="i@example.org", name="Ivan", role=Role.INSTALLER, departments=[Department.SERVICE]
        )
        return one, taken, closed, installer.id

    one, taken, closed, installer_id = await office.run(OPERATOR, prepare)
    other = Actor(mala.kind, "99", "Other", role=Role.MANAGER)
    refused: dict[str, tuple[Actor, Callable[[Work], object]]] = {
        "ticket.unknown": (mala, lambda work: tickets.get(work, "TKT-999999")),
        "ticket.closed": (mala, lambda work: tickets.add_note(work, closed, "x")),
        "ticket.illegal_move": (mala, lambda work: tickets.close(work, one)),
        "ticket.taken": (other, lambda work: tickets.take(work, taken)),
        "ticket.members_only": (ASSISTANT, lambda work: tickets.take(work, one)),
        "ticket.wrong_department": (mala, lambda work: tickets.assign(work, one, installer_id)),
        "ticket.note_needed": (mala, lambda work: tickets.resolve(work, one, "")),
        "ticket.not_higher": (mala, lambda work: tickets.escalate(work, one, Priority.LOW, "a", "b", "c")),
        "ticket.visit_past": (mala, lambda work: tickets.schedule_visit(work, one, START)),
        "ticket.naive_time": (mala, lambda work: tickets.schedule_visit(work, one, START.replace(tzinfo=None))),
        "sla.not_paused": (mala, lambda work: tickets.resume_clock(work, one)),
    }
    for code, (actor, verb) in refused.items():
        with pytest.raises(Refusal) as caught:
            await office.run(actor, verb)
        assert caught.value.code == code
        for language in LANGUAGES:
            assert say(code, caught.value.facts, language)


def test_every_name_has_words() -> None:
    codes = [f"ticket.priority.{each.value}" for each in Priority]
    codes += [f"ticket.status.{each.value.lower()}" for each in TicketStatus]
    codes += [f"ticket.department.{each.value}" for each in Department]
    codes += [f"sla.clock.{each.value}" for each in ClockKind]
    for code in codes:
        assert all(say(code, {}, language) for language in LANGUAGES)
