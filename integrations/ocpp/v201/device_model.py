"""NotifyReport: the device model, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator

from ocpp.v201 import call_result

from integrations.ocpp.journal import Variables
from integrations.ocpp.ordering import configuration_read
from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import part_of, parts_of, text_of


def notify_report(visit: Visit, payload: Payload) -> call_result.NotifyReport:
    """Variables with their values, kept as `Component.Variable`; those of the first EVSE or connector only once."""
    values = configuration_read(_variables(payload))
    if values:
        visit.put("variables", Variables(values))
    return call_result.NotifyReport()


def _variables(payload: Payload) -> Iterator[tuple[str, str | None, bool]]:
    for item in parts_of(payload, "reportData"):
        for attribute in parts_of(item, "variableAttribute"):
            if attribute.get("type", "Actual") == "Actual":
                yield key_of(item), text_of(attribute, "value", 2500), attribute.get("mutability") == "ReadOnly"


def key_of(item: Payload) -> str:
    """`Component.Variable`, with the EVSE and instances where there are any: `EVSE#1.AvailabilityState`."""
    component, variable = part_of(item, "component"), part_of(item, "variable")
    evse = part_of(component, "evse")
    where = "".join(f"#{evse[name]}" for name in ("id", "connectorId") if evse.get(name) is not None)
    return f"{_named(component)}{where}.{_named(variable)}"


def _named(thing: Payload) -> str:
    name, instance = text_of(thing, "name", 50) or "?", text_of(thing, "instance", 50)
    return f"{name}[{instance}]" if instance else name
