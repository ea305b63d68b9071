"""The API in front of a team."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from console.api.app import ApiSettings, build_api
from desk.office import Office
from models.access import Role
from tests.staff import Staff, hire


@dataclass
class Api:
    """A client of the mounted API."""

    staff: Staff
    http: httpx.AsyncClient

    async def ask(self, role: Role, method: str, path: str, **more: Any) -> httpx.Response:
        """A request with a member's token."""
        headers = {"Authorization": f"Bearer {self.staff.tokens[role]}", **more.pop("headers", {})}
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)


@pytest.fixture
async def api(office: Office) -> AsyncIterator[Api]:
    """On each database."""
    staff = await hire(office)
    app = Starlette(routes=[Mount("/api/v1", build_api(office, staff.wire, ApiSettings(per_s=10, burst=400)))])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        yield Api(staff, http)
