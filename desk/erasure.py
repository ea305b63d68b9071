"""Forgetting a person. What they owe and what was done for them stays, without anything that says who they were.

Two passes. First the rows that are theirs are emptied one kind at a time. Then every text of every table is searched
for what named them (numbers, address, account, tags), because people and staff write such things anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, null, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from desk import audit, cards, second_opinions, traces
from desk.work import Work
from models.access import Permission
from models.audit import AuditRow
from models.charger import ChargerCommand, ProcedureRun
from models.charging import ChargingTransaction, IdTag, TagStatus
from models.contact import Contact, ContactIdentity, IdentityKind, PhoneLink
from models.conversation import Conversation
from models.errors import Refusal
from models.force_charge import ForceCharge
from models.inbox import InboxItem, InboxState
from models.incident import IncidentPerson
from models.member import TeamAlert
from models.message import Correction, Media, MediaState, Message, MessageState
from models.outbox import OutboxEvent, OutboxItem, OutboxState
from models.ticket import Ticket, TicketEvent, ticket_ref
from models.wallet import Payment, Wallet, WalletEntry

QUOTED = 16
"""A saying shorter than this proves nothing where it is found again: anybody says "hello"."""


@dataclass(frozen=True)
class Erased:
    """What went. `paths` are files under the media folder that the caller deletes once this is committed."""

    contact_id: int
    messages: int
    tickets: int
    paths: tuple[str, ...]


def preview(work: Work, contact: Contact) -> Erased:
    """What `erase` would touch."""
    work.require(Permission.ERASE_CONTACTS)
    messages = _ids(work, Message.id, Message.contact_id == contact.id)
    cases = _ids(work, Ticket.id, Ticket.contact_id == contact.id)
    files = _files(work, messages, cases)
    return Erased(contact.id, len(messages), len(cases), _paths(work, files))


def erase(work: Work, contact: Contact) -> Erased:
    """Forget a contact. Refuses while one of their charging sessions runs. Writing again makes a new contact."""
    work.require(Permission.ERASE_CONTACTS)
    contact_id = contact.id
    running = (ChargingTransaction.contact_id == contact_id) & ChargingTransaction.stopped_at.is_(None)
    if _ids(work, ChargingTransaction.id, running):
        raise Refusal("contact.in_session", id=contact_id)
    done = preview(work, contact)
    named = _names(work, contact)
    talks = _ids(work, Conversation.id, Conversation.contact_id == contact_id)
    messages = _ids(work, Message.id, Message.contact_id == contact_id)
    cases = _ids(work, Ticket.id, Ticket.contact_id == contact_id)
    said = (*_sayings(work, messages), *(ticket_ref(key) for key in cases))
    _forget_talk(work, talks, messages)
    _forget_files(work, _files(work, messages, cases))
    _forget_cases(work, contact_id, cases, messages)
    _forget_quotes(work, cases, messages, said, named)
    cards.forget(work, cases, messages)
    _forget_money(work, contact_id)
    _forget_contact(work, contact)
    work.session.flush()
    traces.wipe(work, named)
    for topic in (*(f"live.message.{key}" for key in messages[-50:]), *(f"live.ticket.{key}" for key in cases)):
        work.wake(topic)
    audit.record(work, "contact.erased", f"contact:{contact_id}", messages=done.messages, tickets=done.tickets)
    work.session.expire_all()
    return done


def _names(work: Work, contact: Contact) -> traces.Names:
    """What is searched for in every table, and what only in rows that are tied to the person."""
    rows = work.session.execute(
        select(ContactIdentity.kind, ContactIdentity.value).where(ContactIdentity.contact_id == contact.id)
    )
    everywhere: list[str] = []
    for kind, value in rows:
        everywhere += traces.written_forms(value, work.house.region) if kind is IdentityKind.PHONE else [value]
    everywhere += work.session.scalars(select(IdTag.value).where(IdTag.contact_id == contact.id))
    everywhere += [contact.email or "", contact.username or ""]
    full = contact.name.strip()
    nearby = [full, *full.split()]
    if " " in full:
        everywhere.append(full)
    return traces.Names(traces.telling(everywhere), traces.telling(nearby, least=3))


def _sayings(work: Work, messages: Sequence[int]) -> tuple[str, ...]:
    """What they wrote and how it was summed up: such lines are quoted in tickets and alerts."""
    rows = work.session.execute(select(Message.text, Message.summary).where(Message.id.in_(messages)))
    return traces.telling([text for row in rows for text in row if text], least=QUOTED)


def _forget_talk(work: Work, talks: Sequence[int], messages: Sequence[int]) -> None:
    inbox = _ids(work, Message.inbox_id, Message.id.in_(messages) & Message.inbox_id.is_not(None))
    lanes = work.session.scalars(select(Conversation.key).where(Conversation.id.in_(talks))).all()
    inbox += _ids(work, InboxItem.id, InboxItem.lane.in_(lanes))
    _set(work, InboxItem.id, inbox, raw=null(), lane="erased", error=null())
    untaken = InboxItem.state.in_((InboxState.NEW, InboxState.CLAIMED))
    waiting = _ids(work, InboxItem.id, InboxItem.id.in_(inbox) & untaken)
    _set(work, InboxItem.id, waiting, state=InboxState.DONE, done_at=work.now, lease_owner=null())
    _set(
        work, Message.id, messages, text=null(), facts=null(), payload=null(), latitude=null(), longitude=null(),
        summary=null(), entities=null(), sender="", state=MessageState.ARCHIVED,
    )  # fmt: skip
    _set(work, Correction.message_id, messages, why="")
    second_opinions.forget(work, messages)
    replies = _ids(work, OutboxItem.id, OutboxItem.conversation_id.in_(talks))
    _set(work, OutboxEvent.outbox_id, replies, raw=null())
    _set(work, OutboxItem.id, replies, address="", lane="erased", facts={}, choices=[], text=null(), rendered=null())
    unsent = OutboxItem.state.in_((OutboxState.PENDING, OutboxState.UNKNOWN, OutboxState.SENDING))
    unsent_ids = _ids(work, OutboxItem.id, OutboxItem.id.in_(replies) & unsent)
    _set(work, OutboxItem.id, unsent_ids, state=OutboxState.DEAD, error_code="erased", lease_owner=null())
    for key in talks:
        _set(work, Conversation.id, [key], key=f"erased:{key}", address="", dialogue=null(), menu=null())
    _set(work, IncidentPerson.conversation_id, talks, told_at=work.now)


def _forget_cases(work: Work, contact_id: int, cases: Sequence[int], messages: Sequence[int]) -> None:
    """Tickets keep their category, states, times and who worked on them; their words go."""
    _set(work, Ticket.id, cases, summary="…", description="", evidence=null())
    _set(work, TicketEvent.ticket_id, cases, note="")
    for table in (TicketEvent, AuditRow, ProcedureRun, ChargerCommand):
        _unname_actor(work, table, contact_id)


def _forget_quotes(
    work: Work, cases: Sequence[int], messages: Sequence[int], said: Sequence[str], names: traces.Names
) -> None:
    """Alerts and pages to the team about their messages and tickets keep their codes and lose their sentences."""
    for start in range(0, len(said), 40):
        part = said[start : start + 40]
        about = TeamAlert.ticket_id.in_(cases) | TeamAlert.message_id.in_(messages) | traces.mentions(TeamAlert, part)
        traces.blank_facts(work, TeamAlert, about, names)
        to_staff = OutboxItem.conversation_id.is_(None) & traces.mentions(OutboxItem, part)
        traces.blank_facts(work, OutboxItem, to_staff, names)
        traces.blank_facts(work, AuditRow, traces.mentions(AuditRow, part), names)


def _unname_actor(work: Work, table: type[Any], contact_id: int) -> None:
    name = "by_name" if table is TicketEvent else "actor_name"
    kind, key = name.replace("name", "kind"), name.replace("name", "id")
    work.session.execute(
        update(table)
        .where(getattr(table, kind) == "contact", getattr(table, key) == str(contact_id))
        .values({name: "…"})
        .execution_options(synchronize_session=False)
    )


def _forget_money(work: Work, contact_id: int) -> None:
    """Amounts, times and references stay; cards, notes and tags go."""
    ledger = _ids(work, Wallet.id, Wallet.contact_id == contact_id)
    _set(work, WalletEntry.wallet_id, ledger, note="")
    _set(work, Payment.contact_id, [contact_id], card_type=null(), card_last4=null())
    _set(work, ChargingTransaction.contact_id, [contact_id], id_tag=null())
    told = [f"force_charge:{key}:ended" for key in _ids(work, ForceCharge.id, ForceCharge.contact_id == contact_id)]
    _set(work, OutboxItem.dedupe_key, told, facts={}, rendered=null())
    _set(work, ForceCharge.contact_id, [contact_id], id_tag="…")
    for key in _ids(work, IdTag.id, IdTag.contact_id == contact_id):
        _set(work, IdTag.id, [key], value=f"ERASED-{key}", status=TagStatus.BLOCKED)


def _forget_contact(work: Work, contact: Contact) -> None:
    work.session.execute(delete(ContactIdentity).where(ContactIdentity.contact_id == contact.id))
    _forget_links(work, contact.id)
    contact.name, contact.erased_at, contact.account_active = "", work.now, False
    contact.username = contact.email = contact.organisation = contact.notes = contact.language = None
    contact.primary_charger_id = contact.fleet_id = None


def _forget_links(work: Work, contact_id: int) -> None:
    """Whom a linked conversation belonged to before is the same person."""
    linked = or_(PhoneLink.contact_id == contact_id, PhoneLink.before_contact_id == contact_id)
    before = _ids(work, PhoneLink.before_contact_id, (PhoneLink.contact_id == contact_id))
    others = [key for key in before if key != contact_id]
    _set(work, Contact.id, others, name="", erased_at=work.now, account_active=False, language=null())
    work.session.execute(delete(PhoneLink).where(linked))


def _ids(work: Work, column: InstrumentedAttribute[Any], where: Any) -> list[Any]:
    return list(work.session.scalars(select(column).where(where).order_by(column)))


def _files(work: Work, messages: Sequence[int], cases: Sequence[int]) -> list[int]:
    """What came with their messages, and what members put on their tickets."""
    notes = select(TicketEvent.id).where(TicketEvent.ticket_id.in_(cases))
    return _ids(work, Media.id, or_(Media.message_id.in_(messages), Media.event_id.in_(notes)))


def _forget_files(work: Work, files: Sequence[int]) -> None:
    _set(work, Media.id, files, url="", path=null(), sha256=null(), error=null(), state=MediaState.DELETED)


def _paths(work: Work, files: Sequence[int]) -> tuple[str, ...]:
    rows = work.session.scalars(select(Media.path).where(Media.id.in_(files), Media.path.is_not(None)))
    return tuple(path for path in rows if path)


def _set(work: Work, column: InstrumentedAttribute[Any], keys: Sequence[Any], **values: Any) -> None:
    """Set columns of the rows whose `column` is one of `keys`."""
    for start in range(0, len(keys), 500):
        work.session.execute(
            update(column.class_)
            .where(column.in_(keys[start : start + 500]))
            .values(values)
            .execution_options(synchronize_session=False)
        )
