"""What people label becomes rows, on both engines: the last word counts, and whoever is erased has taught nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from classifiers.team_rows import choose
from desk import conversations, erasure, messages, retention, shadow, teaching
from desk.office import Office
from desk.retention import Keep
from desk.work import Work
from models.access import OPERATOR, Actor, ActorKind, Role
from models.contact import Contact
from models.errors import BadInput, NotAllowed, Refusal
from models.message import Correction, Direction, Heard, Message, MessageState
from models.reading import Category, Entities, Reading, Urgency
from models.teaching import ModelVersion, ShadowReading, VersionState
from tests.clock import JumpingClock

ANA = Actor(ActorKind.MEMBER, "1", "Ana", Role.OPS_AGENT)
BEN = Actor(ActorKind.MEMBER, "2", "Ben", Role.DISPATCHER)


def hear(work: Work, /, number: int, text: str, category: Category = Category.INFO, **reading: Any) -> int:
    """Somebody with a number of their own writes, and it is read."""
    heard = Heard(
        channel="whatsapp", account="whatsapp:+94110000000", address=f"whatsapp:+9477000{number:04d}",
        external_id=f"SM{number}", identity_kind="phone", identity=f"+9477000{number:04d}", text=text,
    )  # fmt: skip
    message = conversations.hear(work, number, heard)
    given: dict[str, Any] = {"needs_review": False, "urgency": Urgency.NORMAL, "scores": {category: 0.6}, **reading}
    read = Reading(
        category=category, confidence=0.6, summary=text[:40], language="en", entities=Entities(), model="m@1", **given
    )
    message.move(MessageState.ANALYSING)
    messages.set_reading(work, message.id, read)
    return message.id


async def test_the_last_word_on_a_message_counts(office: Office, clock: JumpingClock) -> None:
    message_id = await office.run(OPERATOR, hear, 1, "my tag is not taken")
    await office.run(ANA, messages.correct, message_id, Category.FAULT, "it says so", urgency=Urgency.URGENT)
    clock.set(clock.now() + timedelta(minutes=1))
    await office.run(BEN, messages.correct, message_id, Category.RFID, "the tag", language="es")
    [row] = await office.read(ANA, teaching.labelled)
    assert (row.category, row.was, row.by, row.by_id, row.why) == (
        Category.RFID, Category.INFO, "Ben", "member:2", "the tag",
    )  # fmt: skip
    assert (row.urgency, row.language, round(row.confidence or 0, 3)) == (Urgency.URGENT, "es", 0.6)
    message = await office.read(OPERATOR, lambda work: work.session.get_one(Message, message_id))
    assert (message.category, message.urgency, message.language) == (Category.RFID, Urgency.URGENT, "es")


async def test_two_words_in_one_instant_are_one(office: Office) -> None:
    message_id = await office.run(OPERATOR, hear, 1, "twice")
    for category in (Category.FAULT, Category.BILLING):
        await office.run(ANA, messages.correct, message_id, category)
    [row] = await office.read(ANA, teaching.labelled)
    assert (row.was, row.category) == (Category.INFO, Category.BILLING)


async def test_a_danger_is_a_fault_and_our_own_words_are_not_corrected(office: Office) -> None:
    message_id = await office.run(OPERATOR, hear, 1, "it smells burnt here")
    with pytest.raises(BadInput, match="danger_is_a_fault"):
        await office.run(ANA, messages.correct, message_id, Category.INFO, urgency=Urgency.SAFETY)
    await office.run(ANA, messages.correct, message_id, Category.FAULT, urgency=Urgency.SAFETY)
    kept = await office.read(OPERATOR, lambda work: work.session.scalars(select(Correction)).one())
    assert (kept.urgency_was, kept.urgency) == (Urgency.NORMAL, Urgency.SAFETY)

    def speak(work: Work) -> int:
        heard = work.session.get_one(Message, message_id)
        said = Message(
            conversation_id=heard.conversation_id, contact_id=heard.contact_id, direction=Direction.OUTBOUND,
            channel="whatsapp", sender="us", text="we are coming", state=MessageState.REPLIED, received_at=work.now,
        )  # fmt: skip
        work.session.add(said)
        work.session.flush()
        return said.id

    with pytest.raises(Refusal, match="not_theirs"):
        await office.run(ANA, messages.correct, await office.run(OPERATOR, speak), Category.INFO)


async def test_whoever_is_erased_teaches_no_later_model(office: Office, clock: JumpingClock) -> None:
    gone, stays = [await office.run(OPERATOR, hear, number, f"message of person {number}") for number in (1, 2)]
    for message_id in (gone, stays):
        await office.run(ANA, messages.correct, message_id, Category.BILLING)

    def erase(work: Work) -> None:
        contact_id = work.session.get_one(Message, gone).contact_id
        erasure.erase(work, work.session.get_one(Contact, contact_id))

    await office.run(OPERATOR, erase)
    rows = await office.read(ANA, teaching.labelled)
    assert [row.message_id for row in rows] == [stays]
    chosen = choose(rows, clock.now())
    assert all("person 1" not in row.text for row in (*chosen.taught, *chosen.newest))
    assert not await office.read(ANA, teaching.uncertain)


async def test_the_queue_holds_what_wants_a_human_and_has_no_label(office: Office) -> None:
    scores = {Category.FAULT: 0.5, Category.BILLING: 0.45}
    asked = [
        await office.run(OPERATOR, hear, number, f"hm {number}", Category.FAULT, needs_review=True, scores=scores)
        for number in (1, 2)
    ]
    await office.run(OPERATOR, hear, 3, "all clear")
    await office.run(ANA, messages.correct, asked[0], Category.FAULT)
    waiting = await office.read(ANA, teaching.uncertain)
    assert [one.message_id for one in waiting] == [asked[1]]
    assert waiting[0].scores["billing"] == pytest.approx(0.45)


async def test_weeks_are_counted_by_category(office: Office, clock: JumpingClock) -> None:
    await office.run(OPERATOR, hear, 1, "old", Category.BILLING)
    clock.set(clock.now() + timedelta(days=8))
    await office.run(OPERATOR, hear, 2, "new", Category.FAULT)
    told = await office.read(ANA, teaching.weeks)
    assert len(told["weeks"]) == teaching.WEEKS
    assert told["counts"]["billing"][-2:] == [1, 0]
    assert told["counts"]["fault"][-2:] == [0, 1]


async def test_only_who_may_correct_sees_labels(office: Office) -> None:
    stranger = Actor(ActorKind.MEMBER, "3", "Cpo", Role.CPO)
    for verb in (teaching.labelled, teaching.uncertain, teaching.weeks):
        with pytest.raises(NotAllowed):
            await office.read(stranger, verb)


# The shadow -------------------------------------------------------------------------------------------------------


def put_in_shadow(work: Work) -> int:
    version = ModelVersion(
        name="team", version=1, state=VersionState.SHADOW, folder="team@1", by="Ana", asked_at=work.now,
        shadow_from_id=work.session.scalar(select(func.max(Message.id))) or 0,
    )  # fmt: skip
    work.session.add(version)
    work.session.flush()
    return version.id


def would_say(category: Category) -> Reading:
    return Reading(
        category=category, confidence=0.8, needs_review=False, urgency=Urgency.LOW, language="en", summary="",
        entities=Entities(), scores={}, model="team@1",
    )  # fmt: skip


async def test_the_shadow_reads_new_messages_once_and_is_compared_with_what_was_said(
    office: Office, clock: JumpingClock
) -> None:
    await office.run(OPERATOR, hear, 1, "before it came")
    version_id = await office.run(OPERATOR, put_in_shadow)
    first, second = [await office.run(OPERATOR, hear, number, f"hello {number}") for number in (2, 3)]
    await office.run(ANA, messages.correct, second, Category.BILLING)  # by a person, before the shadow came to it
    assert [key for key, _ in await office.read(OPERATOR, shadow.unread, version_id)] == [first, second]
    readings = [(first, would_say(Category.INFO)), (second, would_say(Category.BILLING))]
    for _ in range(2):
        await office.run(OPERATOR, shadow.keep, version_id, readings)
    assert await office.read(OPERATOR, shadow.unread, version_id) == []
    along = await office.read(ANA, shadow.along, version_id)
    assert (along.read, along.agree, along.ready) == (2, 1, False)
    [differs] = along.differ
    assert (differs["message_id"], differs["served"], differs["category"]) == (second, Category.INFO, Category.BILLING)
    clock.set(clock.now() + timedelta(days=31))
    await office.run(OPERATOR, retention.sweep, Keep())
    assert (await office.read(ANA, shadow.along, version_id)).read == 0
    assert await office.read(OPERATOR, shadow.unread, version_id) != []  # the newest few alone, not all of history


async def test_after_two_hundred_messages_the_shadow_is_ready(office: Office) -> None:
    version_id = await office.run(OPERATOR, put_in_shadow)

    def fill(work: Work) -> None:
        first = hear(work, 1, "hello")
        template = work.session.get_one(Message, first)
        for number in range(shadow.READY_AFTER):
            message = Message(
                conversation_id=template.conversation_id, contact_id=template.contact_id,
                direction=Direction.INBOUND, channel="web", sender="x", text=f"m {number}", category=Category.INFO,
                state=MessageState.REPLIED, received_at=work.now,
            )  # fmt: skip
            work.session.add(message)

    await office.run(OPERATOR, fill)
    while waiting := await office.read(OPERATOR, shadow.unread, version_id):
        assert len(waiting) <= shadow.CHUNK
        await office.run(OPERATOR, shadow.keep, version_id, [(key, would_say(Category.INFO)) for key, _ in waiting])
    along = await office.read(ANA, shadow.along, version_id)
    assert (along.read, along.agree, along.ready) == (201, 201, True)
    count = await office.read(OPERATOR, lambda work: work.session.scalar(select(func.count(ShadowReading.id))))
    assert count == 201
