"""Contacts: found as one types, one of them whole, written down, and forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from console.pages.form import Form
from console.pages.page import Visit, page
from desk import contact_file, contact_list, erasure
from desk.contact_file import Card
from desk.contact_list import ContactFilter, Order
from desk.erasure import Erased
from desk.work import Work
from models.access import Permission
from models.contact import Tier
from models.errors import BadInput
from phrases.catalogue import LANGUAGES

PATH = "/console/contacts"
_ONE = PATH + "/{contact_id:int}"


# The list ---------------------------------------------------------------------------------------------------------


@page(PATH, needs=Permission.VIEW_CONTACTS)
async def everybody(visit: Visit) -> Response:
    """Newest first or by name; what is typed is words, or a piece of a number."""
    wanted, order = _wanted(visit), Order.NAME if visit.query("order") == "name" else Order.NEWEST
    after = visit.query("after", most=500) or None
    part = await visit.desk.read(contact_list.page, wanted, order=order, after=after)
    return visit.render(
        "contacts/list.html", part=part, wanted=wanted, order=order, after=after, tiers=tuple(Tier),
        href=_href(wanted, order), narrowed=wanted != ContactFilter(),
    )  # fmt: skip


def _wanted(visit: Visit) -> ContactFilter:
    tier = visit.query("tier", most=20)
    return ContactFilter(
        typed=visit.query("q", most=100), tier=Tier(tier) if tier in set(Tier) else None,
        organisation=visit.query("organisation") or None,
    )  # fmt: skip


def _href(wanted: ContactFilter, order: Order) -> str:
    given = {
        "q": wanted.typed, "tier": wanted.tier, "organisation": wanted.organisation,
        "order": order if order is not Order.NEWEST else None,
    }  # fmt: skip
    query = urlencode({name: str(value) for name, value in given.items() if value})
    return f"{PATH}?{query}" if query else PATH


# One contact ------------------------------------------------------------------------------------------------------


@page(_ONE, needs=Permission.VIEW_CONTACTS)
async def contact(visit: Visit) -> Response:
    """Who they are and what they had to do with us."""
    parts = await visit.desk.read(contact_file.look, visit.key("contact_id"))
    lost = None
    if visit.may(Permission.ERASE_CONTACTS):
        lost = await visit.desk.read(erasure.preview, parts["contact"])
    return visit.render("contacts/one.html", **parts, lost=lost, path=f"{PATH}/{parts['contact'].id}")


@page(PATH + "/new", needs=Permission.EDIT_CONTACTS, methods=("GET", "POST"))
async def new(visit: Visit) -> Response:
    """Somebody who has not written yet."""
    if visit.request.method == "GET":
        return visit.render("contacts/edit.html", card=Card(), phone="", path=f"{PATH}/new", back=PATH, **_choices())
    form = await visit.form()
    made = await visit.desk.run(contact_file.add, _card(form), form.text("phone", most=40))
    return visit.see_other(f"{PATH}/{made.id}", "contacts.added")


@page(_ONE + "/edit", needs=Permission.EDIT_CONTACTS, methods=("GET", "POST"))
async def edit(visit: Visit) -> Response:
    """What staff write down."""
    contact_id = visit.key("contact_id")
    if visit.request.method == "GET":
        known = await visit.desk.read(contact_file.get, contact_id)
        card = Card(
            known.name, known.username or "", known.email or "", known.organisation or "", known.tier,
            known.language or "", known.primary_charger_id or "", known.notes or "",
        )  # fmt: skip
        path = f"{PATH}/{contact_id}"
        return visit.render("contacts/edit.html", card=card, phone=None, path=f"{path}/edit", back=path, **_choices())
    await visit.desk.run(contact_file.change, contact_id, _card(await visit.form()))
    return visit.see_other(f"{PATH}/{contact_id}", "contacts.saved")


def _card(form: Form) -> Card:
    return Card(
        form.text("name", most=200), form.text("username", most=100), form.text("email", most=200),
        form.text("organisation", most=200), form.choice("tier", Tier), form.text("language", most=16),
        form.text("primary_charger_id", most=48), form.text("notes", most=4_000),
    )  # fmt: skip


def _choices() -> dict[str, Any]:
    return {"tiers": tuple(Tier), "spoken": LANGUAGES}


@page(_ONE + "/number", needs=Permission.EDIT_CONTACTS, methods=("POST",))
async def add_number(visit: Visit) -> Response:
    """A further number that they are known by."""
    form, contact_id = await visit.form(), visit.key("contact_id")
    number = await visit.desk.run(contact_file.add_phone, contact_id, form.text("phone", most=40, required=True))
    return visit.see_other(f"{PATH}/{contact_id}", "contacts.number_added", phone=number)


@page(_ONE + "/number/{identity_id:int}/remove", needs=Permission.EDIT_CONTACTS, methods=("POST",))
async def remove_number(visit: Visit) -> Response:
    """A number that is theirs no more."""
    contact_id = visit.key("contact_id")
    await visit.desk.run(contact_file.remove_phone, contact_id, visit.key("identity_id"))
    return visit.see_other(f"{PATH}/{contact_id}", "contacts.number_removed")


@page(_ONE + "/erase", needs=Permission.ERASE_CONTACTS, methods=("POST",))
async def erase(visit: Visit) -> Response:
    """Forget somebody, with the copies of what they sent; their key must be typed, so that nobody does it lightly."""
    form, contact_id = await visit.form(), visit.key("contact_id")
    if form.text("typed", most=40) != str(contact_id):
        raise BadInput("contacts.not_confirmed", id=contact_id)
    done = await visit.desk.run(_forget, contact_id)
    _delete(Path(visit.house.office.house.media_dir), done)
    return visit.see_other(PATH, "contacts.erased", messages=done.messages, tickets=done.tickets)


def _forget(work: Work, contact_id: int) -> Erased:
    return erasure.erase(work, contact_file.get(work, contact_id))


def _delete(folder: Path, done: Erased) -> None:
    """The copies on our disk, and nothing outside the media folder."""
    for path in done.paths:
        whole = (folder / path).resolve()
        if whole.is_relative_to(folder.resolve()):
            whole.unlink(missing_ok=True)


PAGES = (everybody, new, contact, edit, add_number, remove_number, erase)
