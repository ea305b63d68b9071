"""Three days in the life of a demonstration, told to its database: messages, tickets, sessions, a wallet, an audit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from classifiers.registry import Classifier, load
from desk import charging, conversations, members, messages, oncall, replies, tickets, wallets
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import OPERATOR, Actor
from models.charger import Charger, ProcedureRun, RunKind, RunResult
from models.contact import Contact
from models.member import MemberIdentityKind
from models.message import Heard, Message
from models.money import Money
from models.outbox import OutboxItem, OutboxState
from models.ports import StartReport, StopReport
from models.reading import Category, Registers
from models.ticket import Priority, Ticket
from tests.browser.onlooker import Demo
from tests.clock import JumpingClock

ACCOUNT = "whatsapp:+94110000000"
WHATSAPP: tuple[tuple[float, str, str, str], ...] = (
    (71, "+94712345678", "Kumar Selvan", "கட்டணம் இரண்டு முறை எடுக்கப்பட்டது, LKR 3450 திருப்பித் தர முடியுமா?"),
    (50, "+94761112223", "Ana Morales", "Hola, mi tarjeta 0411AA22 no la reconoce el cargador 100009"),
    (49, "+94761112223", "Ana Morales", "¿Cuánto cuesta un kWh en Kandy?"),
    (30, "+94723334445", "David Silva", "I want a wallbox at home in Nugegoda, 7 kW. What does the installation cost?"),
    (26, "+94755550101", "Ruwan", "100005 charger eke light eka rathu, charge wenne naha"),
    (16, "+94755550105", "Dilshan", "it is still the same as yesterday"),
    (9, "+94755550102", "Fathima", "Third time this week Galle Fort stops after ten minutes. Nobody calls!"),
    (5, "+94771234567", "Nimali Perera", "100004 චාජරය වැඩ කරන්නේ නැහැ, රතු ලයිට් එක දැල්වෙනවා"),
    (1.4, "+94723334445", "David Silva", "Is the new site at Matara open already?"),
    (0.6, "+94755550103", "Sanjay", "I paid LKR 2,150 by Visa but my balance is still LKR 0, ref 88213"),
    (0.3, "+94755550104", "Kavindi", "the cable at 100007 does not come out of my car, please help"),
)  # fmt: skip
"""Hours ago, number, name, words."""
EARLIER: tuple[tuple[str, Category], ...] = (
    ("100007 does not start, I tried two cables", Category.FAULT),
    ("How much is a kWh at Liberty Plaza?", Category.INFO),
    ("The refund for my last session has not arrived, LKR 860", Category.BILLING),
    ("My new card 0499FE77 is not accepted anywhere", Category.RFID),
    ("What does a 22 kW charger for our hotel in Galle cost?", Category.INSTALL),
    ("100001 stopped in the middle of charging", Category.FAULT),
    ("Is there a charger near Sigiriya?", Category.INFO),
)
"""What was asked in the ten days before, and settled."""
SESSIONS: tuple[tuple[float, str, str, float, int], ...] = (
    (70, "100009", "04A1B2C3", 0.7, 31_200), (52, "100009", "0499FE01", 0.5, 22_840),
    (47, "100011", "04D4E5F6", 1.1, 44_600), (28, "100009", "04A1B2C3", 0.6, 27_310),
    (23, "100011", "04D4E5F6", 0.4, 15_970), (6, "100009", "0411AA22", 0.8, 33_050),
    (3, "100011", "0499FE01", 0.5, 19_400),
)  # fmt: skip
"""Hours ago, charger, card, hours long, Wh."""


@dataclass
class Story:
    """What the pages of a demonstration are opened with."""

    names: dict[str, str] = field(default_factory=dict)

    def fill(self, path: str) -> str:
        """An address with the story's own keys in its braces."""
        return path.format_map(self.names)


def tell(demo: Demo) -> Story:
    """Tell it to a running demonstration; in a thread, since the browser's own loop runs in this one."""
    story = Story()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _tell(demo, story)).result()
    return story


async def _tell(demo: Demo, story: Story) -> None:
    clock = JumpingClock(datetime.now(UTC))
    present = clock.now()
    house = House(currency="LKR", timezone="Asia/Colombo", media_dir=str(demo.log.parent / "var" / "media"))
    office = Office(f"sqlite:///{demo.log.parent}/var/chargehand.db", clock=clock, bus=LocalBus(), house=house)
    try:
        actors = await office.read(OPERATOR, _actors)
        for hours, who, verb in sorted(_scenes(load(), story), key=lambda scene: -scene[0]):
            clock.set(present - timedelta(hours=hours))
            await office.run(actors.get(who, OPERATOR), verb)
    finally:
        office.close()


