"""What the first page shows, part by part. Each part costs what it shows, however much lies behind it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from desk import charger_list, chargers, oncall, tally, ticket_list, ticket_views
from desk.charger_list import Shown
from desk.literal import is_one_of
from desk.ticket_list import Pressing, TicketFilter
from desk.work import Work
from models.access import OWN_TICKETS_ONLY, Permission
from models.charger import (
    GOOD_RESULTS,
    Charger,
    ChargerState,
    Connector,
    CurrentType,
    ProcedureRun,
    RunKind,
    Site,
)
from models.message import Message, MessageState
from models.outbox import OutboxItem, OutboxState
from models.reading import Category
from models.tally import Counted
from models.ticket import LIVE, Ticket, TicketStatus

RECENT = 10
PRESSED = 6
ERRORS = 12
DAYS = 14
MANY = 1_000
"""Beyond that a count of what waits says no more than "many"."""
ADVICE_PERCENT = 20
TROUBLE_KEPT = timedelta(days=7)
IN_ERROR = frozenset({ChargerState.FAULTED, ChargerState.OFFLINE})


# Tickets --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TicketFigures:
    """Counters. `advice`: more than a fifth of all tickets is still to be worked on."""

    open: int
    assigned: int
    in_progress: int
    total: int
    live_percent: int
    advice: bool
    own: bool  # these are the reader's own tickets alone


def ticket_figures(work: Work) -> TicketFigures:
    """OPEN, ASSIGNED, IN_PROGRESS and all of them, exactly."""
    counts = ticket_views.count_by_status(work)
    total, live = sum(counts.values()), sum(counts[status] for status in LIVE)
    own = work.actor.role in OWN_TICKETS_ONLY
    return TicketFigures(
        counts[TicketStatus.OPEN], counts[TicketStatus.ASSIGNED], counts[TicketStatus.IN_PROGRESS], total,
        live_percent=round(100 * live / total) if total else 0,
        advice=not own and live * 100 > total * ADVICE_PERCENT, own=own,
    )  # fmt: skip


def recent(work: Work) -> list[dict[str, Any]]:
    """The last tickets that something happened to."""
    return ticket_list.of_ids(work, [ticket.id for ticket in ticket_views.recent(work, limit=RECENT)])


def clocks(work: Work) -> dict[str, Any]:
    """What is overdue and what is at risk: how many (up to `MANY`), and those that press most."""
    parts = {}
    for which in Pressing:
        shown = ticket_list.page(work, TicketFilter(pressing=which), limit=PRESSED)
        parts[which.value] = {"count": _pressing_count(work, which), "items": shown.items}
    return parts


def _pressing_count(work: Work, which: Pressing) -> int:
    conditions = list(ticket_list.pressing(work, which))
    if work.actor.role in OWN_TICKETS_ONLY:
        conditions.append(Ticket.assignee_id == work.actor.member_id)
    return _up_to_many(work, Ticket.id, *conditions)


# Chargers -------------------------------------------------------------------------------------------------------


def charger_figures(work: Work) -> dict[str, dict[str, int]]:
    """For DC and for AC how many that the actor may see are available, charging, faulted, offline, other; and all."""
    figures = {
        kind.value: dict.fromkeys(("available", "charging", "faulted", "offline", "other", "total"), 0)
        for kind in CurrentType
    }
    work.require(Permission.VIEW_CHARGERS)
    shown = case(*((charger_list.shows(state), figure) for state, figure in _FIGURES), else_="other").label("shown")
    each = chargers.visible_only(work, select(Charger.current_type, shown)).subquery()
    for kind, figure, count in work.session.execute(
        select(each.c.current_type, each.c.shown, func.count()).group_by(each.c.current_type, each.c.shown)
    ):
        figures[kind.value][figure] = count
        figures[kind.value]["total"] += count
    return figures


_FIGURES = (
    (Shown.OFFLINE, "offline"), (Shown.FAULTED, "faulted"), (Shown.AVAILABLE, "available"),
    (Shown.CHARGING, "charging"),
)  # fmt: skip


def chargers_in_error(work: Work) -> dict[str, Any]:
    """Faulted and offline ones, the latest trouble first: how many, and the first of them with their last event."""
    found = []
    for charger, rows in _in_trouble(work):
        state = chargers.shown_state(charger, rows)
        if state in IN_ERROR:
            found.append((_since(charger, rows, state), charger, rows, state))
    found.sort(key=lambda each: (each[0] is not None, each[0] or work.now), reverse=True)
    shown = found[:ERRORS]
    sites = _site_names(work, [charger for _, charger, _, _ in shown])
    return {
        "count": len(found),
        "items": [
            {
                "id": charger.id,
                "name": charger.name,
                "site": sites.get(charger.site_id),
                "current_type": charger.current_type.value,
                "state": state.value,
                "since": since,
                "event": _event(rows, state),
            }
            for since, charger, rows, state in shown
        ],
    }


def _since(charger: Charger, rows: list[Connector], state: ChargerState) -> datetime | None:
    if state is ChargerState.OFFLINE:
        return charger.last_seen_at
    return max((row.faulted_since_at for row in rows if row.faulted_since_at is not None), default=None)


def _event(rows: list[Connector], state: ChargerState) -> dict[str, Any] | None:
    """What the charger last said of its trouble; one that went away said nothing."""
    ailing = [row for row in rows if row.status is ChargerState.FAULTED]
    if state is ChargerState.OFFLINE or not ailing:
        return None
    latest = max(ailing, key=lambda row: (row.received_at is not None, row.received_at or row.faulted_since_at))
    return {
        "connector": latest.number,
        "error_code": latest.error_code,
        "vendor_error": latest.vendor_error,
        "info": latest.info,
        "at": latest.received_at,
    }


def _in_trouble(work: Work) -> list[tuple[Charger, list[Connector]]]:
    """The chargers in error alone, with their connectors: a network is mostly well."""
    work.require(Permission.VIEW_CHARGERS)
    wanted = chargers.visible_only(work, select(Charger).where(charger_list.shows(Shown.IN_ERROR)))
    rows: dict[str, list[Connector]] = {}
    ids = wanted.with_only_columns(Charger.id)
    for row in work.session.scalars(select(Connector).where(Connector.charger_id.in_(ids))):
        rows.setdefault(row.charger_id, []).append(row)
    return [(charger, rows.get(charger.id, [])) for charger in work.session.scalars(wanted)]


def _site_names(work: Work, shown: list[Charger]) -> dict[int | None, str]:
    ids = {charger.site_id for charger in shown if charger.site_id is not None}
    named = work.session.execute(select(Site.id, Site.name).where(Site.id.in_(ids)))
    return {row.id: row.name for row in named}


# What wants a look ----------------------------------------------------------------------------------------------


def waiting_for_review(work: Work) -> int:
    """Messages that want a human, up to `MANY`."""
    work.require(Permission.VIEW_MESSAGES)
    return _up_to_many(work, Message.id, Message.state == MessageState.NEEDS_REVIEW)


def sends_in_trouble(work: Work) -> dict[str, int]:
    """Of the last seven days: what was given up (`dead`), and what may or may not have arrived (`unknown`)."""
    work.require(Permission.VIEW_ROSTER)
    since = work.now - TROUBLE_KEPT
    trouble = is_one_of(OutboxItem.state, OutboxState.DEAD, OutboxState.UNKNOWN)
    newest = select(OutboxItem.state, OutboxItem.created_at).where(trouble).order_by(OutboxItem.id.desc()).limit(MANY)
    found = newest.subquery()
    rows = work.session.execute(
        select(found.c.state, func.count()).where(found.c.created_at >= since).group_by(found.c.state)
    )
    counts = {state: int(count) for state, count in rows}
    return {"dead": counts.get(OutboxState.DEAD, 0), "unknown": counts.get(OutboxState.UNKNOWN, 0)}


def remedies_today(work: Work) -> dict[str, int]:
    """Remedies begun since midnight in the installation's zone: how many, how many run, how many healed."""
    work.require(Permission.COMMAND_CHARGERS)
    rows = work.session.execute(
        select(ProcedureRun.result, func.count())
        .where(
            ProcedureRun.created_at >= tally.midnight(work),
            ProcedureRun.kind.in_((RunKind.CLEAR_FAULT, RunKind.REBOOT)),
        )
        .group_by(ProcedureRun.result)
    )
    counts = {result: int(count) for result, count in rows}
    healed = sum(count for result, count in counts.items() if result in GOOD_RESULTS)
    return {"tried": sum(counts.values()), "running": counts.get(None, 0), "healed": healed}


