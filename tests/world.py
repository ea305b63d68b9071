"""The story harness: the real application by its real doors, a fake Twilio, virtual chargers, a clock that jumps.

A message to a phone that no line of the story expected fails it at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from bot.app import App
from bot.settings import from_mapping
from desk import chargers, members
from desk.work import Work
from integrations.ocpp.simulator.charger import VirtualCharger
from integrations.ocpp.simulator.scenarios import Scenario
from jobs.beat import VirtualMetronome
from jobs.table import JOBS
from jobs.tick import run_job
from models.access import OPERATOR, Actor, Department, Role
from models.charger import CurrentType
from models.member import MemberIdentityKind
from tests.chat import Browser
from tests.clock import JumpingClock
from tests.fakes.twilio import FakeMessage, FakeTwilio

PUBLIC_URL = "https://desk.example"
PASSWORD = "a charger's password"
HEAR_S = 20.0


@dataclass
class Phone:
    """Somebody with WhatsApp: a driver or a member of the team."""

    number: str
    twilio: FakeTwilio
    read: int = 0

    async def says(self, text: str, **fields: Any) -> FakeMessage:
        """Write; our webhook must take it."""
        message = self.twilio.written(text, from_=self.number, **fields)
        answer = await self.twilio.deliver(message)
        assert answer.status_code == 200, answer.text
        return message

    async def presses(self, choice: str) -> None:
        """Press a quick reply of the last message."""
        await self.says("", MessageType="button", ButtonPayload=choice, ButtonText=choice)

    async def hears(self, *parts: str, within_s: float = HEAR_S) -> FakeMessage:
        """Wait for the next message; it must contain all `parts`."""
        async with asyncio.timeout(within_s):
            while len(self.got) <= self.read:
                await asyncio.sleep(0.01)
        message = self.got[self.read]
        self.read += 1
        for part in parts:
            assert part in message.body, f"{self.number} heard {message.body!r}, not {part!r}"
        return message

    @property
    def got(self) -> list[FakeMessage]:
        """Everything that arrived."""
        return self.twilio.to(self.number)

    @property
    def unheard(self) -> list[str]:
        """What arrived and no line of the story heard."""
        return [message.body for message in self.got[self.read :]]


@dataclass
class World:
    """A running house. Times are the clock's; sockets, databases and the OCPP wire are real."""

    app: App
    clock: JumpingClock
    twilio: FakeTwilio
    phones: dict[str, Phone] = field(default_factory=dict)
    pages: list[Browser] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def http(self) -> str:
        """Where the web side listens."""
        assert self.app.web is not None
        return f"http://127.0.0.1:{self.app.web.port}"

    def driver(self, number: str) -> Phone:
        """Somebody who writes on WhatsApp."""
        return self.phones.setdefault(number, Phone(number, self.twilio))

    async def page(self, language: str = "en") -> Browser:
        """Somebody who writes in the web chat."""
        page = Browser(self.http.replace("http", "ws", 1) + "/chat/ws", language=language)
        await page.open()
        self.pages.append(page)
        return page

    async def member(
        self, role: Role = Role.OPS_AGENT, *, name: str = "Tara", number: str | None = None,
        departments: Sequence[Department] = tuple(Department), language: str = "en",
    ) -> Phone:  # fmt: skip
        """Enrol somebody of the team, with a number where it is to be paged or to type commands."""
        await self.app.office.run(
            OPERATOR, members.add, email=f"{name.lower()}@team.example", name=name, role=role, whatsapp=number,
            departments=departments, language=language,
        )  # fmt: skip
        phone = self.driver(number or f"+0{len(self.phones)}")
        if number:
            self.twilio.open_window(number)

            def wrote(work: Work) -> None:
                members.heard_from(work, MemberIdentityKind.WHATSAPP, number)

            await self.app.office.run(OPERATOR, wrote)
        return phone

    async def token(self, name: str) -> str:
        """An API token of a member."""

        def create(work: Work) -> str:
            return members.create_token(work, members.get(work, f"{name.lower()}@team.example"))

        return await self.app.office.run(OPERATOR, create)

    async def api(self, name: str) -> httpx.AsyncClient:
        """The JSON API, signed in as a member."""
        headers = {"Authorization": f"Bearer {await self.token(name)}"}
        return httpx.AsyncClient(base_url=f"{self.http}/api/v1", headers=headers, timeout=30)

    async def actor(self, name: str) -> Actor:
        """As whom a member acts."""
        return await self.app.office.read(
            OPERATOR, lambda work: members.actor(work, members.get(work, f"{name.lower()}@team.example"))
        )

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

    async def fast_forward(self, **spans: float) -> None:
        """Let time pass."""
        await self.clock.fast_forward(**spans)

    async def quiet(self) -> None:
        """Let everything that is under way end: nothing waits in the inbox or may go from the outbox."""
        from desk import inbox, outbox

        async with asyncio.timeout(HEAR_S):
            while True:
                await asyncio.sleep(0.05)
                waiting = await self.app.office.read(OPERATOR, inbox.depth)
                leaving, _age = await self.app.office.read(OPERATOR, outbox.depth)
                if not waiting.waiting and not leaving:
                    return
                await self.clock.fast_forward(seconds=1)

    async def close(self) -> None:
        """End everything."""
        for page in self.pages:
            await page.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.app.stop()
        await self.twilio.stop()


def _settled(work: Work, charger_id: str, charger: VirtualCharger) -> bool:
    seen = chargers.overview(work, charger_id)
    told = [connector for connector in seen["connectors"] if connector["state"] not in ("Unavailable", "Offline")]
    return bool(seen["online"]) and len(told) == len(charger.outlets)


@asynccontextmanager
async def world(database_url: str, folder: Path, **settings: str) -> AsyncIterator[World]:
    """A house on that database. Fails when a phone got a message that nobody in the story expected."""
    clock = JumpingClock()
    twilio = FakeTwilio(now=clock.now, auto=("sent", "delivered"))
    await twilio.start()
    given = {
        "DATABASE_URL": database_url, "DATA_DIR": str(folder), "HTTP_PORT": "0", "OCPP_PORT": "0",
        "PUBLIC_URL": PUBLIC_URL, "SECRET_KEY": "x" * 40, "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "TWILIO_AUTH_TOKEN": twilio.auth_token, "TWILIO_WHATSAPP_FROM": twilio.number,
        "TWILIO_API_URL": twilio.api_url, **settings,
    }  # fmt: skip
    app = App(
        from_mapping({f"CHARGEHAND_{name}": value for name, value in given.items()}), clock=clock, metronome=False
    )
    await app.start()
    assert app.web is not None
    here = World(app, clock, twilio)
    twilio.connect(PUBLIC_URL, deliver_to=here.http)
    beat = VirtualMetronome(JOBS, lambda job: run_job(app.office, job), clock)
    beat.start()
    try:
        yield here
        await here.quiet()
        for phone in here.phones.values():
            assert not phone.unheard, f"{phone.number} heard what nobody expected: {phone.unheard}"
        assert not twilio.complaints, twilio.complaints
    finally:
        with contextlib.suppress(Exception):
            await beat.stop()
        await here.close()