def _actors(work: Work) -> dict[str, Actor]:
    found = (
        members.get(work, f"{name}@demo.invalid") for name in ("admin", "manager", "dispatch", "tech", "install", "cpo")
    )
    return {member.email.partition("@")[0]: members.actor(work, member) for member in found}


def _scenes(classifier: Classifier, story: Story) -> list[tuple[float, str, Callable[[Work], Any]]]:
    """Hours ago, by whom, and what."""
    spoken = [(one[0], "", partial(_hear, classifier, number)) for number, one in enumerate(WHATSAPP)]
    charged = [(one[0], "", partial(_charge, number)) for number, one in enumerate(SESSIONS)]
    return [
        *spoken, *charged, *_earlier(classifier), (75, "", _roster), (69, "manager", _refund),
        (70.5, "dispatch", _billing), (40, "dispatch", _closed), (49.5, "dispatch", _card),
        (29, "dispatch", _installation), (25.5, "dispatch", _overdue), (8.5, "dispatch", _complaint),
        (4.8, "tech", _fault), (1.2, "dispatch", _answer), (0.2, "", partial(_keys, story)),
    ]  # fmt: skip


# What was said and charged ----------------------------------------------------------------------------------------


def _hear(classifier: Classifier, number: int, work: Work) -> None:
    _, phone, name, text = WHATSAPP[number]
    _write(classifier, number, phone, name, text, work)


def _write(classifier: Classifier, number: int, phone: str, name: str, text: str, work: Work) -> None:  # noqa: PLR0917
    heard = Heard(
        channel="whatsapp", account=ACCOUNT, address=f"whatsapp:{phone}", external_id=f"SM{number}",
        identity_kind="phone", identity=phone, text=text, sender_name=name,
    )  # fmt: skip
    message = conversations.hear(work, 900_000 + number, heard)
    known = {charger.id: charger.name for charger in work.session.scalars(select(Charger))}
    messages.set_reading(work, message.id, classifier.read(text, Registers(chargers=known)))


def _earlier(classifier: Classifier) -> list[tuple[float, str, Callable[[Work], Any]]]:
    """One to four a day; every other one was worth a ticket, which was settled the same day."""
    found: list[tuple[float, str, Callable[[Work], Any]]] = []
    for number in range(26):
        text, category = EARLIER[number % len(EARLIER)]
        hours = 80 + number * 9.3 + (number * 7) % 5
        found.append((hours, "", partial(_write, classifier, 100 + number, f"+9476555{number:04d}", "", text)))
        if number % 2 == 0:
            found.append((hours - 3, "dispatch", partial(_settle, text, category)))
    return found


def _settle(text: str, category: Category, work: Work) -> None:
    ticket = tickets.open_ticket(work, category=category, summary=text, started_at=work.now - timedelta(hours=3))
    tickets.take(work, ticket.ref)
    tickets.resolve(work, ticket.ref, "Settled by phone")
    tickets.close(work, ticket.ref)


def _roster(work: Work) -> None:
    """Whoever has a number can be on call."""
    tara = members.get(work, "tech@demo.invalid")
    members.enrol(work, tara, MemberIdentityKind.WHATSAPP, "+94770000004")
    oncall.set_shift(work, tara.name, work.now, work.now + timedelta(days=6))
    for name, rupees in (("nimali", 6_000), ("david", 9_000), ("ana", 5_000)):
        contact = work.session.scalars(select(Contact).where(Contact.username == name)).one()
        wallets.credit(
            work, contact_id=contact.id, amount=Money(rupees * 100, "LKR"), note="Top-up", key=f"story:{name}"
        )


def _charge(number: int, work: Work) -> None:
    _, charger_id, tag, hours, energy_wh = SESSIONS[number]
    key = charging.reserve_numbers(work, 1)[0]
    charging.started(work, charger_id, StartReport(key, 1, tag, 1_000, work.now, f"story:{number}"))
    end = StopReport(key, None, 1_000 + energy_wh, work.now + timedelta(hours=hours), reason="EVDisconnected")
    charging.stopped(work, charger_id, end)


# What was done about it -------------------------------------------------------------------------------------------


def _said(work: Work, name: str) -> Message:
    """What somebody wrote last."""
    number = max(at for at, one in enumerate(WHATSAPP) if one[2] == name)
    while (found := work.session.scalar(select(Message).where(Message.inbox_id == 900_000 + number))) is None:
        number = max(at for at, one in enumerate(WHATSAPP[:number]) if one[2] == name)
    return found


def _open(work: Work, name: str, category: Category, summary: str, **more: Any) -> str:
    message = _said(work, name)
    ticket = tickets.open_ticket(
        work, category=category, summary=summary, contact_id=message.contact_id, message_id=message.id,
        conversation_id=message.conversation_id, started_at=message.received_at, **more,
    )  # fmt: skip
    return ticket.ref