def on_call(work: Work) -> list[dict[str, Any]]:
    """Who is on duty now."""
    work.require(Permission.VIEW_ROSTER)
    return [{"id": member.id, "name": member.name, "role": member.role.value} for member in oncall.on_duty(work)]


def _up_to_many(work: Work, key: Any, *conditions: ColumnElement[bool]) -> int:
    return (
        work.session.scalar(select(func.count()).select_from(select(key).where(*conditions).limit(MANY).subquery()))
        or 0
    )


# The last fourteen days -----------------------------------------------------------------------------------------


def traffic(work: Work) -> dict[str, Any]:
    """Tickets opened and resolved, and what people wrote by category, on each of the last days: kept as sums."""
    work.require(Permission.VIEW_TICKETS)
    work.require(Permission.VIEW_MESSAGES)
    days = tally.days(work, DAYS)
    opened, resolved = (tally.by_day(work, what, days[0]) for what in (Counted.OPENED, Counted.RESOLVED))
    wrote = tally.by_day(work, Counted.MESSAGES, days[0])
    return {
        "days": days,
        "opened": [opened.get(("", day), 0) for day in days],
        "resolved": [resolved.get(("", day), 0) for day in days],
        "messages": {category.value: [wrote.get((category.value, day), 0) for day in days] for category in Category},
    }


# Together -------------------------------------------------------------------------------------------------------

PARTS: dict[str, tuple[Permission, Callable[[Work], Any]]] = {
    "counters": (Permission.VIEW_TICKETS, ticket_figures),
    "pressing": (Permission.VIEW_TICKETS, clocks),
    "recent": (Permission.VIEW_TICKETS, recent),
    "figures": (Permission.VIEW_CHARGERS, charger_figures),
    "errors": (Permission.COMMAND_CHARGERS, chargers_in_error),
    "review": (Permission.VIEW_MESSAGES, waiting_for_review),
    "sends": (Permission.VIEW_ROSTER, sends_in_trouble),
    "remedies": (Permission.COMMAND_CHARGERS, remedies_today),
    "duty": (Permission.VIEW_ROSTER, on_call),
    "traffic": (Permission.VIEW_ROSTER, traffic),
}
"""What there is, and who sees it: a CPO the figures of its own chargers, an installer what concerns its tickets."""


def look(work: Work, wanted: Collection[str] = tuple(PARTS)) -> dict[str, Any]:
    """These parts, None where the actor does not see one; all at one moment."""
    work.require(Permission.VIEW_DASHBOARD)
    parts = {name: part for name, part in PARTS.items() if name in wanted}
    return {name: verb(work) if work.actor.may(needs) else None for name, (needs, verb) in parts.items()}
