"""Everything that is known of one charger, as far as the actor may know it: what its page shows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk import charger_advice, charger_list, chargers, charging, orders, runs
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Permission
from models.charger import Charger, ChargerVariable, OcppFrame
from models.charging import ChargingTransaction, Tariff
from models.contact import Contact
from models.incident import Incident
from models.ticket import Ticket

SESSIONS = 20
RUNS = 10
ORDERS = 15
INCIDENTS = 15
TICKETS = 10
HEARTBEATS = 10
LOOK_BACK = 1_000
"""How many of the latest frames tell of heartbeats and boots."""
WEAK_SHARE = 0.5
"""Heartbeats that are late by more than this part of their interval, in the mean, speak of a weak signal."""


def status(work: Work, charger_id: str) -> dict[str, Any]:
    """How the charger stands now: its card, who charges there, the procedure under way, what to do about it."""
    card = charger_list.card(work, charger_id)
    charger = chargers.get(work, charger_id)
    commands = work.actor.may(Permission.COMMAND_CHARGERS)
    running = runs.open_run(work, charger_id) if commands else None
    return {
        **card,
        "sessions": active_sessions(work, charger_id),
        "run": runs.facts(running) if running is not None else None,
        "advice": charger_advice.of(work, charger) if commands else [],
    }


def active_sessions(work: Work, charger_id: str) -> list[dict[str, Any]] | None:
    """Sessions that go on; None for those who may not know of sessions."""
    if not work.actor.may(Permission.VIEW_SESSIONS):
        return None
    return charging.sessions(work, charger_id=charger_id, active_only=True)


def about(work: Work, charger_id: str) -> dict[str, Any]:
    """What it is: make, firmware, site, tariff, connections."""
    charger = chargers.get(work, charger_id)
    tariff = charging.tariff_of(work, charger_id) if work.actor.may(Permission.VIEW_SESSIONS) else None
    return {
        "vendor": charger.vendor,
        "model": charger.model,
        "serial_number": charger.serial_number,
        "firmware": charger.firmware,
        "ocpp_version": charger.ocpp_version,
        "connected_at": _iso(charger.connected_at),
        "booted_at": _iso(charger.booted_at),
        "last_seen_at": _iso(charger.last_seen_at),
        "connections": charger.epoch,
        "heartbeat_interval_s": charger.heartbeat_interval_s,
        "clock_skew_s": round(charger.clock_skew_s, 1),
        "tariff": _tariff(tariff),
        **(_pulse(work, charger) if work.actor.may(Permission.COMMAND_CHARGERS) else {}),
    }


def _tariff(tariff: Tariff | None) -> dict[str, Any] | None:
    if tariff is None:
        return None
    return {"name": tariff.name, "price_minor_per_kwh": tariff.price_minor_per_kwh, "currency": tariff.currency}


def _pulse(work: Work, charger: Charger) -> dict[str, Any]:
    """From the latest frames: the mean of the last ten heartbeats, whether they are late, and boots within a day."""
    latest = (
        select(OcppFrame.action, OcppFrame.at)
        .where(OcppFrame.charger_id == charger.id, OcppFrame.direction == "in")
        .order_by(OcppFrame.id.desc())
        .limit(LOOK_BACK)
    )
    beats: list[datetime] = []
    boots = 0
    for action, at in work.session.execute(latest):
        if action == "Heartbeat" and len(beats) <= HEARTBEATS:
            beats.append(at)
        boots += action == "BootNotification" and at > work.now - timedelta(days=1)
    mean_s = (beats[0] - beats[-1]).total_seconds() / (len(beats) - 1) if len(beats) > 1 else None
    late = mean_s is not None and mean_s > charger.heartbeat_interval_s * (1 + WEAK_SHARE)
    return {"heartbeat_mean_s": round(mean_s, 1) if mean_s is not None else None, "late": late, "boots": boots}


# What was ---------------------------------------------------------------------------------------------------------


def last_sessions(work: Work, charger_id: str) -> dict[str, Any]:
    """The last twenty sessions, newest first, with what they come to together. Refuses those who may not see them."""
    work.require(Permission.VIEW_SESSIONS)
    chargers.get(work, charger_id)
    rows = work.session.execute(
        select(ChargingTransaction, Contact)
        .outerjoin(Contact, Contact.id == ChargingTransaction.contact_id)
        .where(ChargingTransaction.charger_id == charger_id)
        .order_by(ChargingTransaction.id.desc())
        .limit(SESSIONS)
    )
    found = [charging.session_facts(work, row, contact) for row, contact in rows]
    amounts: Counter[str] = Counter()
    for item in found:
        if item["amount"] is not None:
            amounts[item["amount"]["currency"]] += item["amount"]["minor"]
    return {
        "rows": found,
        "kwh": f"{sum(item['energy_wh'] for item in found) / 1000:.2f}",
        "elapsed_s": sum(item["elapsed_s"] for item in found),
        "amounts": [{"minor": minor, "currency": currency} for currency, minor in sorted(amounts.items())],
    }


def history(work: Work, charger_id: str) -> dict[str, Any]:
    """Procedures with their steps, orders, incidents and tickets, the newest first; each for those who may."""
    chargers.get(work, charger_id)
    commands, sees_tickets = work.actor.may(Permission.COMMAND_CHARGERS), work.actor.may(Permission.VIEW_TICKETS)
    return {
        "runs": runs.page(work, charger_id, limit=RUNS) if commands else None,
        "orders": orders.page(work, charger_id, limit=ORDERS) if commands else None,
        "incidents": _incidents(work, charger_id) if sees_tickets else None,
        "tickets": _tickets(work, charger_id) if sees_tickets else None,
    }


def _incidents(work: Work, charger_id: str) -> list[dict[str, Any]]:
    query = select(Incident).where(Incident.charger_id == charger_id).order_by(Incident.id.desc()).limit(INCIDENTS)
    return [
        {
            "id": row.id,
            "state": row.state.value,
            "cause": row.cause,
            "error_code": row.error_code,
            "opened_at": row.opened_at.isoformat(),
            "ended_at": _iso(row.ended_at),
            "lasted_s": int(((row.ended_at or work.now) - row.opened_at).total_seconds()),
        }
        for row in work.session.scalars(query)
    ]


def _tickets(work: Work, charger_id: str) -> list[dict[str, Any]]:
    query = select(Ticket).where(Ticket.charger_id == charger_id).order_by(Ticket.id.desc()).limit(TICKETS)
    if work.actor.role in OWN_TICKETS_ONLY:
        query = query.where(Ticket.assignee_id == work.actor.member_id)
    return [
        {
            "ref": row.ref,
            "status": row.status.value,
            "priority": row.priority.value,
            "summary": row.summary,
            "updated_at": row.updated_at.isoformat(),
        }
        for row in work.session.scalars(query)
    ]


def configuration(work: Work, charger_id: str) -> list[dict[str, Any]]:
    """What was last read of its configuration, by key."""
    work.require(Permission.COMMAND_CHARGERS)
    chargers.get(work, charger_id)
    query = select(ChargerVariable).where(ChargerVariable.charger_id == charger_id).order_by(ChargerVariable.key)
    return [
        {"key": row.key, "value": row.value, "readonly": row.readonly, "read_at": row.read_at.isoformat()}
        for row in work.session.scalars(query)
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