def _reply(work: Work, name: str, text: str) -> None:
    message = _said(work, name)
    said = replies.reply(work, message.conversation_id, text, key=f"story:{name}:{work.now.isoformat()}")
    item = work.session.scalars(select(OutboxItem).where(OutboxItem.message_id == said.id)).one()
    item.state, item.status, item.sent_at = OutboxState.SENT, "read", work.now


def _member(work: Work, name: str) -> int:
    return members.get(work, f"{name}@demo.invalid").id


def _billing(work: Work) -> None:
    ref = _open(work, "Kumar Selvan", Category.BILLING, "Charged twice for one session, LKR 3450")
    tickets.take(work, ref)
    _reply(work, "Kumar Selvan", "உங்கள் பணத்தை இன்று திருப்பித் தருகிறோம்.")
    tickets.resolve(work, ref, "The second payment was refunded to the card")


def _refund(work: Work) -> None:
    contact = _said(work, "Kumar Selvan").contact_id
    wallets.credit(work, contact_id=contact, amount=Money(345_000, "LKR"), note="Refund, charged twice", key="story")


def _closed(work: Work) -> None:
    tickets.close(work, _ref(work, "Charged twice"), "Kumar has his money")


def _card(work: Work) -> None:
    ref = _open(work, "Ana Morales", Category.RFID, "Card 0411AA22 is not recognised", charger_id="100009")
    tickets.take(work, ref)
    _reply(work, "Ana Morales", "Hemos activado su tarjeta. Pruébela otra vez, por favor.")
    tickets.resolve(work, ref, "The card was activated")


def _installation(work: Work) -> None:
    ref = _open(work, "David Silva", Category.INSTALL, "Wallbox at home in Nugegoda, 7 kW: site visit and quotation")
    tickets.assign(work, ref, _member(work, "install"))
    tickets.schedule_visit(work, ref, work.now + timedelta(hours=52))
    _reply(work, "David Silva", "Ishan will visit you the day after tomorrow and bring a quotation.")


def _overdue(work: Work) -> None:
    _open(
        work, "Ruwan", Category.FAULT, "Red light at 100005, does not charge: ground failure", charger_id="100005",
        priority=Priority.HIGH,
    )  # fmt: skip


def _complaint(work: Work) -> None:
    ref = _open(work, "Fathima", Category.COMPLAINT, "Stops after ten minutes at Galle Fort, third time this week")
    tickets.take(work, ref)
    tickets.start(work, ref)
    tickets.add_note(work, ref, "Called her: it is the left connector. Asked the technicians for the log.")


def _fault(work: Work) -> None:
    ref = _open(
        work, "Nimali Perera", Category.FAULT, "100004 is out of order, red light", charger_id="100004",
        priority=Priority.HIGH,
    )  # fmt: skip
    tickets.take(work, ref)
    _reply(work, "Nimali Perera", "අපි දැන් බලනවා. කරුණාකර 100001 හෝ 100002 භාවිතා කරන්න.")
    tickets.start(work, ref)
    run = ProcedureRun(
        kind=RunKind.CLEAR_FAULT, charger_id="100009", connector=1, args={}, steps=[], step="done",
        result=RunResult.CLEARED, deadline_at=work.now, actor_kind="member", actor_id=work.actor.id,
        actor_name=work.actor.name, created_at=work.now - timedelta(minutes=1), ended_at=work.now, reported_at=work.now,
    )  # fmt: skip
    work.session.add(run)


def _answer(work: Work) -> None:
    _reply(work, "David Silva", "Not yet: Matara opens next month.")


def _ref(work: Work, words: str) -> str:
    return work.session.scalars(select(Ticket).where(Ticket.summary.contains(words))).one().ref


def _keys(story: Story, work: Work) -> None:
    nimali, sanjay = _said(work, "Nimali Perera"), _said(work, "Sanjay")
    for item in work.session.scalars(select(OutboxItem).where(OutboxItem.state == OutboxState.PENDING)):
        item.state, item.status, item.sent_at = OutboxState.SENT, "delivered", item.created_at
    run = work.session.scalars(select(ProcedureRun.id).where(ProcedureRun.charger_id == "100009")).first()
    story.names.update(
        message=str(nimali.id), unanswered=str(sanjay.id), contact=str(nimali.contact_id),
        fault=_ref(work, "100004 is out"), overdue=_ref(work, "ground failure"), visit=_ref(work, "Wallbox"),
        complaint=_ref(work, "ten minutes"), closed=_ref(work, "Charged twice"), resolved=_ref(work, "0411AA22"),
        member=str(_member(work, "tech")), run=str(run), installers=str(_said(work, "David Silva").id),
    )  # fmt: skip
