"""Role × page of the console: a table written by hand from the operator's role matrix, not from the code's.

A page that the table does not know fails, so that nobody adds one without deciding who may see it. What is refused
is refused with a status and changes nothing; nobody gets anywhere without signing in; and no form counts without its
session's token, whoever sends it. Below it stands what a page's permission alone cannot say: whose things they are.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from bot.channels.files import routes as file_routes
from console import assets
from console.app import build_console
from console.house import ConsoleHouse
from console.table import PAGES
from desk import outbox, runs, tickets
from desk.office import Office
from desk.work import House, Work
from models.access import OPERATOR, Role
from models.charger import RunKind
from models.conversation import Conversation
from models.message import Media, MediaState
from models.outbox import OutboxState
from models.reading import Category
from models.reply import Reply
from models.ticket import TicketEvent
from tests.clock import JumpingClock
from tests.console.front import Front, Window, front

ROLES = {
    "A": Role.ADMIN, "M": Role.MANAGER, "D": Role.DISPATCHER, "O": Role.OPS_AGENT, "I": Role.INSTALLER, "C": Role.CPO,
}  # fmt: skip
FOREIGN = "100002"
SECRET_SUMMARY = "Foreign heron"
"""Words that only the ticket of somebody else holds."""
Form = dict[str, str]

PAGE: dict[tuple[str, str], tuple[str, str]] = {
    ("GET", "/console/"): ("/console/", "AMDOIC"),
    ("GET", "/console/start"): ("/console/start", "AMDOIC"),
    ("GET", "/console/requests"): ("/console/requests", "AMDOI-"),
    ("GET", "/console/requests/{message_id:int}"): ("/console/requests/{message}", "AMDOI-"),
    ("GET", "/console/requests/{message_id:int}/talk"): ("/console/requests/{message}/talk", "AMDOI-"),
    ("GET", "/console/media/{media_id:int}"): ("/console/media/{photo}", "AMDOI-"),
    ("GET", "/console/tickets"): ("/console/tickets", "AMDOI-"),
    ("GET", "/console/tickets/new"): ("/console/tickets/new", "AMDO--"),
    ("GET", "/console/tickets/new/contacts"): ("/console/tickets/new/contacts?q=nimal", "AMDO--"),
    ("GET", "/console/tickets/new/charger"): ("/console/tickets/new/charger?charger=100001", "AMDO--"),
    ("GET", "/console/tickets/new/assignees"): ("/console/tickets/new/assignees?category=fault", "AMDO--"),
    ("GET", "/console/tickets/{ref}"): ("/console/tickets/{given}", "AMDOI-"),
    ("GET", "/console/contacts"): ("/console/contacts", "AMDO--"),
    ("GET", "/console/contacts/new"): ("/console/contacts/new", "AMDO--"),
    ("GET", "/console/contacts/{contact_id:int}"): ("/console/contacts/{contact}", "AMDO--"),
    ("GET", "/console/contacts/{contact_id:int}/edit"): ("/console/contacts/{contact}/edit", "AMDO--"),
    ("GET", "/console/chargers"): ("/console/chargers", "AMDO-C"),
    ("GET", "/console/chargers/{charger_id}"): ("/console/chargers/100001", "AMDO-C"),
    ("GET", "/console/chargers/{charger_id}/card"): ("/console/chargers/100001/card", "AMDO-C"),
    ("GET", "/console/chargers/{charger_id}/now"): ("/console/chargers/100001/now", "AMDO-C"),
    ("GET", "/console/chargers/{charger_id}/history"): ("/console/chargers/100001/history", "AMDO-C"),
    ("GET", "/console/chargers/{charger_id}/frames"): ("/console/chargers/100001/frames", "AMDO--"),
    ("GET", "/console/chargers-map"): ("/console/chargers-map", "AMDO-C"),
    ("GET", "/console/chargers-map/sites"): ("/console/chargers-map/sites", "AMDO-C"),
    ("GET", "/console/runs/{run_id:int}"): ("/console/runs/{run}", "AMDO--"),
    ("GET", "/console/understanding"): ("/console/understanding", "AMDOI-"),
    ("GET", "/console/status"): ("/console/status", "AMDO--"),
    ("GET", "/console/audit"): ("/console/audit", "AMD---"),
    ("GET", "/console/team"): ("/console/team", "A-----"),
    ("GET", "/console/team/new"): ("/console/team/new", "A-----"),
    ("GET", "/console/team/{member_id:int}"): ("/console/team/{agent}", "A-----"),
    ("GET", "/console/me"): ("/console/me", "AMDOIC"),
    ("GET", "/console/me/password"): ("/console/me/password", "AMDOIC"),
    ("GET", "/console/me/second-step"): ("/console/me/second-step", "AMDOIC"),
    ("GET", "/console/bar"): ("/console/bar?q=/", "AMDOIC"),
}
"""What is looked at: an address of it, and by whom."""

FORM: dict[str, tuple[str, Form, str]] = {
    "/console/requests/{message_id:int}/category": (
        "/console/requests/{message}/category", {"category": "fault", "why": "it says so"}, "AMDOI-",
    ),
    "/console/requests/{message_id:int}/reply": (
        "/console/requests/{message}/reply", {"once": "1", "text": "We are on it"}, "AMDOI-",
    ),
    "/console/requests/{message_id:int}/attach": ("/console/requests/{message}/attach", {"ref": "{other}"}, "AMDO--"),
    "/console/requests/{message_id:int}/archive": ("/console/requests/{message}/archive", {}, "AMDOI-"),
    "/console/tickets/new": ("/console/tickets/new", {"category": "fault", "summary": "A cable"}, "AMDO--"),
    "/console/tickets/{ref}/{deed}": ("/console/tickets/{given}/note", {"note": "called"}, "AMDOI-"),
    "/console/contacts/new": ("/console/contacts/new", {"name": "Kamal", "tier": "regular"}, "AMDO--"),
    "/console/contacts/{contact_id:int}/edit": (
        "/console/contacts/{contact}/edit", {"name": "Nimal", "tier": "regular"}, "AMDO--",
    ),
    "/console/contacts/{contact_id:int}/number": (
        "/console/contacts/{contact}/number", {"phone": "+94771234567"}, "AMDO--",
    ),
    "/console/contacts/{contact_id:int}/number/{identity_id:int}/remove": (
        "/console/contacts/{contact}/number/999999/remove", {}, "AMDO--",
    ),
    "/console/contacts/{contact_id:int}/erase": ("/console/contacts/{contact}/erase", {"typed": "no"}, "AM----"),
    "/console/chargers/{charger_id}/command": (
        "/console/chargers/100001/command", {"command": "log", "count": "1"}, "AMDO--",
    ),
    "/console/understanding/train": ("/console/understanding/train", {}, "AM----"),
    "/console/understanding/{version_id:int}/promote": ("/console/understanding/999999/promote", {}, "AM----"),
    "/console/understanding/{version_id:int}/shadow": ("/console/understanding/999999/shadow", {}, "AM----"),
    "/console/understanding/shadow/off": ("/console/understanding/shadow/off", {}, "AM----"),
    "/console/understanding/rollback": ("/console/understanding/rollback", {}, "AM----"),
    "/console/status/{item_id:int}/resend": ("/console/status/{letter}/resend", {}, "AMDO--"),
    "/console/team/new": ("/console/team/new", {"email": "x@example.org", "name": "X", "role": "none"}, "A-----"),
    "/console/team/{member_id:int}/change": (
        "/console/team/{agent}/change", {"name": "Agent", "role": "ops_agent", "department": "hotline"}, "A-----",
    ),
    "/console/team/{member_id:int}/deactivate": ("/console/team/{admin}/deactivate", {}, "A-----"),
    "/console/team/{member_id:int}/reactivate": ("/console/team/{nobody}/reactivate", {}, "A-----"),
    "/console/team/{member_id:int}/password": ("/console/team/{nobody}/password", {}, "A-----"),
    "/console/team/{member_id:int}/second-step": ("/console/team/{agent}/second-step", {}, "A-----"),
    "/console/team/{member_id:int}/sessions": ("/console/team/{nobody}/sessions", {}, "A-----"),
    "/console/team/{member_id:int}/tokens": ("/console/team/{agent}/tokens", {}, "A-----"),
    "/console/team/{member_id:int}/whatsapp": ("/console/team/{agent}/whatsapp", {"whatsapp": "none"}, "A-----"),
    "/console/team/{member_id:int}/telegram": ("/console/team/{agent}/telegram", {}, "A-----"),
    "/console/team/{member_id:int}/identities/{identity_id:int}/unlink": (
        "/console/team/{agent}/identities/999999/unlink", {}, "A-----",
    ),
    "/console/me/profile": ("/console/me/profile", {"language": "en", "timezone": "Asia/Colombo"}, "AMDOIC"),
    "/console/me/language": ("/console/me/language", {"language": "en"}, "AMDOIC"),
    "/console/me/theme": ("/console/me/theme", {"theme": "dark"}, "AMDOIC"),
    "/console/me/password": ("/console/me/password", {"old": "x", "new": "y", "again": "z"}, "AMDOIC"),
    "/console/me/sessions/{session_id:int}/end": ("/console/me/sessions/999999/end", {}, "AMDOIC"),
    "/console/me/sessions/end-others": ("/console/me/sessions/end-others", {}, "AMDOIC"),
    "/console/me/tokens": ("/console/me/tokens", {"label": "script"}, "AMDOIC"),
    "/console/me/tokens/{token_id:int}/revoke": ("/console/me/tokens/999999/revoke", {}, "AMDOIC"),
    "/console/me/second-step/new": ("/console/me/second-step/new", {}, "AMDOIC"),
    "/console/me/second-step/confirm": ("/console/me/second-step/confirm", {"code": "000000"}, "AMDOIC"),
    "/console/me/second-step/codes": ("/console/me/second-step/codes", {"password": "wrong"}, "AMDOIC"),
    "/console/me/second-step/off": ("/console/me/second-step/off", {"password": "wrong"}, "AMDOIC"),
    "/console/bar/run": ("/console/bar/run", {"text": "/whoami"}, "AMDOIC"),
    "/console/bar/confirm": ("/console/bar/confirm", {"token": "none"}, "AMDOIC"),
    "/console/bar/press": ("/console/bar/press", {"press": "none::"}, "AMDOIC"),
    "/console/sign-out": ("/console/sign-out", {}, "AMDOIC"),
}  # fmt: skip
"""What changes something: an address, a form that does little, and by whom. Signing out comes last."""
OPEN = {
    ("GET", "/console/sign-in"), ("POST", "/console/sign-in"), ("GET", "/console/sign-in/code"),
    ("POST", "/console/sign-in/code"),
}  # fmt: skip
"""For people who are not signed in: tests/console/test_sign_in.py."""
OTHER = {"/console", "/console/events", f"{assets.PREFIX}/{{digest}}/{{name:path}}", "/console/{rest:path}"}
"""What is no page: a way to the first one, the stream, files that everybody may have, and nothing at all."""
NOT_THERE = {
    "/console/understanding/{version_id:int}/promote", "/console/understanding/{version_id:int}/shadow",
    "/console/contacts/{contact_id:int}/number/{identity_id:int}/remove",
    "/console/team/{member_id:int}/reactivate", "/console/team/{member_id:int}/password",
    "/console/team/{member_id:int}/sessions",
    "/console/team/{member_id:int}/identities/{identity_id:int}/unlink",
    "/console/me/sessions/{session_id:int}/end", "/console/me/tokens/{token_id:int}/revoke",
}  # fmt: skip
"""Whoever may is told that it is not there: its sample names what does not exist, so that nothing is lost."""


def _may(letters: str) -> set[Role]:
    return {ROLES[letter] for letter in letters if letter != "-"}


# The scene --------------------------------------------------------------------------------------------------------


@dataclass
class Scene:
    """A console with everything that an address can name."""

    front: Front
    names: dict[str, str]

    def fill(self, text: str) -> str:
        """An address or a field with the keys of what is there."""
        return re.sub(r"\{(\w+)\}", lambda found: self.names[found[1]], text)

    async def get(self, window: Window, address: str) -> httpx.Response:
        """Look at a page."""
        return await window.get(self.fill(address))

    async def post(self, window: Window, address: str, form: Form, csrf: str | None) -> httpx.Response:
        """Send a form, with this token or with none."""
        data = {name: self.fill(value) for name, value in form.items()}
        return await window.http.post(self.fill(address), data=data if csrf is None else {**data, "csrf": csrf})


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with a secret, an address and a team's bot."""
    return House(
        team_account="whatsapp:+94110000000", team_bot="7", media_dir=str(tmp_path / "media"), secret=b"some secret",
        public_url="http://127.0.0.1:8080",
    )  # fmt: skip


