"""GET /metrics for Prometheus: what the database counts, read at most every few seconds, and what doors count."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.loopback import from_this_machine
from desk import gauges
from desk.gauges import Gauges
from desk.office import Office
from models.access import OPERATOR
from models.errors import Unavailable

FRESH_S = 5.0
_READING_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)

Stats = Callable[[], Mapping[str, float]]
"""Running totals that live in memory, by name (`ocpp_violations`, `ocpp_frames_lost`, …)."""


class Metrics:
    """The registry of one process. Doors count into it; `refresh` puts the database's figures in."""

    def __init__(self, stats: Stats | None = None, polls: Stats | None = None) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._stats, self._polls = stats, polls
        self._queue = self._gauge("queue_waiting", "Rows that wait or are in flight.", "queue")
        self._age = self._gauge("queue_oldest_seconds", "Age of the oldest of them.", "queue")
        self._lane = self._gauge("lane_waiting", "The same, by channel.", "queue", "channel")
        self._lane_age = self._gauge("lane_oldest_seconds", "Age of the oldest of them.", "queue", "channel")
        self._cards = self._gauge("cards_waiting", "Cards of the team's chats that do not show the newest state.")
        self._sessions = self._gauge("charger_sessions", "Charging sessions under way.")
        self._job_age = self._gauge("job_age_seconds", "Since a job of the clock ran last, on any node.", "job")
        self._job_failing = self._gauge("job_failing", "1 when it failed then.", "job")
        self._poll_age = self._gauge("poll_age_seconds", "Since a channel was last asked with success.", "channel")
        self._dead = self._gauge("inbox_dead_letters", "Messages given up after too many tries.")
        self._outbox = self._gauge("outbox_rows", "Outgoing messages by what became of them.", "state")
        self._tickets = self._gauge("tickets", "Tickets by status.", "status")
        self._overdue = self._gauge("tickets_overdue", "Tickets with a running clock past its due time.")
        self._timers = self._gauge("timers_overdue", "Armed timers whose time has come.")
        self._chargers = self._gauge("chargers", "Chargers by the state shown.", "state")
        self._online = self._gauge("chargers_online", "Chargers that are connected.")
        self._runs = self._gauge("procedures_open", "Procedures under way.")
        self._alerts = self._gauge("alerts_open", "Lines on the board that nobody has acknowledged.")
        self._memory = self._gauge("process_total", "Totals since this process began.", "name")
        self._up = self._gauge("database_up", "1 when the database answered this scrape.")
        self._webhooks = Counter(
            "chargehand_webhooks", "Webhooks by channel and outcome.", ["channel", "outcome"], registry=self.registry
        )
        self._sends = Counter(
            "chargehand_sends", "Sends by channel and outcome.", ["channel", "outcome"], registry=self.registry
        )
        self._latency = Histogram(
            "chargehand_http_seconds", "Time to the end of an HTTP answer.", ["method", "area", "status"],
            buckets=_LATENCY_S, registry=self.registry,
        )  # fmt: skip

        self._reading = Histogram(
            "chargehand_classification_seconds", "Time to read a message.", buckets=_READING_S, registry=self.registry
        )

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"chargehand_{name}", what, labels, registry=self.registry)

    def webhook(self, channel: str, outcome: str) -> None:
        """A webhook was taken, refused, put into quarantine …"""
        self._webhooks.labels(channel, outcome).inc()

    def sent(self, channel: str, outcome: str) -> None:
        """A send was accepted, put off, refused, or ended without an answer."""
        self._sends.labels(channel, outcome).inc()

    def classified(self, seconds: float) -> None:
        """A message was read."""
        self._reading.observe(seconds)

    def readings(self) -> tuple[int, float]:
        """How many messages were read since this process began, and the seconds that took in all."""
        samples = {
            sample.name.rpartition("_")[2]: sample.value for sample in next(iter(self._reading.collect())).samples
        }
        return int(samples["count"]), samples["sum"]

    def served(self, method: str, area: str, status: int, seconds: float) -> None:
        """An HTTP request was answered."""
        self._latency.labels(method, area, str(status)).observe(seconds)

    def fill(self, figures: Gauges) -> None:
        """Put the database's figures in."""
        queues = figures.queues
        self._queue.labels("inbox").set(queues.inbox.waiting)
        self._queue.labels("outbox").set(queues.outbox_waiting)
        self._age.labels("inbox").set(queues.inbox.oldest_s)
        self._age.labels("outbox").set(queues.outbox_oldest_s)
        self._dead.set(queues.inbox.dead)
        self._cards.set(figures.cards_waiting)
        self._sessions.set(figures.sessions)
        for gauge in (self._lane, self._lane_age, self._job_age, self._job_failing):
            gauge.clear()  # what is not there any more
        for lane in figures.lanes:
            self._lane.labels(lane.queue, lane.channel).set(lane.waiting)
            self._lane_age.labels(lane.queue, lane.channel).set(lane.oldest_s)
        for job in figures.jobs:
            self._job_age.labels(job.name).set(job.age_s)
            self._job_failing.labels(job.name).set(job.failing)
        for gauge, values in (
            (self._outbox, figures.outbox),
            (self._tickets, figures.tickets),
            (self._chargers, figures.chargers),
        ):
            for label, count in values.items():
                gauge.labels(label).set(count)
        self._overdue.set(figures.tickets_overdue)
        self._timers.set(figures.timers_overdue)
        self._online.set(figures.online)
        self._runs.set(figures.runs_open)
        self._alerts.set(figures.alerts_open)

    def page(self, *, database_up: bool) -> bytes:
        """The exposition."""
        self._up.set(1 if database_up else 0)
        for name, value in (self._stats() if self._stats is not None else {}).items():
            self._memory.labels(name).set(value)
        for channel, age_s in (self._polls() if self._polls is not None else {}).items():
            self._poll_age.labels(channel).set(age_s)
        return generate_latest(self.registry)


class Measured:
    """ASGI: measures every HTTP answer. Areas are few, so that no address makes a series of its own."""

    _AREAS = ("webhooks", "api", "chat", "console", "healthz", "readyz", "metrics")
    _METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        first = str(scope["path"]).lstrip("/").partition("/")[0]
        area = first if first in self._AREAS else "page"
        method = scope["method"] if scope["method"] in self._METHODS else "OTHER"
        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.served(method, area, status, time.perf_counter() - began)


def build(office: Office, metrics: Metrics | None = None, *, token: str | None = None) -> list[Route]:
    """The route; with `token` it wants it as a bearer, without one it answers this machine alone."""
    counted = metrics or Metrics()
    lock = asyncio.Lock()
    read_at: datetime | None = None
    up = False

    async def refresh() -> None:
        nonlocal read_at, up
        async with lock:
            now = office.clock.now()
            if read_at is not None and (now - read_at).total_seconds() < FRESH_S:
                return
            try:
                counted.fill(await office.read(OPERATOR, gauges.measure))
                up = True
            except Unavailable:
                up = False
            read_at = now

    async def page(request: Request) -> Response:
        if token and not _fits(request.headers.get("authorization", ""), token):
            return PlainTextResponse("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"})
        if not token and not from_this_machine(request):
            return PlainTextResponse("without CHARGEHAND_METRICS_TOKEN only this machine may read this\n", 403)
        await refresh()
        return Response(counted.page(database_up=up), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Route("/metrics", page)]


def _fits(header: str, token: str) -> bool:
    scheme, _, given = header.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
