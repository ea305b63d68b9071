"""An order's way to a virtual charger and back, row first, beside what it cannot do without.

That is: three durable commits one after another (placed, sent, answered), and an echo of the frame.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.load import percentile
from benchmarks.report import Finding, show
from bot.app import App
from bot.clock import SystemClock
from bot.settings import from_mapping
from desk import chargers
from desk.work import Work
from integrations.ocpp.simulator.charger import VirtualCharger
from models.access import ASSISTANT, OPERATOR
from models.audit import Meta
from models.charger import OrderKind, OrderOutcome

CHARGERS = 20
ORDERS = 300
PASSWORD = "bench-bench-bench"
FRAME = '[2,"0123456789abcdef","TriggerMessage",{"requestedMessage":"StatusNotification","connectorId":1}]'


def run(databases: dict[str, str]) -> None:
    """One after another: there is one wire a charger."""
    echo = asyncio.run(_echo())
    findings = [
        Finding("bare echo p50", percentile(echo, 0.5), "ms"),
        Finding("bare echo p99", percentile(echo, 0.99), "ms"),
    ]
    for name, url in databases.items():
        times, commits = asyncio.run(_orders(url))
        floor = percentile(commits, 0.5) + percentile(echo, 0.5)
        findings += [
            Finding(f"{name}: three durable commits p50", percentile(commits, 0.5), "ms"),
            Finding(f"{name}: order p50", percentile(times, 0.5), "ms"),
            Finding(f"{name}: order p99", percentile(times, 0.99), "ms"),
            Finding(f"{name}: order p50 beside its floor", percentile(times, 0.5) / floor, "x", at_most=5),
        ]
    show(f"A command's round trip, {ORDERS} orders over {CHARGERS} chargers", findings)


async def _echo() -> list[float]:
    async def answer(socket: ServerConnection) -> None:
        async for frame in socket:
            await socket.send(frame)

    async with serve(answer, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
            times = []
            for _ in range(ORDERS):
                began = time.perf_counter()
                await socket.send(FRAME)
                await socket.recv()
                times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


async def _orders(url: str) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory(prefix="chargehand-bench-") as folder:
        given = {"DATABASE_URL": url, "DATA_DIR": folder, "OCPP_PORT": "0", "HTTP_PORT": "0", "SECRET_KEY": "b" * 40}
        settings = from_mapping({f"CHARGEHAND_{name}": value for name, value in given.items()}, root=Path(folder))
        app = App(settings, roles=frozenset({"ocpp"}), metronome=False)
        await app.start()
        ids = [f"70{number:04d}" for number in range(CHARGERS)]
        await app.office.run(OPERATOR, _register, ids)
        line = f"ws://127.0.0.1:{app.central.port}/ocpp"
        tasks = [
            asyncio.create_task(VirtualCharger(i, line, clock=SystemClock(), password=PASSWORD).run()) for i in ids
        ]
        try:
            while not all(app.central.connected(charger_id) for charger_id in ids):
                await asyncio.sleep(0.05)
            await asyncio.sleep(1)
            times, commits = [], []
            for number in range(ORDERS):
                times.append(await _one(app, ids[number % CHARGERS]))
                commits.append(await _three_commits(app))
            return sorted(times), sorted(commits)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await app.stop()


def _register(work: Work, ids: list[str]) -> None:
    for charger_id in ids:
        chargers.add(work, charger_id, password=PASSWORD)


async def _one(app: App, charger_id: str) -> float:
    began = time.perf_counter()
    answer = await app.clerk.acting_as(ASSISTANT).order(charger_id, OrderKind.TRIGGER_STATUS, {"connector": 1})
    assert answer.outcome is OrderOutcome.ANSWERED, answer
    return (time.perf_counter() - began) * 1000


async def _three_commits(app: App) -> float:
    began = time.perf_counter()
    for _ in range(3):
        await app.office.run(OPERATOR, _touch)
    return (time.perf_counter() - began) * 1000


def _touch(work: Work) -> None:
    row = work.session.get(Meta, "bench")
    if row is None:
        work.session.add(Meta(key="bench", value="0"))
    else:
        row.value = str(int(row.value) + 1)