@pytest.fixture
async def scene(office: Office, clock: JumpingClock, tmp_path: Path) -> AsyncIterator[Scene]:
    """Seeded once for all roles."""
    async with front(office, clock) as made:
        photo = tmp_path / "media" / "ab" / "photo.jpg"
        photo.parent.mkdir(parents=True)
        photo.write_bytes(b"\xff\xd8\xff\xe0 a photo")
        names = await office.run(OPERATOR, _furnish, made)
        yield Scene(made, names)


def _furnish(work: Work, made: Front) -> dict[str, str]:
    staff = made.staff
    other = tickets.get(work, staff.other_ticket)
    other.summary = SECRET_SUMMARY
    tickets.add_note(work, other.ref, "a photo of it")
    event = work.session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == other.id)).all()[-1]
    conversation = work.session.get_one(Conversation, staff.conversation_id)
    letter = outbox.say(work, conversation, Reply("safety.keep_away", {"ref": other.ref}), key="x")
    assert letter is not None
    letter.state = OutboxState.DEAD
    foreign = runs.start(work, RunKind.REBOOT, FOREIGN)
    run = runs.start(work, RunKind.REBOOT, "100001")
    admin, agent = staff.actors[Role.ADMIN].member_id, staff.actors[Role.OPS_AGENT].member_id
    return {
        "message": str(staff.message_id), "contact": str(staff.contact_id), "given": staff.installers_ticket,
        "other": other.ref, "admin": str(admin), "agent": str(agent), "nobody": "999999", "run": str(run.id),
        "foreign_run": str(foreign.id), "letter": str(letter.id),
        "photo": str(_photo(work, message_id=staff.message_id)), "note_photo": str(_photo(work, event_id=event.id)),
    }  # fmt: skip


