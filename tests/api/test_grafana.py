"""Every metric that the Grafana dashboard asks for is one that /metrics gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.metrics import Metrics
from desk import gauges, ticks
from desk.office import Office
from models.access import CLOCK, OPERATOR
from models.inbox import InboxRow

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "chargehand.json"
ASKED = re.compile(r"\bchargehand_\w+")


def _asked() -> set[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {name for panel in panels for target in panel["targets"] for name in ASKED.findall(target["expr"])}


async def _given(office: Office) -> set[str]:
    counted = Metrics(polls=lambda: {"telegram": 3.0})
    counted.webhook("web", "accepted")
    counted.sent("web", "accepted")
    counted.served("GET", "api", 200, 0.1)
    counted.classified(0.01)
    await office.put(InboxRow("web", "site", "m1", "web:site:a", {"text": "hello"}))
    await office.run(CLOCK, ticks.run, "sweep", 1, lambda _: 0)
    counted.fill(await office.read(OPERATOR, gauges.measure))
    families = text_string_to_metric_families(counted.page(database_up=True).decode())
    return {sample.name for family in families for sample in family.samples}


async def test_the_dashboard_asks_for_what_there_is(office: Office) -> None:
    asked, given = _asked(), await _given(office)
    assert len(asked) > 15
    assert asked <= given, asked - given


@pytest.mark.parametrize("panel", json.loads(DASHBOARD.read_text())["panels"], ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows(panel: dict[str, object]) -> None:
    assert panel["title"]
    assert panel["targets"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
