"""Who counts as one, where it is counted how often somebody asks."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.web import WebServer, application
from models.address import household


@pytest.mark.parametrize(
    ("peer", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8:1:2::5", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("", ""),
        ("testclient", "testclient"), ("x" * 80, "x" * 45),
    ],
)  # fmt: skip
def test_a_household_is_one(peer: str, counted_as: str) -> None:
    assert household(peer) == counted_as
    assert len(household(peer)) <= 45


@pytest.mark.parametrize(
    ("trusted", "forwarded", "seen"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        ((), "", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.9", "203.0.113.9"),
        (("127.0.0.1",), "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (("10.0.0.1",), "203.0.113.9", "127.0.0.1"),
    ],
)
async def test_only_a_trusted_proxy_says_who_asks(trusted: tuple[str, ...], forwarded: str, seen: str) -> None:
    async def who(request: Request) -> Response:
        return PlainTextResponse(request.client.host if request.client else "")

    server = WebServer(application([Route("/who", who)], live=False), host="127.0.0.1", port=0, trusted_proxies=trusted)
    task = asyncio.create_task(server.run_until_stopped())
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
        assert (await http.get("/who", headers=headers)).text == seen
    server.stop()
    await task
