"""Payloads made from the schemas and then spoilt: every request gets exactly one answer and none is our own fault."""

from __future__ import annotations

import random
from typing import Any

import pytest

from integrations.ocpp.schemas import Version, schema
from integrations.ocpp.transport import CentralSystem
from integrations.ocpp.v16.table import ROUTES as ROUTES_16
from integrations.ocpp.v201.table import ROUTES as ROUTES_201
from tests.integrations.ocpp.memory_desk import MemoryDesk, eventually, raw_charger

JUNK: list[Any] = [
    None,
    "",
    "x" * 300,
    "\x00",
    "2022-02-29T00:00:00Z",
    0,
    -1,
    2**63,
    1.5,
    1e308,
    True,
    [],
    {},
    [[]],
    [None],
]


def _example(rule: dict[str, Any], root: dict[str, Any], chance: random.Random) -> Any:
    """Something that fits a schema."""
    if "$ref" in rule:
        rule = root["definitions"][rule["$ref"].rsplit("/", 1)[-1]]
    if "enum" in rule:
        return chance.choice(rule["enum"])
    match rule.get("type"):
        case "object":
            needed = rule.get("required", [])
            return {
                name: _example(part, root, chance)
                for name, part in rule.get("properties", {}).items()
                if name in needed or chance.random() < 0.4
            }
        case "array":
            return [_example(rule["items"], root, chance) for _ in range(chance.randint(1, 2))]
        case "string":
            return "2026-03-02T08:00:00Z" if rule.get("format") == "date-time" else chance.choice(["12", "GOOD", "Wh"])
        case "integer":
            return chance.randint(0, 4)
        case "number":
            return round(chance.uniform(0, 9), 1)
        case "boolean":
            return chance.random() < 0.5
    return None


def _spoil(value: Any, chance: random.Random) -> Any:
    """The same with something replaced, left out or added somewhere."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        spoilt = dict(value)
        if chance.random() < 0.2:
            del spoilt[name]
        else:
            spoilt[name] = _spoil(value[name], chance)
        if chance.random() < 0.1:
            spoilt["surprise"] = chance.choice(JUNK)
        return spoilt
    if isinstance(value, list) and value and chance.random() < 0.6:
        return [_spoil(value[0], chance), *value[1:]]
    return chance.choice(JUNK)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("away", [False, True])
async def test_a_thousand_spoilt_requests(
    version: Version, away: bool, central: CentralSystem, desk: MemoryDesk
) -> None:
    chance = random.Random(f"{version}{away}")
    routes = list(ROUTES_16 if version == "1.6" else ROUTES_201)
    async with raw_charger(central.port, subprotocols=(f"ocpp{version}",)) as charger:
        desk.away = away
        for number in range(250 if away else 1000):
            action = chance.choice(routes)
            rules = schema(version, action, "request")
            assert rules is not None
            payload = _example(rules.definition, rules.definition, chance)
            if chance.random() < 0.8:
                payload = _spoil(payload, chance)
            await charger.send([2, f"n{number}", action, payload])
            answer = await charger.hear()
            assert answer[1] == f"n{number}"
            assert answer[0] == 3 or answer[2].endswith("Violation") or (away and answer[2] == "InternalError")
        desk.away = False
        await eventually(lambda: central.stats()["journal_pending"] == 0)
    stats = central.stats()
    assert (stats["internal_errors"], stats["unanswered"], stats["reports_dead"]) == (0, 0, 0)
    assert stats["violations"] > 100
