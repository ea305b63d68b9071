"""The chargers hub: the list as one types, one charger whole, its frame log, and commands given from there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from commands.table import allowed
from console.pages import command_bar, procedures
from console.pages.page import Visit, page
from desk import charger_detail, charger_list, frame_log
from desk.charger_list import Order, Shown, Wanted
from desk.work import Work
from models.access import Permission
from models.charger import CurrentType
from models.errors import BadInput

HUB = "/console/chargers"
PAGE = 48
FRAMES = 100
TAIL = 200
E = TypeVar("E", bound=StrEnum)


# The hub ----------------------------------------------------------------------------------------------------------


@page(HUB, needs=Permission.VIEW_CHARGERS)
async def hub(visit: Visit) -> Response:
    """Cards or a table; typing and choosing narrow them down."""
    wanted, view = _wanted(visit), "table" if visit.query("view") == "table" else "cards"
    after = visit.query("after") or None
    cards, more = await visit.desk.read(charger_list.page, wanted, limit=PAGE, after=after)
    return visit.render(
        "chargers/hub.html", cards=cards, more=more, wanted=wanted, view=view, after=after,
        sites=await visit.desk.read(charger_list.site_names), href=_href(wanted, view), here=visit.path,
        states=tuple(Shown), types=tuple(CurrentType), narrowed=wanted != Wanted(order=wanted.order),
    )  # fmt: skip


def _wanted(visit: Visit) -> Wanted:
    return Wanted(
        search=visit.query("q", most=100), state=_chosen(visit, "state", Shown),
        current_type=_chosen(visit, "type", CurrentType),
        site_id=visit.number("site"),
        order=_chosen(visit, "order", Order) or Order.WORST,
    )  # fmt: skip


def _chosen(visit: Visit, name: str, kind: type[E]) -> E | None:
    """One of the words of an address; a word that is none of them chooses nothing."""
    value = visit.query(name, most=40)
    return kind(value) if value in {item.value for item in kind} else None


def _href(wanted: Wanted, view: str) -> str:
    given = {
        "q": wanted.search, "state": wanted.state, "type": wanted.current_type, "site": wanted.site_id,
        "order": wanted.order if wanted.order is not Order.WORST else None, "view": view if view != "cards" else None,
    }  # fmt: skip
    query = urlencode({name: str(value) for name, value in given.items() if value})
    return f"{HUB}?{query}" if query else HUB


@page(HUB + "/{charger_id}/card", needs=Permission.VIEW_CHARGERS)
async def card(visit: Visit) -> Response:
    """One of the list, as it is now."""
    found = await visit.desk.read(charger_list.card, visit.request.path_params["charger_id"])
    block = "row" if visit.query("view") == "table" else "card"
    return visit.render("chargers/card.html", block=block, card=found, view=block)


# One charger ------------------------------------------------------------------------------------------------------


@page(HUB + "/{charger_id}", needs=Permission.VIEW_CHARGERS)
async def charger(visit: Visit) -> Response:
    """Everything about one; what moves is asked for again by its parts."""
    charger_id = visit.request.path_params["charger_id"]
    parts = await visit.desk.read(_whole, charger_id)
    return visit.render("chargers/one.html", **parts, **_around(visit, charger_id, parts["now"]))


@page(HUB + "/{charger_id}/now", needs=Permission.VIEW_CHARGERS)
async def now(visit: Visit) -> Response:
    """How it stands at this moment."""
    charger_id = visit.request.path_params["charger_id"]
    status = await visit.desk.read(charger_detail.status, charger_id)
    return visit.render("chargers/now.html", block="now", now=status, **_around(visit, charger_id, status))


@page(HUB + "/{charger_id}/history", needs=Permission.VIEW_CHARGERS)
async def history(visit: Visit) -> Response:
    """What was done there and what happened."""
    charger_id = visit.request.path_params["charger_id"]
    parts = await visit.desk.read(_past, charger_id)
    return visit.render("chargers/history.html", block="history", charger_id=charger_id, **_drawn(visit, parts))


def _whole(work: Work, charger_id: str) -> dict[str, Any]:
    return {
        "now": charger_detail.status(work, charger_id),
        "about": charger_detail.about(work, charger_id),
        "variables": (
            charger_detail.configuration(work, charger_id) if work.actor.may(Permission.COMMAND_CHARGERS) else None
        ),
    }


def _past(work: Work, charger_id: str) -> dict[str, Any]:
    sees = work.actor.may(Permission.VIEW_SESSIONS)
    return {
        "state": charger_list.card(work, charger_id)["state"],
        "sessions": charger_detail.last_sessions(work, charger_id) if sees else None,
        **charger_detail.history(work, charger_id),
    }


def _drawn(visit: Visit, parts: dict[str, Any]) -> dict[str, Any]:
    runs = parts["runs"]
    return {**parts, "runs": runs and [procedures.shown(visit, run, parts["state"]) for run in runs]}


def _around(visit: Visit, charger_id: str, status: dict[str, Any]) -> dict[str, Any]:
    """What the parts of the page need beside the facts: the commands that this member may give, the run as drawn."""
    run = status["run"]
    return {
        "charger_id": charger_id,
        "path": f"{HUB}/{quote(charger_id, safe='')}",
        "commands": frozenset(item.name for item in allowed(visit.actor)) if visit.may(_COMMANDS) else frozenset(),
        "run": procedures.shown(visit, run, status["state"]) if run is not None else None,
        "connector_choices": [("", visit.say("chargers_page.any_connector")), *_numbers(status["connectors"])],
    }


def _numbers(connectors: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(str(one["id"]), str(one["id"])) for one in connectors]


_COMMANDS = Permission.COMMAND_CHARGERS


# Commands ---------------------------------------------------------------------------------------------------------


_LINES: dict[str, tuple[str, ...]] = {
    "charge": ("customer", "charger", "connector", "amount"),
    "config": ("charger", "key", "value"),
    "unlock": ("charger", "connector"),
    "stopcharge": ("charger", "connector"),
    "log": ("charger", "count"),
}
"""Forms of this page that make a command line, and from which fields."""


@page(HUB + "/{charger_id}/command", needs=_COMMANDS, methods=("POST",))
async def command(visit: Visit) -> Response:
    """A form's fields as the command line that anybody could have typed, run by the same code."""
    form = await visit.form()
    name = form.text("command", most=40)
    if name not in _LINES:
        raise BadInput("form.not_one_of", field="command")
    given = {"charger": visit.request.path_params["charger_id"]}
    words = [given.get(field) or form.text(field, most=500) for field in _LINES[name]]
    line = " ".join([f"/{name}", *(_word(word) for word in words if word)])
    return await command_bar.run_line(visit, line)


