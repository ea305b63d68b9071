"""Stories by the real doors: a fault becomes a card in two groups, is worked on by presses, and everybody sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from desk import members, team_chats, tickets
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Department, Role
from models.member import MemberIdentityKind
from models.reading import Category
from models.ticket import Priority
from tests.fakes.telegram import FakeBot, FakeChat, FakeMessage, FakeTelegram, FakeUser, Press
from tests.world import TEAM_BOT, World, world

T = TypeVar("T")


@dataclass
class Team:
    """Kamala and Ruwan in an English group, Luz in a Spanish one."""

    here: World
    telegram: FakeTelegram
    bot: FakeBot
    group: FakeChat
    other: FakeChat
    kamala: FakeUser
    ruwan: FakeUser
    luz: FakeUser

    async def sees(self, chat: FakeChat, *parts: str, without: str = "\0") -> FakeMessage:
        """Wait for a message of the bot, as it stands, that holds all parts."""

        def found() -> FakeMessage | None:
            fits = [m for m in chat.from_bots if all(part in m.text for part in parts) and without not in m.text]
            return fits[-1] if fits else None

        return await self._until(found, lambda: f"{chat.title} shows no {parts}: {[m.text for m in chat.from_bots]}")

    async def hears_below(self, card: FakeMessage, *either: str) -> None:
        """Wait for a message that answers a card and says one of these."""

        def found() -> bool:
            below = [m.text for m in card.chat.from_bots if m.reply_to == card.id]
            return any(part in text for part in either for text in below)

        await self._until(found, lambda: f"nothing of {either} below {card.text}")

    async def presses(self, user: FakeUser, message: FakeMessage, label: str) -> Press:
        """Press a button and wait until the bot answered the press."""
        press = self.telegram.presses(user, message, label)
        await self._until(lambda: press.answer, lambda: f"nobody answered {label}")
        return press

    async def _until(self, look: Callable[[], T | None], what: Callable[[], str]) -> T:
        for _ in range(600):
            if found := look():
                return found
            await self.here.clock.fast_forward(seconds=0.5)
            await asyncio.sleep(0.01)
        raise AssertionError(what())

    async def ticket(self, number: int = 1, summary: str = "Red light") -> str:
        """A critical ticket opens."""
        ticket = await self.here.app.office.run(
            ASSISTANT, tickets.open_ticket, category=Category.FAULT, summary=f"{summary} {number}",
            priority=Priority.CRITICAL,
        )  # fmt: skip
        return ticket.ref


@asynccontextmanager
async def team(database_url: str, folder: Path, *, supergroup: bool = True) -> AsyncIterator[Team]:
    """The house with both groups registered."""
    async with world(database_url, folder, team_telegram=True) as here:
        assert here.telegram is not None
        telegram, bot = here.telegram, here.bot(TEAM_BOT)
        users = [telegram.user(name) for name in ("Kamala", "Ruwan", "Luz")]
        group = telegram.group("Ops", users[0], users[1], bot, supergroup=supergroup)
        other = telegram.group("Operaciones", users[2], bot)

        def settle(work: Work) -> None:
            for user in users:
                member = members.add(
                    work, email=f"{user.name.lower()}@team.example", name=user.name, role=Role.DISPATCHER,
                    departments=list(Department),
                )  # fmt: skip
                members.enrol(work, member, MemberIdentityKind.TELEGRAM, str(user.id))
            team_chats.register(work, str(group.id), title="Ops", language="en")
            team_chats.register(work, str(other.id), title="Operaciones", language="es")

        for user in users:
            telegram.says(user, "/start", telegram.private(user, bot))
        await here.app.office.run(OPERATOR, settle)
        yield Team(here, telegram, bot, group, other, *users)


async def test_a_fault_becomes_a_card_and_whoever_takes_it_is_shown_everywhere(
    database_url: str, tmp_path: Path
) -> None:
    async with team(database_url, tmp_path) as our:
        await our.here.charger("100003", scenario="hard_fault")
        ana = our.here.driver("+94771234567")
        await ana.says("smoke and sparks at charger 100003")
        await ana.hears("step away", "TKT-000001")
        await ana.hears("100003 is switched off", passing_s=120)
        english = await our.sees(our.group, "Incident 1 at charger 100003", "TKT-000001 · critical", "…567")
        spanish = await our.sees(our.other, "Incidente 1 en el cargador 100003", "Nadie lo tiene")
        assert "1234567" not in english.text

        await our.presses(our.kamala, english, "Take")
        await our.sees(our.group, "Kamala has it since")
        assert our.group.find(english.id) is english, "edited in place"
        assert "Kamala has it since" in english.text
        await our.sees(our.other, "Lo tiene Kamala")
        assert "Lo tiene Kamala" in spanish.text
        assert "Take" not in english.buttons
        await ana.hears("TKT-000001", "Kamala", passing_s=60)


async def test_snooze_hides_a_card_until_it_wakes(database_url: str, tmp_path: Path) -> None:
    async with team(database_url, tmp_path) as our:
        await our.ticket()
        card = await our.sees(our.group, "TKT-000001", "Nobody has it yet")
        await our.presses(our.ruwan, card, "Snooze 1 h")
        await our.sees(our.group, "Quiet until")
        assert "due" not in card.text
        await our.here.fast_forward(minutes=61)
        # The first response is due in the very minute in which the card wakes: either is the message that is heard.
        await our.hears_below(card, "The quiet time is over", "no first response")
        await our.sees(our.group, "TKT-000001", "first response", without="Quiet until")


async def test_escalate_and_resolve_ask_first(database_url: str, tmp_path: Path) -> None:
    async with team(database_url, tmp_path) as our:
        await our.ticket()
        card = await our.sees(our.group, "TKT-000001", "Nobody has it yet")
        await our.presses(our.kamala, card, "Escalate…")
        question = await our.sees(our.group, "TKT-000001", "tried", without="Nobody")
        our.telegram.says(our.kamala, "a reset; it fell again; an electrician", our.group, reply_to=question)
        await our.sees(our.group, "Last: escalated, Kamala", "a reset")

        await our.presses(our.kamala, card, "Resolve…")
        question = await our.sees(our.group, "TKT-000001", "done", without="Nobody")
        our.telegram.says(our.kamala, "Changed the breaker", our.group, reply_to=question)
        await our.sees(our.group, "✅ TKT-000001", "Changed the breaker")
        assert card.buttons == {}
        await our.sees(our.other, "✅ TKT-000001")


async def test_sixty_events_in_a_minute_are_borne_by_the_groups(database_url: str, tmp_path: Path) -> None:
    """Telegram itself refuses the twenty-first message of a minute here; none is refused."""
    async with team(database_url, tmp_path) as our:
        our.telegram.enforce_rates = True
        for number in range(60):
            await our.ticket(number)
            await our.here.clock.fast_forward(seconds=1)
        for number in range(60):
            await our.sees(our.group, f"TKT-{number + 1:06d}")
            await our.sees(our.other, f"TKT-{number + 1:06d}")
        await our.here.restart()
        await our.here.fast_forward(minutes=1)

        def resolve(work: Work) -> None:
            for number in range(60):
                tickets.resolve(work, f"TKT-{number + 1:06d}", f"mended {number}")

        await our.here.app.office.run(OPERATOR, resolve)
        for number in range(60):
            await our.sees(our.group, f"✅ TKT-{number + 1:06d}")
            await our.sees(our.other, f"✅ TKT-{number + 1:06d}")
        for chat in (our.group, our.other):
            assert max(sum(0 <= (b - a).total_seconds() < 60 for b in chat.busy) for a in chat.busy) <= 20


async def test_a_group_that_grows_keeps_its_cards(database_url: str, tmp_path: Path) -> None:
    async with team(database_url, tmp_path, supergroup=False) as our:
        await our.ticket()
        await our.sees(our.group, "TKT-000001", "Nobody has it yet")
        our.group = our.telegram.upgrade(our.group, our.kamala)
        card = await our.sees(our.group, "TKT-000001", "Nobody has it yet")
        await our.presses(our.ruwan, card, "Take")
        await our.sees(our.group, "Ruwan has it since")
        assert "Ruwan has it since" in card.text
