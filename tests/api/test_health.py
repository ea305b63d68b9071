"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.types import ASGIApp

from console import health, metrics
from desk.office import Office
from models.charger import ChargerState
from models.errors import Unavailable
from models.inbox import InboxRow
from tests.clock import JumpingClock
from tests.staff import hire


def _client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://h")


async def _figures(http: httpx.AsyncClient, **more: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = await http.get("/metrics", **more)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_healthy_process_is_alive_and_ready(office: Office) -> None:
    async with _client(Starlette(routes=health.build(office, classifier_loaded=lambda: True))) as http:
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        answer = await http.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["ready"] is True
        assert set(answer.json()["checks"]) == {"database", "queues", "classifier"}


async def test_a_process_without_its_model_is_not_ready_and_says_why(office: Office) -> None:
    async with _client(Starlette(routes=health.build(office, classifier_loaded=lambda: False))) as http:
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["classifier"] == {"ok": False, "why": "not loaded"}


async def test_a_queue_that_nobody_works_on_makes_it_unready(office: Office, clock: JumpingClock) -> None:
    await office.put(InboxRow("web", "site", "m1", "web:site:a", {"text": "hello"}))
    async with _client(Starlette(routes=health.build(office))) as http:
        assert (await http.get("/readyz")).status_code == 200
        await clock.fast_forward(minutes=3)
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert "inbox" in answer.json()["checks"]["queues"]["why"]


async def test_a_database_that_is_away_makes_it_unready_but_alive(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(office, "read", away)
    routes = health.build(office) + metrics.build(office)
    async with _client(Starlette(routes=routes)) as http:
        assert (await http.get("/healthz")).status_code == 200
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["database"]["ok"] is False
        assert (await _figures(http))[("chargehand_database_up", ())] == 0


async def test_metrics_count_what_is_there(office: Office, clock: JumpingClock) -> None:
    staff = await hire(office)
    await staff.charger("100002", ChargerState.FAULTED)
    await office.put(InboxRow("web", "site", "m1", "web:site:a", {"text": "hello"}))
    counted = metrics.Metrics(stats=lambda: {"ocpp_violations": 3})
    counted.webhook("whatsapp", "accepted")
    counted.sent("whatsapp", "accepted")
    app = metrics.Measured(Starlette(routes=health.build(office) + metrics.build(office, counted)), counted)
    async with _client(app) as http:
        await http.get("/healthz")
        await http.get("/some/secret/path")
        figures = await _figures(http)
        assert figures[("chargehand_queue_waiting", ("inbox",))] == 1
        assert figures[("chargehand_tickets", ("OPEN",))] == 1
        assert figures[("chargehand_tickets", ("ASSIGNED",))] == 1
        assert figures[("chargehand_chargers", ("Faulted",))] == 1
        assert figures[("chargehand_chargers_online", ())] == 2
        assert figures[("chargehand_process_total", ("ocpp_violations",))] == 3
        assert figures[("chargehand_webhooks_total", ("whatsapp", "accepted"))] == 1
        assert figures[("chargehand_sends_total", ("whatsapp", "accepted"))] == 1
        assert figures[("chargehand_http_seconds_count", ("healthz", "GET", "200"))] == 1
        assert figures[("chargehand_http_seconds_count", ("page", "GET", "404"))] == 1
        assert figures[("chargehand_timers_overdue", ())] == 0
        await clock.fast_forward(hours=80)
        figures = await _figures(http)
        assert figures[("chargehand_tickets_overdue", ())] == 2
        assert figures[("chargehand_timers_overdue", ())] > 0
        assert figures[("chargehand_queue_oldest_seconds", ("inbox",))] == 80 * 3600


async def test_metrics_want_their_token_where_there_is_one(office: Office) -> None:
    async with _client(Starlette(routes=metrics.build(office, token="s3cret"))) as http:
        assert (await http.get("/metrics")).status_code == 401
        assert (await http.get("/metrics", headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert await _figures(http, headers={"Authorization": "Bearer s3cret"})


async def test_metrics_without_a_token_answer_this_machine_alone(office: Office) -> None:
    app = Starlette(routes=metrics.build(office))
    for peer, status in (("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("192.0.2.7", 403), ("", 403)):
        transport = httpx.ASGITransport(app=app, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as http:
            assert (await http.get("/metrics")).status_code == status, peer


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_a_proxy_on_this_machine_does_not_open_the_metrics_to_everybody(office: Office, header: str) -> None:
    async with _client(Starlette(routes=metrics.build(office))) as http:
        answer = await http.get("/metrics", headers={header: "127.0.0.1"})
    assert answer.status_code == 403
    assert "CHARGEHAND_METRICS_TOKEN" in answer.text