def _photo(work: Work, **of: Any) -> int:
    media = Media(
        channel="whatsapp", url="https://api.twilio.com/x", content_type="image/jpeg", path="ab/photo.jpg",
        state=MediaState.STORED, due_at=work.now, **of,
    )  # fmt: skip
    work.session.add(media)
    work.session.flush()
    return media.id


# Role × page ------------------------------------------------------------------------------------------------------


def test_every_page_is_decided(office: Office) -> None:
    declared = {(method, page.path) for page in PAGES for method in page.methods}
    assert declared == set(PAGE) | {("POST", path) for path in FORM} | OPEN
    routes = {str(getattr(route, "path", "")) for route in build_console(ConsoleHouse(office, None))}  # type: ignore[arg-type]
    assert routes == {path for _, path in declared} | OTHER


async def test_every_page_by_every_role(scene: Scene) -> None:
    for role in Role:
        window = await scene.front.signed_in(role)
        before = await scene.front.staff.rows()
        for (_, path), (address, letters) in PAGE.items():
            answer = await scene.get(window, address)
            where = f"{role} GET {path}: {answer.status_code}"
            if role in _may(letters):
                assert answer.status_code in (200, 303), where
                assert "sign-in" not in answer.headers.get("location", ""), where
            else:
                assert answer.status_code in (403, 404), where
        assert await scene.front.staff.rows() == before, f"looking changed something, as {role}"