def _word(text: str) -> str:
    """Several words as one argument."""
    plain = " ".join(text.replace('"', "").split())
    return f'"{plain}"' if " " in plain else plain


# Frames -----------------------------------------------------------------------------------------------------------


@page(HUB + "/{charger_id}/frames", needs=_COMMANDS)
async def frames(visit: Visit) -> Response:
    """The log by cursor; with `since` only what came after that frame, for a page that watches."""
    charger_id = visit.request.path_params["charger_id"]
    action, direction = visit.query("action", most=48), visit.query("direction", most=3)
    since, before = visit.number("since", least=0), visit.number("before")
    if since is not None:
        found = await visit.desk.read(
            frame_log.since, charger_id, after=since, limit=TAIL, action=action, direction=direction
        )
    else:
        found = await visit.desk.read(
            frame_log.page, charger_id, limit=FRAMES, before=before, action=action, direction=direction
        )
    known = await visit.desk.read(frame_log.actions, charger_id) if since is None and before is None else []
    block = "frames" if since is not None or before is not None else "log"
    return visit.render(
        "chargers/frames.html", block=block if visit.htmx else None, charger_id=charger_id, actions=known,
        path=f"{HUB}/{quote(charger_id, safe='')}", action=action, direction=direction,
        older=found.older, newest=found.newest, rows=[_stamped(row, ZoneInfo(visit.timezone)) for row in found.rows],
    )  # fmt: skip


def _stamped(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """With the time of day to the second in the reader's zone: frames come several a minute."""
    at = datetime.fromisoformat(row["at"]).astimezone(zone)
    return {**row, "clock": f"{at:%H:%M:%S}", "day": f"{at:%Y-%m-%d}"}


PAGES = (hub, card, charger, now, history, command, frames)
