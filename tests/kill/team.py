"""A team on Telegram that outlives the product: what members type and press, and what must hold of it afterwards."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import migrate
from bot.clock import SystemClock
from desk import card_sheet, cards, chargers, members, outcomes, team_chats, tickets, wallets
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import OPERATOR, ActorKind, Role
from models.charger import CurrentType, ProcedureRun, RunKind
from models.charging import Tariff
from models.contact import Contact
from models.inbox import InboxItem, InboxState
from models.member import MemberIdentityKind
from models.money import Money
from models.outbox import OutboxItem, OutboxState
from models.reading import Category
from models.reply import Extra
from models.team import CardTouch, TeamCard, TeamChat
from models.ticket import LIVE, Priority, TicketEvent
from phrases.say import say
from tests.fakes.telegram import FakeBot, FakeChat, FakeMessage, FakeTelegram, FakeUser, Press
from tests.kill.network import PASSWORD

TOKEN = "8000000001:AAH-the-teams-bot-of-the-killed-house-0001"
NAMES = ("Kamala", "Ruwan", "Luz")
TICKETS = 3
CREDIT = 10_000_000
YES = say("team.yes", {}, "en")
TAKE, SNOOZE = say("card.button.take", {}, "en"), say("card.button.snooze", {}, "en")


@dataclass
class Ops:
    """Members in one group, each with a private chat as well. `notes` and `presses` are what they did."""

    telegram: FakeTelegram
    bot: FakeBot
    group: FakeChat
    people: list[FakeUser]
    rng: random.Random
    notes: list[str] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    first_update: int = 0
    _owners: dict[int, FakeUser] = field(default_factory=dict)
    _pressed: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def meet(cls, telegram: FakeTelegram, rng: random.Random) -> Ops:
        """Everybody is there and has once written to the bot."""
        bot = telegram.bot(TOKEN, "OpsTeamBot")
        people = [telegram.user(name) for name in NAMES]
        group = telegram.group("Operations", *people, bot)
        for user in people:
            telegram.starts(user, bot)
        bot.queue.clear()
        return cls(telegram, bot, group, people, rng, first_update=bot.next_update)

    def settings(self, mode: str) -> dict[str, str]:
        """For the product."""
        return {
            "TELEGRAM_API_URL": self.telegram.api_url, "TELEGRAM_TEAM_TOKEN": TOKEN, "TELEGRAM_MODE": mode,
            "TELEGRAM_TEAM_CHAT_ID": str(self.group.id),
        }  # fmt: skip

    @property
    def chats(self) -> list[FakeChat]:
        """Where the bot talks."""
        return [self.group, *(self.telegram.private(user, self.bot) for user in self.people)]

    async def furnish(self, url: str, charger_ids: list[str]) -> None:
        """A schema with members, chargers, tickets and customers who have money, before the product is started."""
        await asyncio.to_thread(migrate.prepare, url)
        house = House(node="furnisher", team_bot=str(self.bot.id))
        office = Office(url, clock=SystemClock(), bus=LocalBus(), house=house)
        try:
            await office.run(OPERATOR, self._register, charger_ids)
        finally:
            await asyncio.to_thread(office.close)

    def _register(self, work: Work, charger_ids: list[str]) -> None:
        for user in self.people:
            member = members.add(work, email=f"{user.name.lower()}@team.example", name=user.name, role=Role.ADMIN)
            members.enrol(work, member, MemberIdentityKind.TELEGRAM, str(user.id))
        team_chats.register(work, str(self.group.id), title="Operations", language="en")
        work.session.add(Tariff(name="default", price_minor_per_kwh=100_000, currency="LKR", created_at=work.now))
        for charger_id in charger_ids:
            chargers.add(
                work, charger_id, name=f"Liberty Plaza {charger_id}", current_type=CurrentType.DC,
                site="Liberty Plaza", password=PASSWORD,
            )  # fmt: skip
            owner = Contact(name=f"Nimal {charger_id}", username=f"nimal{charger_id}", created_at=work.now)
            work.session.add(owner)
            work.session.flush()
            wallets.credit(work, amount=Money(CREDIT, "LKR"), note="", key=charger_id, contact_id=owner.id)
        for n in range(TICKETS):
            tickets.open_ticket(
                work, category=Category.FAULT, summary=f"Red light {n}", priority=Priority.CRITICAL
            )  # fmt: skip

    # What they do --------------------------------------------------------------------------------------------------

    def says(self, user: FakeUser, text: str, chat: FakeChat | None = None) -> None:
        """Somebody types, in the group unless it is said where."""
        message = self.telegram.says(user, text, chat or self.group)
        if message.chat is self.group:
            self._owners[message.id] = user

    async def asks(self, line: str) -> FakeMessage:
        """The first member types what has to be confirmed; gives the question."""
        seen = len(self.group.from_bots)
        self.says(self.people[0], line)
        async with asyncio.timeout(60):
            while True:
                for message in self.group.from_bots[seen:]:
                    if YES in message.buttons:
                        return message
                await asyncio.sleep(0.05)

    async def talk(self, n: int, lines: int, charger_id: str) -> None:
        """One member's day: notes, looks, and a remedy that has to be confirmed."""
        user = self.people[n]
        private = self.telegram.private(user, self.bot)
        self.says(user, f"/clear {charger_id}")
        for m in range(lines):
            note = f"word {n}{m} from {user.name}"
            self.notes.append(note)
            self.says(user, f"/note TKT-{1 + m % TICKETS:06d} {note}", self.rng.choice((self.group, private)))
            await asyncio.sleep(self.rng.uniform(0.1, 1.0))
            self.says(user, f"/status {charger_id}", self.rng.choice((self.group, private)))
            await asyncio.sleep(self.rng.uniform(0.1, 1.0))

    async def watch(self) -> None:
        """Press what is shown in the group: Yes by whoever asked, and of each card Take and Snooze, once."""
        while True:
            for message in self.group.from_bots:
                if YES in message.buttons and message.reply_to in self._owners:
                    self._press(self._owners[message.reply_to], message, YES)
                elif TAKE in message.buttons:
                    self._press(self.rng.choice(self.people), message, TAKE)
                elif SNOOZE in message.buttons and self.rng.random() < 0.05:
                    self._press(self.rng.choice(self.people), message, SNOOZE)
            await asyncio.sleep(0.05)

    def _press(self, user: FakeUser, message: FakeMessage, label: str) -> None:
        if (message.id, label) not in self._pressed:
            self._pressed.add((message.id, label))
            self.presses.append(self.telegram.presses(user, message, label))


