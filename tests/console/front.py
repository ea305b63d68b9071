"""The console on a real socket over each database, and browsers in front of it that hold cookies as browsers do."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

import httpx
from argon2 import PasswordHasher

from bot.web import WebServer, application
from console.app import build_console
from console.house import ConsoleHouse, ModelInService, NoModel
from desk import members
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, Role
from tests.clock import JumpingClock
from tests.staff import Staff, hire

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@cache
def hashed() -> str:
    """Quick to check: a hash says itself how much work it is."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def email(role: Role) -> str:
    """Of the one member with that role."""
    return f"{role.value}@example.org"


@dataclass
class Window:
    """One browser. Redirects are not followed, so that a test sees them."""

    http: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open an address."""
        return await self.http.get(path, headers=headers)

    async def read(self, path: str, status: int = 200) -> str:
        """The text of a page, as a person reads it."""
        answer = await self.http.get(path)
        assert answer.status_code == status, (answer.status_code, answer.headers, answer.text[:500])
        return html.unescape(answer.text)

    async def token(self, path: str = "/console/me") -> str:
        """What the forms of a page carry."""
        found = _TOKEN.search((await self.http.get(path)).text)
        assert found is not None, f"no form at {path}"
        return found[1]

    async def post(self, path: str, *, at: str = "/console/me", **fields: str | list[str]) -> httpx.Response:
        """Send a form that stands at `at`."""
        return await self.http.post(path, data={"csrf": await self.token(at), **fields})

    async def sign_in(self, who: Role | str, password: str = PASSWORD, next_path: str = "") -> httpx.Response:
        """Give email and password."""
        address = email(who) if isinstance(who, Role) else who
        path = "/console/sign-in" + (f"?next={next_path}" if next_path else "")
        return await self.post(path, at=path, email=address, password=password)

    @property
    def session(self) -> str | None:
        """The session's cookie."""
        return self.http.cookies.get("chargehand")


@dataclass
class Front:
    """Everything that a test of the console needs."""

    url: str
    office: Office
    house: ConsoleHouse
    staff: Staff
    clock: JumpingClock
    windows: list[Window] = field(default_factory=list)

    def window(self, **headers: str) -> Window:
        """A browser that nobody has used."""
        agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", **headers}
        made = Window(httpx.AsyncClient(base_url=self.url, headers=agent, timeout=30, trust_env=False))
        self.windows.append(made)
        return made

    async def signed_in(self, role: Role) -> Window:
        """A browser at which a member sits."""
        made = self.window()
        answer = await made.sign_in(role)
        assert answer.status_code == 303, answer.text[:500]
        return made

    async def member_id(self, role: Role) -> int:
        """Their key."""
        key = self.staff.actors[role].member_id
        assert key is not None
        return key

    async def audited(self) -> list[str]:
        """The actions on record, oldest first."""
        return [row.action for row in await self.staff.audit()]


@asynccontextmanager
async def front(office: Office, clock: JumpingClock, model: ModelInService | None = None) -> AsyncIterator[Front]:
    """A console with a member of each role, who all have the same password; `model` where one is beside it."""
    staff = await hire(office)
    await office.run(OPERATOR, _give_passwords)
    house = ConsoleHouse(office, staff.wire, model=model or NoModel())
    server = WebServer(application(build_console(house), live=False), host="127.0.0.1", port=0)
    task = asyncio.create_task(server.run_until_stopped())
    made = Front(f"http://127.0.0.1:{server.port}", office, house, staff, clock)
    try:
        yield made
    finally:
        house.stopping.set()
        for window in made.windows:
            await window.http.aclose()
        server.stop()
        await task


def _give_passwords(work: Work) -> None:
    for role in Role:
        members.get(work, email(role)).password_hash = hashed()