async def test_every_form_by_every_role(scene: Scene) -> None:
    for role in Role:
        scene.front.clock.set(scene.front.clock.now() + timedelta(minutes=16))  # wrong tries are forgotten
        window = await scene.front.signed_in(role)
        csrf = await window.token()
        before = await scene.front.staff.rows()
        for path, (address, form, letters) in FORM.items():
            forged = await scene.post(window, address, form, None)
            assert forged.status_code == 403, f"{role} POST {path} without the token: {forged.status_code}"
            if role not in _may(letters):
                answer = await scene.post(window, address, form, csrf)
                assert answer.status_code in (403, 404), f"{role} POST {path}: {answer.status_code}"
        assert await scene.front.staff.rows() == before, f"{role} was refused and changed something"
        for path, (address, form, letters) in FORM.items():
            if role in _may(letters):
                answer = await scene.post(window, address, form, csrf)
                where = f"{role} POST {path}: {answer.status_code} {answer.text[-600:]}"
                assert answer.status_code in ({404} if path in NOT_THERE else {200, 204, 303, 409, 422}), where
        assert (await window.get("/console/me")).status_code == 303, "signed out at the end"


async def test_nobody_gets_anywhere(scene: Scene) -> None:
    window = scene.front.window()
    before = await scene.front.staff.rows()
    for (_, path), (address, _letters) in PAGE.items():
        answer = await scene.get(window, address)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/console/sign-in"), path
        part = await window.get(scene.fill(address), **{"hx-request": "true"})
        assert (part.status_code, part.content) == (401, b""), path
    for path, (address, form, _letters) in FORM.items():
        answer = await scene.post(window, address, form, "0" * 64)
        assert answer.status_code in (303, 401, 403), path
        assert answer.status_code != 303 or answer.headers["location"].startswith("/console/sign-in"), path
    assert (await window.get("/console/events")).status_code == 401
    assert await scene.front.staff.rows() == before


