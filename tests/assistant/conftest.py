"""A small network and people who write to it, driven by the desk's own verbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from bot.assistant.decide import Context, answer
from bot.assistant.knowledge_file import KnowledgeFile
from desk import chargers, conversations, members, wallets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Role
from models.charger import Charger, ChargerState, Connector, CurrentType, ProcedureRun, Site
from models.charging import ChargingTransaction, Tariff
from models.contact import Contact
from models.conversation import Conversation
from models.member import TeamAlert
from models.message import Direction, Heard, Location, MediaRef, Message, MessageKind
from models.money import Money
from models.outbox import OutboxItem
from models.reading import Category, Entities, Reading, Urgency
from models.ticket import Ticket
from models.wallet import Gateway, PaymentStatus
from phrases.say import say
from tests.clock import JumpingClock

T = TypeVar("T")
_SECOND = timedelta(seconds=1)
KNOWLEDGE = Path(__file__).parents[2] / "bot" / "knowledge.sample.toml"


def reading(
    category: Category = Category.FAULT, *, language: str = "en", urgency: Urgency = Urgency.NORMAL,
    needs_review: bool = False, summary: str = "a summary", **entities: Any,
) -> Reading:  # fmt: skip
    """What a classifier could have said."""
    return Reading(
        category=category, confidence=0.95, needs_review=needs_review, urgency=urgency, language=language,
        summary=summary, entities=Entities(**entities), scores={category: 0.95}, model="test@1",
    )  # fmt: skip


@dataclass
class Network:
    """Chargers 100001 (ready), 100002 (faulted, resettable), 100003 (ground failure), 100004 (offline), 100005."""

    office: Office
    clock: JumpingClock
    context: Context
    count: int = 0
    people: dict[str, int] = field(default_factory=dict)

    def run(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a verb as the assistant."""
        return self.office.submit(ASSISTANT, lambda work: verb(work, *args, **kwargs)).result(30)

    def as_operator(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a verb as whoever holds the machine."""
        return self.office.submit(OPERATOR, lambda work: verb(work, *args, **kwargs)).result(30)

    def hears(
        self, text: str = "", read: Reading | None = None, *, who: str = "+94771234567", channel: str = "whatsapp",
        payload: str | None = None, media: bool = False, location: Location | None = None, twice: bool = False,
    ) -> list[str]:  # fmt: skip
        """Somebody writes; gives the codes that were said, in order."""
        self.count += 1
        kind = MessageKind.TEXT
        if payload is not None:
            kind = MessageKind.BUTTON
        elif location is not None:
            kind = MessageKind.LOCATION
        elif media and not text:
            kind = MessageKind.MEDIA
        address = f"whatsapp:{who}" if channel == "whatsapp" else who
        heard = Heard(
            channel=channel, account="ours", address=address, external_id=f"m{self.count}",
            identity_kind="phone" if channel == "whatsapp" else "web_session", identity=who, kind=kind, text=text,
            payload=payload, location=location,
            media=(MediaRef("http://x/y", "image/jpeg"),) if media else (),
        )  # fmt: skip
        message: Message = self.run(conversations.hear, self.count, heard)
        before = len(self.said())
        for _ in range(2 if twice else 1):
            self.run(answer, message.id, read, self.context)
        self.clock.set(self.clock.now() + _SECOND)
        return [item.code for item in self.said()[before:] if item.conversation_id is not None]

    def said(self) -> list[OutboxItem]:
        """Everything in the outbox."""
        return self.rows(OutboxItem)

    def last(self) -> OutboxItem:
        """The last thing said to a customer."""
        return [item for item in self.said() if item.conversation_id is not None][-1]

    def rows(self, entity: type[T]) -> list[T]:
        """Every row of a table, by key."""
        key: Any = next(iter(entity.__table__.primary_key))  # type: ignore[attr-defined]
        return self.run(lambda work: list(work.session.scalars(select(entity).order_by(key))))  # type: ignore[no-any-return]

    def tickets(self) -> list[Ticket]:
        """Every ticket."""
        return self.rows(Ticket)

    def runs(self) -> list[ProcedureRun]:
        """Every procedure."""
        return self.rows(ProcedureRun)

    def alerts(self, kind: str) -> list[TeamAlert]:
        """The board's lines of a kind."""
        return [alert for alert in self.rows(TeamAlert) if alert.kind == kind]

    def conversation(self) -> Conversation:
        """The newest conversation."""
        return self.rows(Conversation)[-1]

    def message(self) -> Message:
        """The newest inbound message."""
        return [row for row in self.rows(Message) if row.direction is Direction.INBOUND][-1]

    def change(self, entity: type[Any], key: Any, **values: Any) -> None:
        """Make the world different."""

        def verb(work: Work) -> None:
            row = work.session.get_one(entity, key)
            for name, value in values.items():
                setattr(row, name, value)

        self.run(verb)

    def put(self, row: Any) -> Any:
        """Put a row in."""

        def verb(work: Work) -> Any:
            work.session.add(row)
            work.session.flush()
            return row

        return self.run(verb)

    def spoken(self, item: OutboxItem) -> str:
        """What an outbox row says; raises where a phrase or a fact is missing."""
        for choice in item.choices:
            say(choice["code"], choice["facts"], item.language)
        return say(item.code, item.facts, item.language, timezone="Asia/Colombo")

    def all_can_be_said(self) -> None:
        """Every phrase finds its facts, in every language."""
        for item in self.said():
            if item.code.startswith(("ticket.", "incident.", "board.")):
                continue
            for language in ("en", "si", "ta", "es"):
                item.language = language
                assert self.spoken(item).strip()


@pytest.fixture(scope="session")
def context() -> Context:
    """What the shipped knowledge file holds."""
    return Context(KnowledgeFile(KNOWLEDGE).index)


@pytest.fixture
def network(office: Office, clock: JumpingClock, context: Context) -> Network:
    """A network with chargers in every state."""
    office.submit(OPERATOR, _furnish).result(30)
    return Network(office, clock, context)


def _furnish(work: Work) -> None:
    kandy = Site(
        name="Kandy City Centre", address="Dalada Veediya, Kandy", latitude=7.29, longitude=80.63, hours="24 h"
    )
    galle = Site(name="Galle Fort", address="Church Street, Galle", latitude=6.03, longitude=80.21)
    work.session.add_all(
        [kandy, galle, Tariff(name="default", price_minor_per_kwh=8500, currency="LKR", created_at=work.now)]
    )
    work.session.flush()
    states = {
        "100001": (ChargerState.AVAILABLE, "NoError", True),
        "100002": (ChargerState.FAULTED, "InternalError", True),
        "100003": (ChargerState.FAULTED, "GroundFailure", True),
        "100004": (ChargerState.UNAVAILABLE, "NoError", False),
        "100005": (ChargerState.FINISHING, "NoError", True),
    }
    for charger_id, (state, error, online) in states.items():
        charger = chargers.add(
            work, charger_id, name=f"Charger {charger_id[-1]}", connector_count=2, current_type=CurrentType.DC,
            site="Kandy City Centre" if charger_id < "100004" else "Galle Fort",
        )  # fmt: skip
        charger.online, charger.last_seen_at = online, work.now
        for number in (1, 2):
            row = work.session.get_one(Connector, (charger_id, number))
            row.status = state if number == 1 else ChargerState.AVAILABLE
            row.error_code = error if number == 1 else "NoError"
    members.add(work, email="a@x.lk", name="Ana", role=Role.ADMIN, whatsapp="+94110000001", language="si")


def pays(network: Network, who: str = "+94771234567") -> int:
    """Give whoever wrote a wallet, a payment and a session; gives the contact's key."""
    contact = next(row for row in network.rows(Contact) if row.id)

    def verb(work: Work) -> None:
        wallets.add_payment(
            work, contact_id=contact.id, reference="P1", gateway=Gateway.CYBERSOURCE, status=PaymentStatus.SUCCESS,
            amount=Money(500_000, "LKR"),
        )  # fmt: skip
        work.session.add(
            ChargingTransaction(
                id=77, charger_id="100001", connector=1, dedupe_key="k", contact_id=contact.id, meter_start_wh=0,
                meter_stop_wh=12_500, started_at=work.now, updated_at=work.now, stopped_at=work.now,
                price_minor_per_kwh=8500, currency="LKR", amount_minor=106_250,
            )
        )  # fmt: skip

    network.as_operator(verb)
    return contact.id


__all__ = ["Charger", "Network", "pays", "reading"]
