"""Incidents: one a charger, everybody told once, in their own language."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from desk import incidents, tickets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, charger_actor
from models.charger import Charger
from models.contact import Contact
from models.conversation import Conversation, conversation_key
from models.errors import NotFound
from models.incident import Incident, IncidentState
from models.outbox import OutboxItem
from models.reading import Category

CHARGER = charger_actor("100003")


def _people(work: Work) -> list[int]:
    work.session.add(Charger(id="100003", name="Galle Road", created_at=work.now))
    found = []
    for number, language in enumerate(["en", "si", "ta", "es", None]):
        contact = Contact(name=f"P{number}", created_at=work.now)
        work.session.add(contact)
        work.session.flush()
        conversation = Conversation(
            key=conversation_key("web", "site", f"s{number}"), contact_id=contact.id, channel="web", account="site",
            address=f"s{number}", language=language, created_at=work.now,
        )  # fmt: skip
        work.session.add(conversation)
        work.session.flush()
        found.append(conversation.id)
    return found


@pytest.fixture
async def people(office: Office) -> list[int]:
    return await office.run(ASSISTANT, _people)


def _join(work: Work, conversation_id: int | None) -> tuple[int, bool]:
    incident, opened = incidents.join(
        work, "100003", conversation_id=conversation_id, cause="message", error_code="GroundFailure"
    )
    return incident.id, opened


async def _told(office: Office) -> list[tuple[str, int | None, str]]:
    def look(work: Work) -> list[tuple[str, int | None, str]]:
        rows = work.session.execute(
            select(OutboxItem.code, OutboxItem.conversation_id, OutboxItem.language).order_by(OutboxItem.id)
        )
        return [(code, conversation, language) for code, conversation, language in rows]

    return await office.read(ASSISTANT, look)


async def test_all_who_wrote_at_once_join_one_incident(office: Office, people: list[int]) -> None:
    joined = await asyncio.gather(*(office.run(ASSISTANT, _join, each) for each in people * 3))
    assert len({incident_id for incident_id, _ in joined}) == 1
    assert [opened for _, opened in joined].count(True) == 1
    incident = await office.read(ASSISTANT, incidents.open_for, "100003")
    assert incident is not None
    assert len(await office.read(ASSISTANT, incidents.people, incident)) == len(people)


async def test_everybody_is_told_once_in_their_language_when_it_ends(office: Office, people: list[int]) -> None:
    for each in people:
        await office.run(ASSISTANT, _join, each)

    def end(work: Work) -> int:
        return incidents.end(work, "100003", how="recovered")

    counts = await asyncio.gather(*(office.run(CHARGER, end) for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, len(people)]
    told = await _told(office)
    assert sorted(conversation or 0 for _, conversation, _ in told) == sorted(people)
    assert [language for _, _, language in told] == ["en", "si", "ta", "es", "en"]
    assert {code for code, _, _ in told} == {"incident.ended"}
    assert await office.read(ASSISTANT, incidents.open_for, "100003") is None


async def test_the_next_trouble_is_a_new_incident_and_tells_only_its_own_people(
    office: Office, people: list[int]
) -> None:
    await office.run(ASSISTANT, _join, people[0])
    await office.run(CHARGER, lambda work: incidents.end(work, "100003", how=incidents.HEALED))
    second, opened = await office.run(ASSISTANT, _join, people[1])
    assert opened
    assert await office.run(CHARGER, lambda work: incidents.end(work, "100003", how="recovered")) == 1
    told = await _told(office)
    assert [(code, conversation) for code, conversation, _ in told] == [
        ("incident.healed", people[0]),
        ("incident.ended", people[1]),
    ]

    def ended(work: Work) -> bool:
        return work.session.get_one(Incident, second).state is IncidentState.ENDED

    assert await office.read(ASSISTANT, ended)


async def test_the_team_sees_the_end_in_the_history_of_the_tickets(office: Office, people: list[int]) -> None:
    def open_it(work: Work) -> str:
        incident_id, _ = _join(work, None)
        ticket = tickets.open_ticket(
            work, category=Category.FAULT, summary="red", charger_id="100003", incident_id=incident_id
        )
        return ticket.ref

    ref = await office.run(ASSISTANT, open_it)
    assert await office.run(CHARGER, lambda work: incidents.end(work, "100003", how="recovered")) == 0
    facts = await office.read(ASSISTANT, lambda work: tickets.facts(work, tickets.get(work, ref)))
    assert facts["incident"]["state"] == "ended"
    assert facts["status"] == "OPEN"
    assert [(event["kind"], event["now"]) for event in facts["history"]] == [
        ("opened", "normal"),
        ("incident", "ended"),
    ]


async def test_a_charger_that_does_not_exist_has_no_incident(office: Office, people: list[int]) -> None:
    with pytest.raises(NotFound):
        await office.run(ASSISTANT, lambda work: incidents.join(work, "nope", conversation_id=None, cause="message"))
    assert await office.run(CHARGER, lambda work: incidents.end(work, "nope", how="recovered")) == 0