async def test_other_methods_do_nothing(scene: Scene) -> None:
    assert {method for page in PAGES for method in page.methods} == {"GET", "POST"}
    window = await scene.front.signed_in(Role.ADMIN)
    csrf = await window.token()
    before = await scene.front.staff.rows()
    for address in ("/console/", "/console/contacts/{contact}", "/console/me", "/console/events", "/console/bar/run"):
        for method in ("PUT", "PATCH", "DELETE"):
            answer = await window.http.request(method, scene.fill(address), headers={"x-csrf-token": csrf})
            assert answer.status_code in (404, 405), f"{method} {address}: {answer.status_code}"
    for path, (address, _, _) in FORM.items():
        if ("GET", path) not in PAGE:
            assert (await scene.get(window, address)).status_code == 404, f"GET {path}"
    assert await scene.front.staff.rows() == before


# A ticket's deeds share one address -------------------------------------------------------------------------------

DEED: dict[str, tuple[Form, str]] = {
    "note": ({"note": "called"}, "AMDOI-"),
    "reply": ({"text": "on our way", "nonce": "n"}, "AMDOI-"),
    "take": ({}, "AMDOI-"),
    "start": ({}, "AMDOI-"),
    "assign": ({"assignee": "{agent}"}, "AMDO--"),
    "release": ({}, "AMDO--"),
    "priority": ({"priority": "critical"}, "AMDOI-"),
    "visit": ({"visit": "2026-03-05T10:00"}, "AMDOI-"),
    "snooze": ({"hours": "1"}, "AMDOI-"),
    "escalate": ({"priority": "critical", "tried": "a", "failed": "b", "needed": "c"}, "AMDOI-"),
    "pause": ({"clock": "resolution", "note": "parts"}, "AMDO--"),
    "resume": ({"clock": "resolution", "note": "parts"}, "AMDO--"),
    "resolve": ({"note": "a new fuse"}, "AMDOI-"),
    "close": ({"satisfied": "1", "note": "happy"}, "AMD---"),
    "reopen": ({"note": "again"}, "AMDOI-"),
}
"""Those of a member's own ticket."""


def test_every_deed_is_decided() -> None:
    from console.pages.ticket import _DEEDS, _WORDS

    assert set(DEED) == {*_DEEDS, *_WORDS}


def _given(work: Work, installer: int) -> dict[str, str]:
    """A ticket for each deed, all of them the installer's."""
    return {
        deed: tickets.open_ticket(work, category=Category.INSTALL, summary=deed, assignee_id=installer).ref
        for deed in DEED
    }


async def test_every_deed_by_every_role(scene: Scene) -> None:
    for role in Role:
        window = await scene.front.signed_in(role)
        csrf = await window.token()
        refs = await scene.front.office.run(OPERATOR, _given, await scene.front.member_id(Role.INSTALLER))
        before = await scene.front.staff.rows()
        for deed, (form, letters) in sorted(DEED.items(), key=lambda item: role in _may(item[1][1])):
            answer = await scene.post(window, f"/console/tickets/{refs[deed]}/{deed}", {"seen": "999999", **form}, csrf)
            where = f"{role} {deed}: {answer.status_code} {answer.text[-600:]}"
            if role in _may(letters):
                assert answer.status_code in (303, 409, 422), where
                continue
            assert answer.status_code in (403, 404), where
            assert await scene.front.staff.rows() == before, where


# Whose things they are --------------------------------------------------------------------------------------------


