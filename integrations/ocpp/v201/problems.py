"""Faults that a charger tells of by NotifyEvent, in the words that the desk's fault classes know."""

from __future__ import annotations

from typing import Any

from integrations.ocpp.station import Problem, Station
from integrations.ocpp.tolerance import part_of, text_of, whole_of
from models.charger import ERROR_CLASS

MREC = {
    "CX001": "ConnectorLockFailure",
    "CX002": "GroundFailure",
    "CX003": "HighTemperature",
    "CX004": "OverCurrentFailure",
}
PARTS = (
    (("groundfault", "ground", "rcd", "residual", "isolation", "insulation"), "GroundFailure"),
    (("overcurrent",), "OverCurrentFailure"),
    (("temperature", "overheat", "thermal"), "HighTemperature"),
    (("contactor", "powerswitch", "relay"), "PowerSwitchFailure"),
    (("lock", "retention"), "ConnectorLockFailure"),
    (("overvoltage",), "OverVoltage"),
    (("undervoltage",), "UnderVoltage"),
    (("meter",), "PowerMeterFailure"),
    (("tokenreader", "rfid"), "ReaderFailure"),
)
MOST = 100
YES = ("true", "1", "faulted")


def take(station: Station, event: dict[str, Any]) -> int | None:
    """Note a problem that began or ended; gives the EVSE it is about (0: the station), None where it is none."""
    component, variable = part_of(event, "component"), part_of(event, "variable")
    name, what = text_of(component, "name", 50) or "", text_of(variable, "name", 50) or ""
    tech_code = text_of(event, "techCode", 50)
    alarm = event.get("trigger") == "Alerting" and tech_code is not None
    if what != "Problem" and not alarm:
        return None
    evse = max(whole_of(part_of(component, "evse"), "id") or 0, 0)
    key = (evse, f"{name}.{what}")
    over = event.get("cleared") is True or (what == "Problem" and str(event.get("actualValue")).lower() not in YES)
    if over:
        station.problems.pop(key, None)
    elif key in station.problems or len(station.problems) < MOST:
        info = " ".join(part for part in (name, what, text_of(event, "techInfo", 120)) if part)
        station.problems[key] = Problem(_code(name, what, tech_code), tech_code, info[:200])
    return evse


def _code(component: str, variable: str, tech_code: str | None) -> str:
    code = (tech_code or "").upper()
    if tech_code in ERROR_CLASS:
        return str(tech_code)
    if code in MREC:
        return MREC[code]
    words = f"{component}{variable}{tech_code or ''}".lower().replace(" ", "").replace("_", "")
    return next((error for hints, error in PARTS if any(hint in words for hint in hints)), "OtherError")


def problem_at(station: Station, evse: int) -> Problem:
    """What ails an EVSE: its own problem, else the station's, else one nobody explained."""
    for wanted in (evse, 0):
        for (where, _), problem in station.problems.items():
            if where == wanted:
                return problem
    return Problem("OtherError", None, None)
