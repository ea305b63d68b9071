"""The demonstration: a Chargehand with sample data and virtual chargers that live in this process."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import Request

from bot.app import App
from bot.settings import Settings
from console.loopback import from_this_machine
from desk import demo as sample
from desk import members
from desk.work import Work
from integrations.ocpp.simulator.charger import VirtualCharger
from models.access import OPERATOR, Actor, Role
from procedures.patience import Patience

PATIENCE = Patience(trigger_s=3, unavailable_s=3, verify_s=12, stable_s=8, nudge_s=5, disconnect_s=20, reconnect_s=60)
"""Virtual chargers answer at once: nobody at a demonstration wants to wait as long as a real one may need."""
HEARTBEAT_S = 30


async def run_demo(settings: Settings, stop: asyncio.Event) -> None:
    """Furnish, start, print where to look, and run until told to stop."""
    viewer: Actor | None = None
    ports: dict[str, int] = {}

    def look(request: Request) -> Actor | None:
        return viewer if _local(request, ports.get("http", 0)) else None

    app = App(settings, viewer=look, patience=PATIENCE, heartbeat_interval_s=HEARTBEAT_S)
    chargers: list[VirtualCharger] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        await app.office.run(OPERATOR, sample.furnish)
        passwords = await app.office.run(OPERATOR, sample.passwords)
        token = await app.office.run(OPERATOR, sample.token)
        sign_ins = await app.office.run(OPERATOR, sample.sign_ins)
        viewer = await app.office.read(OPERATOR, _viewer)
        await app.start()
        assert app.web is not None
        ports["http"] = app.web.port
        chargers = _virtual(app, passwords)
        tasks = [asyncio.create_task(charger.run()) for charger in chargers]
        _print(app, token, sign_ins)
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.gather(*tasks, return_exceptions=True)
        await app.stop()


def _viewer(work: Work) -> Actor:
    return members.actor(work, sample.viewer(work))


def _virtual(app: App, passwords: dict[str, str]) -> list[VirtualCharger]:
    url = f"ws://{app.settings.ocpp_host}:{app.central.port}/ocpp"
    return [
        VirtualCharger(
            item.id, url, version=item.version, password=passwords[item.id], clock=app.clock,
            scenario=item.scenario, connectors=item.connectors, seed=sample.SEED + int(item.id),
            tags=sample.driver_tags(),
        )
        for item in sample.CHARGERS
    ]  # fmt: skip


def _local(request: Request, port: int) -> bool:
    """Only this machine, and only under its own name: a foreign page cannot read the demonstration."""
    name = request.headers.get("host", "").lower()
    allowed = {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}
    return from_this_machine(request) and name in allowed


def _print(app: App, token: str, sign_ins: list[tuple[Role, str, str]]) -> None:
    assert app.web is not None
    members = "\n".join(
        f"                 {role.value:<11} {email:<22} {password}" for role, email, password in sign_ins
    )
    base = f"http://127.0.0.1:{app.web.port}"
    print(  # noqa: T201 - for the person who started it
        f"""
Chargehand demo is running. Stop it with Ctrl-C.

  Look here      {base}/          chat on the left, chargers, messages and tickets moving beside it
  Chat alone     {base}/chat
  Console        {base}/console/   what staff see; sign in as (until the next start):
{members}
  JSON API       {base}/api/v1    sign in with this token (the demo's admin, until the next start):
                 {token}
                 curl -H 'Authorization: Bearer {token}' {base}/api/v1/chargers
  Chargers       ws://127.0.0.1:{app.central.port}/ocpp/{{charger_id}}   12 virtual ones, seed {sample.SEED}

  Try in the chat:
    charger 100003 is not starting, red light     a fault that a reset clears
    100004 eka wada na, red light                 a fault that becomes a ticket
    smoke is coming out of charger 100002         the team is paged
""",
        flush=True,
    )
