"""A member who is signed in to the console of a running house, by plain HTTP: pages, and forms with their token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from desk import members
from desk.work import Work
from models.access import OPERATOR
from tests.world import World

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class Caller:
    """Somebody at the console."""

    http: httpx.AsyncClient
    csrf: str = ""

    async def get(self, path: str, *, part: bool = False, **more: Any) -> httpx.Response:
        """A page, or under htmx a part of one."""
        return await self.http.get(path, headers={"HX-Request": "true"} if part else {}, **more)

    async def post(self, path: str, *, part: bool = True, csrf: str | None = None, **fields: str) -> httpx.Response:
        """A form as a page of the console sends it."""
        headers = {"HX-Request": "true"} if part else {}
        return await self.http.post(path, data={"csrf": self.csrf if csrf is None else csrf, **fields}, headers=headers)


async def call_in(world: World, name: str) -> Caller:
    """Sign in as one of the team; without redirects, so that a test sees them."""
    email = f"{name.lower()}@team.example"

    def give(work: Work) -> None:
        members.set_password(work, members.get(work, email), PASSWORD)

    await world.app.office.run(OPERATOR, give)
    http = httpx.AsyncClient(base_url=world.http, timeout=30, trust_env=False)
    form = await http.get("/console/sign-in")
    door = _token(form.text)
    answer = await http.post("/console/sign-in", data={"csrf": door, "email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return Caller(http, _token((await http.get("/console/me")).text))


def _token(page: str) -> str:
    found = _TOKEN.search(page)
    assert found is not None, page[:500]
    return found[1]