# What must hold -----------------------------------------------------------------------------------------------------


def unsettled(session: Session) -> int:
    """Changes that no card shows yet, and procedures whose end nobody heard."""
    touches = session.scalar(select(func.count(CardTouch.id))) or 0
    stale = session.scalar(select(func.count(TeamCard.id)).where(TeamCard.wanted > TeamCard.sent)) or 0
    running = session.scalar(select(func.count(ProcedureRun.id)).where(ProcedureRun.ended_at.is_(None))) or 0
    return touches + stale + running + len(outcomes.to_tell(_work(session)))


def _work(session: Session, team_bot: str = "") -> Work:
    """To look with."""
    return Work(session, SystemClock().now(), OPERATOR, House(team_bot=team_bot))


def check(session: Session, ops: Ops) -> str:
    """Raise AssertionError for whatever was promised and is not so."""
    items = session.scalars(select(InboxItem).where(InboxItem.channel == "team").order_by(InboxItem.id)).all()
    expected = [str(n) for n in range(ops.first_update, ops.bot.next_update)]
    assert sorted(item.external_id for item in items) == expected, "acknowledged and not kept exactly once"
    assert {item.state for item in items} == {InboxState.DONE}
    rows = session.scalars(select(OutboxItem).where(OutboxItem.channel == "team").order_by(OutboxItem.id)).all()
    for chat in ops.chats:
        _sent_once(chat, [row for row in rows if row.address == str(chat.id)])
    interrupted = _notes(session, ops, list(rows))
    _answered(ops, list(items), list(rows))
    _remedies(session)
    _cards(session, ops, list(rows))
    return f"{len(items)} updates, {len(rows)} rows, {len(ops.presses)} presses, {interrupted} notes interrupted"


