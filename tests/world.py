"""The story harness: the real application by its real doors, fake providers, virtual chargers, a clock that jumps.

A message to a phone or a web chat that no line of the story expected fails it at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
from sqlalchemy import select

from bot.app import App
from bot.settings import from_mapping
from desk import chargers, charging, contacts, inbox, members, outbox, tags, wallets
from desk.work import Work
from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.scenarios import Scenario
from jobs.beat import VirtualMetronome
from jobs.table import JOBS
from jobs.tick import run_job
from models.access import OPERATOR, Actor, Department, Role
from models.charger import CurrentType
from models.contact import Contact, IdentityKind
from models.member import MemberIdentityKind, TeamAlert
from models.money import Money
from tests.chat import Browser
from tests.clock import JumpingClock
from tests.fakes.telegram import FakeBot, FakeTelegram
from tests.fakes.twilio import FakeTwilio
from tests.people import HEAR_S, Phone, TelegramPerson, Visitor

PUBLIC_URL = "https://desk.example"
PASSWORD = "a charger's password"
FINE_S = 1200.0
"""A longer span than this passes in strides."""
STRIDE_S = 1200.0
DRIVERS_BOT = "7000000001:AAH-the-drivers-bot-of-the-stories-0001"
TEAM_BOT = "7000000002:AAH-the-teams-bot-of-the-stories-000002"
SELDOM_S = 30 * 24 * 3600
"""A heartbeat interval for stories in which days pass: no charger falls silent between two strides."""


@dataclass
class World:
    """A running house. Times are the clock's; sockets, databases and the OCPP wire are real."""

    app: App
    clock: JumpingClock
    twilio: FakeTwilio
    settings: dict[str, str]
    heartbeat_interval_s: int
    phones: dict[str, Phone] = field(default_factory=dict)
    visitors: list[Visitor] = field(default_factory=list)
    telegram: FakeTelegram | None = None
    on_telegram: list[TelegramPerson] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _beat: VirtualMetronome | None = None
    _ports: dict[str, str] = field(default_factory=dict)

    @property
    def http(self) -> str:
        """Where the web side listens."""
        assert self.app.web is not None
        return f"http://127.0.0.1:{self.app.web.port}"

    # People ---------------------------------------------------------------------------------------------------------

    def driver(self, number: str) -> Phone:
        """Somebody who writes on WhatsApp."""
        return self.phones.setdefault(number, Phone(number, self.twilio, self.clock))

    def bot(self, token: str = DRIVERS_BOT) -> FakeBot:
        """One of our bots, as Telegram knows it."""
        assert self.telegram is not None, "the story asks for telegram=True"
        return self.telegram.bots[token]

    def telegram_driver(self, name: str = "Amal", *, language: str = "en", phone: str = "") -> TelegramPerson:
        """Somebody who writes to the drivers' bot; nothing is said yet."""
        assert self.telegram is not None, "the story asks for telegram=True"
        user = self.telegram.user(name, language=language, phone=phone)
        chat = self.telegram.private(user, self.bot())
        person = TelegramPerson(user, self.bot(), chat, self.telegram, self.clock)
        self.on_telegram.append(person)
        return person

    async def visitor(self, language: str = "en") -> Visitor:
        """Somebody who writes in the web chat."""
        browser = Browser(self.http.replace("http", "ws", 1) + "/chat/ws", language=language)
        await browser.open()
        visitor = Visitor(browser, self.clock)
        self.visitors.append(visitor)
        return visitor

    async def customer(self, number: str, *, name: str, rupees: int, tag: str | None = None) -> Phone:
        """A driver who has an account: a wallet, and perhaps a charging card."""

        def enrol(work: Work) -> None:
            contact = Contact(name=name, created_at=work.now)
            work.session.add(contact)
            work.session.flush()
            contacts.add_identity(work, contact, IdentityKind.PHONE, number)
            wallets.credit(
                work, contact_id=contact.id, amount=Money(rupees * 100, "LKR"), note="top-up", key=f"start {number}"
            )
            if tag is not None:
                tags.add(work, tag, contact_id=contact.id)

        await self.app.office.run(OPERATOR, enrol)
        return self.driver(number)

    async def member(
        self, role: Role = Role.OPS_AGENT, *, name: str = "Tara", number: str | None = None,
        departments: Sequence[Department] = tuple(Department), language: str = "en", wrote_before: bool = True,
    ) -> Phone:  # fmt: skip
        """Enrol somebody of the team, with a number where it is to be paged or to type commands."""
        await self.app.office.run(
            OPERATOR, members.add, email=f"{name.lower()}@team.example", name=name, role=role, whatsapp=number,
            departments=departments, language=language,
        )  # fmt: skip
        phone = self.driver(number or f"+0{len(self.phones)}")
        if number and wrote_before:
            self.twilio.open_window(number)
            await self.app.office.run(OPERATOR, members.heard_from, MemberIdentityKind.WHATSAPP, number)
        return phone

    async def api(self, name: str) -> httpx.AsyncClient:
        """The JSON API, signed in as a member."""

        def create(work: Work) -> str:
            return members.create_token(work, members.get(work, f"{name.lower()}@team.example"))

        token = await self.app.office.run(OPERATOR, create)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"{self.http}/api/v1", headers=headers, timeout=30, trust_env=False)

    async def actor(self, name: str) -> Actor:
        """As whom a member acts."""
        return await self.app.office.read(
            OPERATOR, lambda work: members.actor(work, members.get(work, f"{name.lower()}@team.example"))
        )

    # Chargers -------------------------------------------------------------------------------------------------------

    async def charger(
        self, charger_id: str, *, version: Literal["1.6", "2.0.1"] = "1.6", scenario: str | Scenario = "healthy",
        connectors: int = 1, current_type: CurrentType = CurrentType.DC, site: str = "Liberty Plaza", **more: Any,
    ) -> VirtualCharger:  # fmt: skip
        """Register a charger and, unless it is silent, wait until it stands on the desk's books."""
        await self.app.office.run(
            OPERATOR, chargers.add, charger_id, name=f"{site} {charger_id}", current_type=current_type,
            connector_count=connectors, site=site, password=PASSWORD,
        )  # fmt: skip
        charger = VirtualCharger(
            charger_id, f"ws://127.0.0.1:{self.app.central.port}/ocpp", clock=self.clock, version=version,
            password=PASSWORD, scenario=scenario, connectors=connectors, **more,
        )  # fmt: skip
        self._tasks.append(asyncio.create_task(charger.run()))
        if charger.scenario.connects:
            await self.until(lambda work: _settled(work, charger_id, charger))
        return charger

    async def seen(self, charger_id: str) -> dict[str, Any]:
        """A charger as the desk has it on its books."""
        return await self.app.office.read(OPERATOR, chargers.overview, charger_id)

    # The books ------------------------------------------------------------------------------------------------------

    async def rows(self, query: Any) -> list[Any]:
        """Rows as they stand."""
        return await self.app.office.read(OPERATOR, lambda work: list(work.session.scalars(query)))

    async def board(self) -> list[dict[str, Any]]:
        """The lines on the team's board, oldest first: their facts with kind and code."""
        lines = await self.rows(select(TeamAlert).order_by(TeamAlert.id))
        return [{**line.facts, "kind": line.kind, "code": line.code, "urgent": line.urgent} for line in lines]

    async def sessions(self, charger_id: str) -> list[dict[str, Any]]:
        """Charging sessions at a charger, newest first."""
        return await self.app.office.read(OPERATOR, lambda work: charging.sessions(work, charger_id=charger_id))

    async def sessions_ended(self, count: int) -> None:
        """Wait until so many sessions stand on the books as ended."""

        def ended(work: Work) -> bool:
            return sum(row["stopped_at"] is not None for row in charging.sessions(work)) >= count

        await self.until(ended)

    # Time -----------------------------------------------------------------------------------------------------------

    async def until(self, look: Any, *, within_s: float = HEAR_S, moving: bool = True) -> Any:
        """Wait until a reading verb gives something true; the clock moves on by seconds meanwhile."""
        async with asyncio.timeout(within_s):
            while True:
                found = await self.app.office.read(OPERATOR, look)
                if found:
                    return found
                if moving:
                    await self.clock.fast_forward(seconds=1)
                else:
                    await asyncio.sleep(0.02)

    async def fast_forward(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass: a short span from one due time to the next, a long one in strides of twenty minutes."""
        left_s = hours * 3600 + minutes * 60 + seconds
        if left_s <= FINE_S:
            await self.clock.fast_forward(seconds=left_s)
            return
        while left_s > 0:
            self.clock.leap(min(STRIDE_S, left_s))
            left_s -= STRIDE_S
            await self._settle()

    async def _settle(self) -> None:
        """Let jobs end and leave what may go, so that the clock does not run ahead of the database."""
        assert self._beat is not None
        for _ in range(40):
            await asyncio.sleep(0.005)
            await self._beat.quiet()
            if not await self._busy():
                return

    async def _busy(self) -> bool:
        waiting = await self.app.office.read(OPERATOR, inbox.depth)
        leaving, _age = await self.app.office.read(OPERATOR, outbox.depth)
        return bool(waiting.waiting or leaving)

    async def quiet(self) -> None:
        """Let everything that is under way end: nothing waits in the inbox or may go from the outbox."""
        async with asyncio.timeout(HEAR_S):
            await asyncio.sleep(0.05)
            if self.telegram is not None:
                await self.telegram.settle()
            while await self._busy():
                await self.clock.fast_forward(seconds=1)
                await asyncio.sleep(0.02)
            await self.twilio.settle()

    # Life -----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the doors and let the clock's jobs beat."""
        await self.app.start()
        assert self.app.web is not None
        self._ports = {"HTTP_PORT": str(self.app.web.port), "OCPP_PORT": str(self.app.central.port)}
        self.twilio.connect(PUBLIC_URL, deliver_to=self.http)
        if self.telegram is not None:
            self.telegram.connect(PUBLIC_URL, deliver_to=self.http)
        self._beat = VirtualMetronome(JOBS, lambda job: run_job(self.app.office, job), self.clock)
        self._beat.start()

    async def restart(self) -> None:
        """The process ends and another one begins, on the same database and the same ports."""
        await self.stop()
        await self.start_again()

    async def start_again(self) -> None:
        """After `stop`: another process begins, on the same database and the same ports."""
        self.app = _app({**self.settings, **self._ports}, self.clock, self.heartbeat_interval_s)
        await self.start()

    async def stop(self) -> None:
        """The process ends; people and chargers stay."""
        if self._beat is not None:
            await self._beat.stop()
        await self.app.stop()

    async def close(self) -> None:
        """End everything."""
        for visitor in self.visitors:
            await visitor.browser.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.stop()
        await self.twilio.stop()
        if self.telegram is not None:
            await self.telegram.stop()


def _settled(work: Work, charger_id: str, charger: VirtualCharger) -> bool:
    seen = chargers.overview(work, charger_id)
    told = [connector for connector in seen["connectors"] if connector["state"] not in ("Unavailable", "Offline")]
    return bool(seen["online"]) and len(told) == len(charger.outlets)


def _app(settings: Mapping[str, str], clock: JumpingClock, heartbeat_interval_s: int) -> App:
    given = from_mapping({f"CHARGEHAND_{name}": value for name, value in settings.items()})
    return App(given, clock=clock, metronome=False, heartbeat_interval_s=heartbeat_interval_s)


def _approved(twilio: FakeTwilio, templates: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The setting that names a file with approved templates: intent → words around {{1}}, in English."""
    if not templates:
        return {}
    path = folder / "templates.json"
    path.write_text(json.dumps({intent: {"en": twilio.approve(body)} for intent, body in templates.items()}))
    return {"TWILIO_TEMPLATES": str(path)}


async def _telegram(clock: JumpingClock, *, drivers: bool, team: bool) -> FakeTelegram:
    """Telegram with our bots on it."""
    fake = FakeTelegram(now=clock.now)
    await fake.start()
    if drivers:
        fake.bot(DRIVERS_BOT, "ChargehandBot")
    if team:
        fake.bot(TEAM_BOT, "ChargehandTeamBot")
    return fake


def _bots(fake: FakeTelegram | None) -> dict[str, str]:
    """The settings that name our bots."""
    if fake is None:
        return {}
    names = {DRIVERS_BOT: "TELEGRAM_CUSTOMER_TOKEN", TEAM_BOT: "TELEGRAM_TEAM_TOKEN"}
    return {"TELEGRAM_API_URL": fake.api_url, **{names[token]: token for token in fake.bots}}


@asynccontextmanager
async def world(
    database_url: str, folder: Path, *, heartbeat_interval_s: int = 300, templates: Mapping[str, str] | None = None,
    telegram: bool = False, team_telegram: bool = False, **settings: str,
) -> AsyncIterator[World]:  # fmt: skip
    """A house on that database. Fails when somebody got a message that nobody in the story expected.

    `telegram` switches the drivers' bot on, `team_telegram` the team's.
    """
    clock = JumpingClock()
    twilio = FakeTwilio(now=clock.now, auto=("sent", "delivered"))
    await twilio.start()
    fake = await _telegram(clock, drivers=telegram, team=team_telegram) if telegram or team_telegram else None
    given = {
        "DATABASE_URL": database_url, "DATA_DIR": str(folder), "HTTP_PORT": "0", "OCPP_PORT": "0",
        "PUBLIC_URL": PUBLIC_URL, "SECRET_KEY": "x" * 40, "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "TWILIO_AUTH_TOKEN": twilio.auth_token, "TWILIO_WHATSAPP_FROM": twilio.number,
        "TWILIO_API_URL": twilio.api_url, **_approved(twilio, templates or {}, folder), **_bots(fake), **settings,
    }  # fmt: skip
    app = _app(given, clock, heartbeat_interval_s)
    here = World(app, clock, twilio, given, heartbeat_interval_s, telegram=fake)
    try:
        await here.start()
        yield here
        await here.quiet()
        for phone in here.phones.values():
            assert not phone.unheard, f"{phone.number} heard what nobody expected: {phone.unheard}"
        for visitor in here.visitors:
            assert not visitor.unheard, f"the web chat heard what nobody expected: {visitor.unheard}"
        for person in here.on_telegram:
            assert not person.unheard, f"{person.user.name} heard what nobody expected: {person.unheard}"
        assert not twilio.complaints, twilio.complaints
        assert fake is None or not fake.complaints, fake.complaints
    finally:
        with contextlib.suppress(Exception):
            await here.close()