async def test_a_cpo_meets_nothing_of_another_fleet(scene: Scene) -> None:
    window = await scene.front.signed_in(Role.CPO)
    csrf = await window.token()
    before = await scene.front.staff.rows()
    for part in ("", "/card", "/now", "/history", "/frames"):
        answer = await window.get(f"/console/chargers/{FOREIGN}{part}")
        assert answer.status_code in (403, 404), part
        unknown = await window.get(f"/console/chargers/999999{part}")
        assert unknown.status_code == answer.status_code, "whether it exists is not told either"
    assert (await scene.get(window, "/console/runs/{foreign_run}")).status_code in (403, 404)
    assert (await scene.get(window, "/console/media/{photo}")).status_code in (403, 404)
    shown = ("/console/", "/console/chargers", f"/console/chargers?q={FOREIGN}", "/console/chargers-map",
             "/console/chargers-map/sites", f"/console/bar?q={FOREIGN}", "/console/bar?q=nimal",
             "/console/bar?q=/status%201000", "/console/bar?q=heron")  # fmt: skip
    for address in shown:
        text = await _seen(window, address)
        for foreign in (f"Charger {FOREIGN}", f'chargers/{FOREIGN}"', "Foreign Fleet", "Nimal", "94771234567", "TKT-"):
            assert foreign not in text, f"{address} shows {foreign}"
    for line in (f"/status {FOREIGN}", f"/log {FOREIGN}", f"/reboot {FOREIGN}", f"/out {FOREIGN}", "/contact nimal"):
        answer = await scene.post(window, "/console/bar/run", {"text": line}, csrf)
        assert 'data-outcome="refused"' in answer.text, line
    assert await scene.front.staff.rows() == before


async def test_an_installer_meets_nothing_of_others_tickets(scene: Scene) -> None:
    window = await scene.front.signed_in(Role.INSTALLER)
    csrf = await window.token()
    before = await scene.front.staff.rows()
    assert (await scene.get(window, "/console/tickets/{other}")).status_code == 404
    assert (await scene.get(window, "/console/media/{note_photo}")).status_code in (403, 404)
    for deed, (form, _) in DEED.items():
        answer = await scene.post(window, f"/console/tickets/{{other}}/{deed}", {"seen": "999999", **form}, csrf)
        assert answer.status_code == 404, deed
    shown = ("/console/", "/console/tickets", "/console/tickets?status=all", "/console/tickets?unassigned=1",
             "/console/tickets?charger=100001", "/console/tickets?contact={contact}", "/console/bar?q=heron",
             "/console/bar?q={other}", "/console/bar?q=/note%20TKT", "/console/requests/{message}")  # fmt: skip
    for address in shown:
        assert SECRET_SUMMARY not in await _seen(window, scene.fill(address)), address
    assert (await scene.get(window, "/console/tickets?ref={other}")).status_code == 404
    for line in ("/ticket {other}", "/take {other}", "/note {other} mine now", "/resolve {other} done"):
        answer = await scene.post(window, "/console/bar/run", {"text": line}, csrf)
        assert 'data-outcome="refused"' in answer.text, line
        assert SECRET_SUMMARY not in answer.text, line
    for press in ("take:{other}:", "assign:{other}:1", "snooze:{other}:"):
        answer = await scene.post(window, "/console/bar/press", {"press": press}, csrf)
        assert SECRET_SUMMARY not in answer.text, press
    assert await scene.front.staff.rows() == before


async def test_a_members_sessions_and_tokens_are_their_own(scene: Scene) -> None:
    manager, dispatcher = await scene.front.signed_in(Role.MANAGER), await scene.front.signed_in(Role.DISPATCHER)
    await scene.front.signed_in(Role.MANAGER)
    csrf = await dispatcher.token()
    theirs = re.findall(r"/console/me/(sessions|tokens)/(\d+)/", (await manager.get("/console/me")).text)
    assert {kind for kind, _ in theirs} == {"sessions", "tokens"}
    for kind, key in theirs:
        end = "end" if kind == "sessions" else "revoke"
        answer = await scene.post(dispatcher, f"/console/me/{kind}/{key}/{end}", {}, csrf)
        assert answer.status_code == 404, kind
    assert (await manager.get("/console/me")).status_code == 200


async def test_files_that_go_out_by_a_link_open_with_no_guess(scene: Scene, tmp_path: Path) -> None:
    app = Starlette(routes=file_routes(scene.front.office, tmp_path / "media"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house") as http:
        for guess in ("1", "A" * 38, "..%2f..%2fetc%2fpasswd", "%00", "é"):
            assert (await http.get(f"/files/{guess}")).status_code == 404, guess


async def _seen(window: Window, address: str) -> str:
    answer = await window.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.text