def _sent_once(chat: FakeChat, rows: list[OutboxItem]) -> None:
    """A message once; or once more with the mark, where the row says so; or shown to staff as not known."""
    mark = say("delivery.repeated", {"text": "\0"}, "en").partition("\0")[0].strip()
    for row in rows:
        assert row.state is OutboxState.SENT or (row.state, row.error_code) == (OutboxState.DEAD, "unknown"), row.code
    new = [row for row in rows if not (row.extra or {}).get(Extra.EDIT)]
    certain = [row for row in new if not row.repeated]
    shown = [row for row in new if row.state is OutboxState.DEAD]
    said = [any(mark in text for text in (message.text, *message.edits)) for message in chat.from_bots]
    told = f"{chat.id}: {len(new)} rows, {len(certain)} of them without doubt; {Counter(said)}"
    assert len(certain) <= said.count(False) <= len(new), f"said twice without a mark, or lost: {told}"
    assert said.count(True) <= len(new) - len(certain), told
    assert len(said) >= len(new) - len(shown), told


def _notes(session: Session, ops: Ops, rows: list[OutboxItem]) -> int:
    """Each note stands once, or its member was told that it may not."""
    kept = Counter(session.scalars(select(TicketEvent.note).where(TicketEvent.kind == "note")))
    told = [str((row.facts or {})["text"]) for row in rows if row.code == "staff.interrupted"]
    doubtful = {note for note in ops.notes if any(note in text for text in told)}
    for note in ops.notes:
        assert kept[note] == 1 or (note in doubtful and kept[note] == 0), f"{note}: {kept[note]} times"
    return len(doubtful)


def _answered(ops: Ops, items: list[InboxItem], rows: list[OutboxItem]) -> None:
    """Each line has its answer, each press its word: to who pressed, or in the chat."""
    answers = {row.dedupe_key for row in rows}
    presses = {press.id: press for press in ops.presses}
    for item in items:
        pressed = (item.raw or {}).get("callback_query")
        heard_alone = pressed is not None and presses[pressed["id"]].answer is not None
        assert heard_alone or f"staff:{item.id}" in answers, item.raw


def _remedies(session: Session) -> None:
    """One confirmation, one procedure."""
    runs = session.scalars(
        select(ProcedureRun.charger_id).where(
            ProcedureRun.actor_kind == ActorKind.MEMBER.value, ProcedureRun.kind == RunKind.CLEAR_FAULT
        )
    )
    assert all(count == 1 for count in Counter(runs).values())


def _cards(session: Session, ops: Ops, rows: list[OutboxItem]) -> None:
    """One message for each matter, which shows how it stands."""
    of_card: dict[int, list[OutboxItem]] = defaultdict(list)
    for row in rows:
        if row.dedupe_key.startswith("card:") and row.code not in ("card.page", "card.awake"):
            of_card[int(row.dedupe_key.split(":")[1])].append(row)
    [chat] = session.scalars(select(TeamChat))
    shown = session.scalars(select(TeamCard).where(TeamCard.team_chat_id == chat.id)).all()
    assert len(shown) >= TICKETS
    work = _work(session, str(ops.bot.id))
    for card in shown:
        posts = [row for row in of_card[card.id] if not (row.extra or {}).get(Extra.EDIT)]
        lost = [row for row in posts if row.state is OutboxState.DEAD]
        assert len(posts) - len(lost) <= 1, f"card {card.id} was posted as {[row.id for row in posts]}"
        if card.provider_id is None:
            continue
        message = ops.group.find(int(card.provider_id))
        assert message is not None
        ticket = cards.ticket_of(work, card)
        face = card_sheet.sheet(work, card)
        assert face is not None
        assert face.face == card.face, f"card {card.id} does not show how it stands"
        if ticket is not None:
            assert ticket.ref in message.text
            untaken = ticket.status in LIVE and ticket.taken_at is None
            assert (TAKE in message.buttons) is untaken, message.text
