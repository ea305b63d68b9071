"""The audit trail: who did what, when, to what."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from console.pages.page import Visit, page
from desk import audit
from desk.audit import Wanted
from models.access import ActorKind, Permission
from models.audit import AuditRow
from models.errors import BadInput

PAGE = 50
_FILTERS = ("actor", "action", "target", "from", "to")


@page("/console/audit", needs=Permission.VIEW_AUDIT)
async def show(visit: Visit) -> Response:
    """The trail, newest first, as filtered."""
    given = {name: visit.query(name, most=120) for name in _FILTERS}
    wanted = Wanted(
        actor=given["actor"], action=given["action"], target=given["target"], since=_midnight(visit, given["from"]),
        until=_midnight(visit, given["to"], days=1),
    )  # fmt: skip
    after = visit.number("after")
    rows = await visit.desk.read(audit.found, wanted, limit=PAGE + 1, after=after)
    filters = {name: value for name, value in given.items() if value}
    return visit.render(
        "audit/list.html", rows=[_row(row) for row in rows[:PAGE]], given=given, first=after is not None,
        next_cursor=rows[PAGE - 1].id if len(rows) > PAGE else None, filtered=bool(filters),
        href=f"/console/audit?{urlencode(filters)}" if filters else "/console/audit",
        actions=await visit.desk.read(audit.actions), kinds=list(ActorKind),
    )  # fmt: skip


def _midnight(visit: Visit, text: str, *, days: int = 0) -> datetime | None:
    """The start of a day in the member's zone, or of the day after."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(visit.timezone))
    except (ValueError, OverflowError):
        raise BadInput("audit.bad_date", given=text[:20]) from None


def _row(row: AuditRow) -> dict[str, Any]:
    kind, _, key = row.target.partition(":")
    return {
        "at": row.at, "actor": row.actor_name, "kind": row.actor_kind, "who": f"{row.actor_kind}:{row.actor_id}",
        "action": row.action, "target": row.target, "path": _paths(kind, key),
        "facts": [(name, _plain(value)) for name, value in row.facts.items() if value not in (None, "", [], {})],
    }  # fmt: skip


def _paths(kind: str, key: str) -> str | None:
    """Where what was acted on is shown."""
    known = {"charger": "chargers", "ticket": "tickets", "contact": "contacts", "member": "team", "message": "requests"}
    return f"/console/{known[kind]}/{key}" if kind in known and key and "?" not in key else None


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:199] + "…"


PAGES = (show,)
