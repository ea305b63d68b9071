"""Contacts by HTTP on both engines: found as one types, one whole, written down, numbers, forgotten, and who may."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from desk.work import Work
from models.access import OPERATOR, Role
from models.contact import Contact, ContactIdentity, IdentityKind, Tier
from models.message import Media, MediaState
from tests.console.front import Front, Window
from tests.staff import PHONE

DESK = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.OPS_AGENT)
ERASE = (Role.ADMIN, Role.MANAGER)
PATH = "/console/contacts"
CARD = {
    "name": "Ama Fernando", "username": "ama", "email": "ama@mail.example", "organisation": "Kandy Cabs",
    "tier": "gold", "language": "si", "primary_charger_id": "100001", "notes": "calls <b>late</b>",
}  # fmt: skip


async def contact(console: Front, contact_id: int) -> Contact:
    return await console.office.read(OPERATOR, lambda work: work.session.get_one(Contact, contact_id))


async def numbers(console: Front, contact_id: int) -> dict[str, int]:
    def look(work: Work) -> dict[str, int]:
        mine = ContactIdentity.contact_id == contact_id
        rows = work.session.scalars(select(ContactIdentity).where(mine, ContactIdentity.kind == IdentityKind.PHONE))
        return {row.value: row.id for row in rows}

    return await console.office.read(OPERATOR, look)


async def add(desk: Window, **fields: str) -> int:
    answer = await desk.post(f"{PATH}/new", **{**CARD, **fields})
    assert answer.status_code == 303, answer.text[:300]
    return int(answer.headers["location"].rsplit("/", 1)[1])


async def test_somebody_is_found_as_one_types(console: Front) -> None:
    desk = await console.signed_in(Role.OPS_AGENT)
    await add(desk, phone="071 444 4321")
    for typed in ("ama", "Ama Fer", "kandy cab", "4321", "0714444321", "+94 71 444", "ama@mail"):
        part = await desk.get(f"{PATH}?q={typed.replace('+', '%2B')}", **{"hx-request": "true", "hx-target": "rows"})
        assert part.text.lstrip().startswith("<section"), typed
        assert "Ama Fernando" in part.text, typed
        assert "Nimal" not in part.text, typed
    assert "Nobody fits" in await desk.read(f"{PATH}?q=%25%27%22nobody")
    assert "Ama Fernando" in await desk.read(f"{PATH}?order=name&tier=gold&organisation=Kandy+Cabs")
    assert (await desk.get(f"{PATH}?after=name~1~x")).status_code == 422


async def test_a_contact_whole_with_money_for_those_who_may(console: Front) -> None:
    desk = await console.signed_in(Role.DISPATCHER)
    page = await desk.read(f"{PATH}/{console.staff.contact_id}")
    for part in ("Nimal", PHONE, "nimal", "100001 does not start", console.staff.other_ticket, "LKR"):
        assert part in page, part
    assert "3,450.00" in page
    assert "Erase" not in page
    assert "Erase" in await (await console.signed_in(Role.MANAGER)).read(f"{PATH}/{console.staff.contact_id}")
    for missing in (0, 99_999):
        assert (await desk.get(f"{PATH}/{missing}")).status_code == 404


async def test_what_staff_write_down_is_kept_escaped_and_on_record(console: Front) -> None:
    desk = await console.signed_in(Role.OPS_AGENT)
    made = await add(desk, phone="0714444321")
    page = await desk.get(f"{PATH}/{made}")
    assert "calls &lt;b&gt;late" in page.text
    answer = await desk.post(f"{PATH}/{made}/edit", **{**CARD, "name": "Ama Silva", "tier": "platinum", "email": ""})
    assert answer.status_code == 303
    kept = await contact(console, made)
    assert (kept.name, kept.sort_name, kept.tier, kept.email) == ("Ama Silva", "ama silva", Tier.PLATINUM, None)
    rows = [row for row in await console.staff.audit() if row.target == f"contact:{made}"]
    assert [row.action for row in rows] == ["contact.added", "contact.changed"]
    assert sorted(rows[1].facts["fields"]) == ["email", "name", "tier"]
    assert "Ama" not in str(rows[1].facts)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"phone": "12"}, 422), ({"phone": "what"}, 422), ({"phone": PHONE}, 409), ({"username": "nimal"}, 409),
        ({"email": "nobody"}, 422), ({"tier": "gilded"}, 422), ({"primary_charger_id": "999"}, 404),
        ({"name": "", "phone": ""}, 422), ({"name": "x" * 201}, 422), ({"name": "a\x00b"}, 422),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_with_a_sentence(console: Front, fields: dict[str, str], status: int) -> None:
    desk = await console.signed_in(Role.DISPATCHER)
    before = await console.staff.rows()
    answer = await desk.post(f"{PATH}/new", **{**CARD, **fields})
    assert answer.status_code == status, answer.text[:300]
    assert await console.staff.rows() == before


async def test_a_number_is_somebodys_alone_and_comes_off_again(console: Front) -> None:
    desk = await console.signed_in(Role.OPS_AGENT)
    made = await add(desk)
    assert (await desk.post(f"{PATH}/{made}/number", phone="077 999 8888")).status_code == 303
    assert (await desk.post(f"{PATH}/{made}/number", phone="+94779998888")).status_code == 409
    assert (await desk.post(f"{PATH}/{made}/number", phone=PHONE)).status_code == 409
    known = await numbers(console, made)
    assert list(known) == ["+94779998888"]
    other = console.staff.contact_id
    theirs = await numbers(console, other)
    assert (await desk.post(f"{PATH}/{made}/number/{theirs[PHONE]}/remove")).status_code == 404
    refused = await desk.post(f"{PATH}/{other}/number/{theirs[PHONE]}/remove")
    assert refused.status_code == 409
    assert "write to us" in refused.text
    assert (await desk.post(f"{PATH}/{made}/number/{known['+94779998888']}/remove")).status_code == 303
    assert await numbers(console, made) == {}


async def test_somebody_is_forgotten_only_when_it_is_meant(console: Front) -> None:
    who = console.staff.contact_id
    await console.office.run(OPERATOR, _with_a_file, console.staff.message_id)
    desk = await console.signed_in(Role.MANAGER)
    assert (await desk.post(f"{PATH}/{who}/erase", typed="yes")).status_code == 422
    assert (await contact(console, who)).name == "Nimal"
    answer = await desk.post(f"{PATH}/{who}/erase", typed=str(who))
    assert answer.status_code == 303
    assert os.listdir(console.office.house.media_dir) == []
    assert (await desk.get(f"{PATH}/{who}")).status_code == 404
    assert "Nimal" not in await desk.read(PATH)
    assert "contact.erased" in await console.audited()


def _with_a_file(work: Work, message_id: int) -> None:
    folder = Path(work.house.media_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.png").write_bytes(b"x")
    work.session.add(
        Media(message_id=message_id, channel="whatsapp", url="x", content_type="image/png", path="a.png",
              state=MediaState.STORED, due_at=work.now)
    )  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_do_what(console: Front, role: Role) -> None:
    who = console.staff.contact_id
    number = (await numbers(console, who))[PHONE]
    member = await console.signed_in(role)
    asked: list[tuple[str, dict[str, Any] | None, tuple[Role, ...], int]] = [
        (PATH, None, DESK, 200), (f"{PATH}/{who}", None, DESK, 200), (f"{PATH}/new", None, DESK, 200),
        (f"{PATH}/{who}/edit", None, DESK, 200), (f"{PATH}/new", CARD, DESK, 303),
        (f"{PATH}/{who}/edit", {**CARD, "username": "nimal"}, DESK, 303),
        (f"{PATH}/{who}/number", {"phone": "what"}, DESK, 422),
        (f"{PATH}/{who}/number/{number}/remove", {}, DESK, 409), (f"{PATH}/{who}/erase", {"typed": "no"}, ERASE, 422),
    ]  # fmt: skip
    for path, fields, may, status in asked:
        answer = await (member.get(path) if fields is None else member.post(path, **fields))
        assert answer.status_code == (status if role in may else 403), (path, answer.status_code, answer.text[:200])


async def test_every_page_speaks_the_four_languages(console: Front) -> None:
    desk = await console.signed_in(Role.ADMIN)
    for language in ("si", "ta", "es", "en"):
        assert (await desk.post("/console/me/language", language=language, next="/console/me")).status_code == 303
        for path in (PATH, f"{PATH}/{console.staff.contact_id}", f"{PATH}/new", "/console/requests",
                     f"/console/requests/{console.staff.message_id}"):  # fmt: skip
            assert f'lang="{language}"' in await desk.read(path)
