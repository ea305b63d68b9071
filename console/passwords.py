"""Passwords are checked and made in threads of their own: each takes 64 MiB and a good part of a second's tenth."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from console.pages.page import Visit
from desk import members, sign_in, team_self
from models.errors import BadInput
from models.member import Member

AT_ONCE = 4
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


async def fits(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; as long for somebody whom nobody knows."""
    right = await asyncio.get_running_loop().run_in_executor(_threads, _fits, password_hash, password)
    return right and password_hash is not None


async def hashed(password: str) -> str:
    """As it is kept. BadInput for a short one."""
    return await asyncio.get_running_loop().run_in_executor(_threads, members.hash_password, password)


async def prove(visit: Visit, password: str, code: str = "me.password_wrong") -> None:
    """A member gives their password once more; refuses a wrong one, and after several to try again soon."""
    knock = await visit.desk.run(sign_in.knock, visit.member["email"], visit.ip)
    if not await fits(await visit.desk.read(team_self.password_hash), password):
        await visit.desk.run(sign_in.wrong, knock.id)
        raise BadInput(code)
    await visit.desk.run(sign_in.proved, knock.id)


def temporary() -> str:
    """A password for somebody else to change: easy to read aloud, 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _fits(password_hash: str | None, password: str) -> bool:
    return members.password_fits(Member(password_hash=password_hash or _nobodys()), password)


@cache
def _nobodys() -> str:
    return members.hash_password(secrets.token_urlsafe(16))
