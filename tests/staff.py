"""A team of every role with API tokens, two fleets with chargers, a customer and tickets: what doors for staff show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from commands.command import CommandContext
from desk import chargers, charging, contacts, conversations, members, tickets, wallets
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, Actor, Department, Role
from models.audit import AuditRow
from models.charger import Charger, ChargerState, Connector, CurrentType, Fleet, OrderKind, OrderOutcome
from models.message import Heard
from models.money import Money
from models.ports import Bus, OrderAnswer, StartReport
from models.reading import Category

PHONE = "+94771234567"


@dataclass
class Wire:
    """Fits models.ports.Chargers: every order gets `answer` at once, and the charger's report follows."""

    bus: Bus
    orders: list[tuple[str, OrderKind, dict[str, Any]]] = field(default_factory=list)
    answer: OrderAnswer = field(default_factory=lambda: OrderAnswer(OrderOutcome.ANSWERED, "Accepted"))

    async def order(
        self, charger_id: str, kind: OrderKind, args: dict[str, Any], *, run_id: int | None = None,
        actor: Actor | None = None,
    ) -> OrderAnswer:  # fmt: skip
        """Remember it."""
        self.orders.append((charger_id, kind, args))
        self.bus.announce(f"live.charger.{charger_id}")
        return self.answer


@dataclass
class Staff:
    """The team by role, and what they look at."""

    office: Office
    wire: Wire
    actors: dict[Role, Actor]
    tokens: dict[Role, str]
    contact_id: int
    conversation_id: int
    message_id: int
    installers_ticket: str
    other_ticket: str

    def context(self, role: Role, door: str = "whatsapp:+94770000001") -> CommandContext:
        """A member at a door."""
        return CommandContext(self.office.desk(self.actors[role]), self.wire, door)

    async def charger(self, charger_id: str, state: ChargerState, *, online: bool = True, error: str = "") -> None:
        """Put a charger's first connector into a state."""
        await self.office.run(OPERATOR, _set_state, charger_id, state, online, error)

    async def session(self, charger_id: str, transaction_id: int) -> None:
        """Begin a session at a charger's first connector."""
        await self.office.run(OPERATOR, _begin, charger_id, transaction_id)

    async def audit(self) -> list[AuditRow]:
        """The audit trail, oldest first."""
        return await self.office.read(OPERATOR, lambda work: list(work.session.scalars(select(AuditRow))))

    async def rows(self) -> dict[str, int]:
        """How many rows each table holds, but for the audit trail: what must not change when nothing was done."""
        return await self.office.read(OPERATOR, _count)


async def hire(office: Office) -> Staff:
    """Everybody and everything."""
    return await office.run(OPERATOR, _hire, office)


def _hire(work: Work, office: Office) -> Staff:
    own, foreign = Fleet(name="Own Fleet"), Fleet(name="Foreign Fleet")
    work.session.add_all([own, foreign])
    work.session.flush()
    for charger_id, fleet in (("100001", own), ("100002", foreign)):
        chargers.add(
            work, charger_id, name=f"Charger {charger_id}", current_type=CurrentType.DC, connector_count=2,
            site="Colombo 1", fleet_id=fleet.id,
        )  # fmt: skip
        _set_state(work, charger_id, ChargerState.AVAILABLE, True, "")
    actors: dict[Role, Actor] = {}
    tokens: dict[Role, str] = {}
    for role in Role:
        member = members.add(
            work, email=f"{role.value}@example.org", name=role.value.replace("_", " ").title(), role=role,
            departments=list(Department), fleet_id=own.id if role is Role.CPO else None,
        )  # fmt: skip
        actors[role] = members.actor(work, member)
        tokens[role] = members.create_token(work, member, "test")
    message = conversations.hear(work, 1, _heard())
    contact = contacts.get(work, message.contact_id)
    contact.username = "nimal"
    wallets.credit(work, amount=Money(345_000, "LKR"), note="start", key="t1", contact_id=contact.id)
    installer = actors[Role.INSTALLER].member_id
    given = tickets.open_ticket(work, category=Category.INSTALL, summary="New wallbox", assignee_id=installer)
    other = tickets.open_ticket(
        work, category=Category.FAULT, summary="Red light", charger_id="100001", contact_id=contact.id,
        conversation_id=message.conversation_id,
    )  # fmt: skip
    return Staff(
        office, Wire(office.bus), actors, tokens, contact.id, message.conversation_id, message.id, given.ref, other.ref
    )  # fmt: skip


def _heard() -> Heard:
    return Heard(
        channel="whatsapp", account="whatsapp:+94110000000", address=f"whatsapp:{PHONE}", external_id="SM1",
        identity_kind="phone", identity=PHONE, text="100001 does not start", sender_name="Nimal",
    )  # fmt: skip


def _set_state(work: Work, charger_id: str, state: ChargerState, online: bool, error: str) -> None:
    charger = work.session.get_one(Charger, charger_id)
    charger.online = online
    charger.last_seen_at = work.now
    for number in (1, 2):
        connector = work.session.get_one(Connector, (charger_id, number))
        connector.status = state if number == 1 else ChargerState.AVAILABLE
        connector.error_code = error or "NoError" if number == 1 else "NoError"


def _begin(work: Work, charger_id: str, transaction_id: int) -> None:
    charging.started(
        work, charger_id,
        StartReport(
            transaction_id, 1, None, 1_000, datetime(2026, 3, 2, 7, 0, tzinfo=UTC), f"start:{transaction_id}"
        ),
    )  # fmt: skip


def _count(work: Work) -> dict[str, int]:
    from sqlalchemy import func

    from models.tables import metadata

    quiet = {"audit", "api_token"}
    return {
        table.name: work.session.scalar(select(func.count()).select_from(table)) or 0
        for table in metadata.sorted_tables
        if table.name not in quiet
    }
