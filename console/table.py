"""The console's pages and its sidebar: what is not named here is not there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from console.pages import (
    audit,
    chargers,
    command_bar,
    contacts,
    dashboard,
    files,
    me,
    procedures,
    requests,
    second_step,
    sign_in,
    site_map,
    status,
    team,
    ticket,
    tickets,
    understanding,
)
from console.pages.page import Page, Visit
from models.access import Permission

MODULES = (
    dashboard, requests, files, tickets, ticket, contacts, chargers, site_map, procedures, status, team, audit,
    understanding, me, second_step, sign_in, command_bar,
)  # fmt: skip
PAGES: tuple[Page, ...] = tuple(chain.from_iterable(module.PAGES for module in MODULES))


@dataclass(frozen=True)
class Entry:
    """A line of the sidebar. `code` is its phrase, `icon` a name in templates/icons.html."""

    code: str
    path: str
    icon: str
    needs: Permission


SIDEBAR: tuple[Entry, ...] = (
    Entry("nav.dashboard", "/console/", "dashboard", Permission.VIEW_DASHBOARD),
    Entry("nav.requests", "/console/requests", "requests", Permission.VIEW_MESSAGES),
    Entry("nav.tickets", "/console/tickets", "tickets", Permission.VIEW_TICKETS),
    Entry("nav.chargers", "/console/chargers", "charger", Permission.VIEW_CHARGERS),
    Entry("nav.contacts", "/console/contacts", "contacts", Permission.VIEW_CONTACTS),
    Entry("nav.team", "/console/team", "team", Permission.MANAGE_TEAM),
    Entry("nav.audit", "/console/audit", "audit", Permission.VIEW_AUDIT),
    Entry("nav.understanding", "/console/understanding", "eye", Permission.CORRECT_MESSAGES),
    Entry("nav.status", "/console/status", "status", Permission.VIEW_ROSTER),
)


def sidebar(visit: Visit) -> list[tuple[Entry, bool]]:
    """What this member sees there, and which line is here."""
    here = visit.path
    return [(entry, _is_here(entry, here)) for entry in SIDEBAR if visit.may(entry.needs)]


def home(visit: Visit) -> str:
    """Where this member begins."""
    entries = sidebar(visit)
    return entries[0][0].path if entries else "/console/me"


def _is_here(entry: Entry, path: str) -> bool:
    return path == entry.path or (entry.path != "/console/" and path.startswith(entry.path + "/"))
