"""The team: who is a member, what they may, by which chats they are known; for whoever manages it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from console import passwords, second_factor
from console.pages.form import Form
from console.pages.page import Visit, page
from desk import team_admin
from models.access import Department, Permission, Role
from models.errors import Refusal
from models.member import Member
from phrases.catalogue import LANGUAGES

TEAM = "/console/team"
ONE = f"{TEAM}/{{member_id:int}}"
NEEDS = Permission.MANAGE_TEAM
PAGE = 50


@page(TEAM, needs=NEEDS)
async def show(visit: Visit) -> Response:
    """The members, or those who left."""
    active, after = visit.query("left") != "1", visit.number("after")
    cards = await visit.desk.read(team_admin.page, limit=PAGE + 1, after=after, active=active)
    more = cards[PAGE - 1].member.id if len(cards) > PAGE else None
    return visit.render(
        "team/list.html", cards=cards[:PAGE], active=active, next_cursor=more, first=after is not None,
        href=TEAM if active else f"{TEAM}?left=1",
    )  # fmt: skip


@page(f"{TEAM}/new", needs=NEEDS)
async def show_new(visit: Visit) -> Response:
    """The form for somebody new."""
    return await _new_form(visit)


@page(f"{TEAM}/new", needs=NEEDS, methods=("POST",))
async def add(visit: Visit) -> Response:
    """Enrol them; the temporary password is shown once."""
    form, password = await visit.form(), passwords.temporary()
    try:
        member = await visit.desk.run(
            team_admin.add, email=form.text("email", most=200, required=True), language=_language(form),
            name=form.text("name", most=200, required=True), role=form.choice("role", Role),
            departments=_departments(form), fleet_id=_fleet(form), whatsapp=form.text("whatsapp", most=40),
            hashed=await passwords.hashed(password),
        )  # fmt: skip
    except Refusal as refusal:
        return await _new_form(visit, refusal, form)
    return _password(visit, member, password, visit.say("team.enrolled", name=member.name))


@page(ONE, needs=NEEDS)
async def show_one(visit: Visit) -> Response:
    """One member."""
    return await _one(visit)


@page(f"{ONE}/change", needs=NEEDS, methods=("POST",))
async def change(visit: Visit) -> Response:
    """Name, role, departments, fleet."""
    form = await visit.form()
    try:
        await visit.desk.run(
            team_admin.change, visit.key("member_id"), name=form.text("name", most=200, required=True),
            role=form.choice("role", Role), departments=_departments(form), fleet_id=_fleet(form),
        )  # fmt: skip
    except Refusal as refusal:
        return await _one(visit, refusal)
    return visit.see_other(_path(visit), "team.saved")


@page(f"{ONE}/deactivate", needs=NEEDS, methods=("POST",))
async def deactivate(visit: Visit) -> Response:
    """They leave; their history stays."""
    member = await visit.desk.run(team_admin.deactivate, visit.key("member_id"))
    return visit.see_other(_path(visit), "team.deactivated", name=member.name)


@page(f"{ONE}/reactivate", needs=NEEDS, methods=("POST",))
async def reactivate(visit: Visit) -> Response:
    """They are back."""
    password = passwords.temporary()
    member = await visit.desk.run(team_admin.reactivate, visit.key("member_id"), await passwords.hashed(password))
    return _password(visit, member, password)


@page(f"{ONE}/password", needs=NEEDS, methods=("POST",))
async def new_password(visit: Visit) -> Response:
    """A temporary password, shown once."""
    password = passwords.temporary()
    member = await visit.desk.run(team_admin.new_password, visit.key("member_id"), await passwords.hashed(password))
    return _password(visit, member, password)


@page(f"{ONE}/second-step", needs=NEEDS, methods=("POST",))
async def reset_second_step(visit: Visit) -> Response:
    """For a lost authenticator."""
    await visit.desk.run(team_admin.reset_second_step, visit.key("member_id"))
    return visit.see_other(_path(visit), "team.step_was_reset")


@page(f"{ONE}/sessions", needs=NEEDS, methods=("POST",))
async def end_sessions(visit: Visit) -> Response:
    """Signed out everywhere."""
    ended = await visit.desk.run(team_admin.end_sessions, visit.key("member_id"))
    return visit.see_other(_path(visit), "team.sessions_ended", count=ended)


@page(f"{ONE}/tokens", needs=NEEDS, methods=("POST",))
async def revoke_tokens(visit: Visit) -> Response:
    """Their programs are locked out."""
    gone = await visit.desk.run(team_admin.revoke_tokens, visit.key("member_id"))
    return visit.see_other(_path(visit), "team.tokens_revoked", count=gone)


@page(f"{ONE}/whatsapp", needs=NEEDS, methods=("POST",))
async def link_whatsapp(visit: Visit) -> Response:
    """A number acts as them."""
    number = (await visit.form()).text("whatsapp", most=40, required=True)
    try:
        await visit.desk.run(team_admin.link_whatsapp, visit.key("member_id"), number)
    except Refusal as refusal:
        return await _one(visit, refusal)
    return visit.see_other(_path(visit), "team.linked")


@page(f"{ONE}/telegram", needs=NEEDS, methods=("POST",))
async def link_telegram(visit: Visit) -> Response:
    """The link with which they tie their own account."""
    link = await visit.desk.run(team_admin.telegram_link, visit.key("member_id"))
    return await _one(visit, link=link, picture=second_factor.qr(link), until=visit.now() + team_admin.LINK_LIVES)


@page(f"{ONE}/identities/{{identity_id:int}}/unlink", needs=NEEDS, methods=("POST",))
async def unlink(visit: Visit) -> Response:
    """A chat acts as them no more."""
    await visit.desk.run(team_admin.unlink, visit.key("member_id"), visit.key("identity_id"))
    return visit.see_other(_path(visit), "team.unlinked")


def _path(visit: Visit) -> str:
    return f"{TEAM}/{visit.key('member_id')}"


async def _one(visit: Visit, refusal: Refusal | None = None, **more: Any) -> Response:
    shown = await visit.desk.read(team_admin.card, visit.key("member_id"))
    fleets = await visit.desk.read(team_admin.fleets)
    return visit.render(
        "team/one.html", 200 if refusal is None else refusal.status, **shown, fleets=fleets, roles=list(Role),
        departments=list(Department), text=_words(visit, refusal),
        **{"link": None, "picture": None, "until": None, **more},
    )  # fmt: skip


async def _new_form(visit: Visit, refusal: Refusal | None = None, form: Form | None = None) -> Response:
    given = {name: form.text(name) if form else "" for name in ("name", "email", "whatsapp", "role", "fleet")}
    return visit.render(
        "team/new.html", 200 if refusal is None else refusal.status, text=_words(visit, refusal), given=given,
        chosen=form.texts("department") if form else [], roles=list(Role), departments=list(Department),
        fleets=await visit.desk.read(team_admin.fleets), language=visit.language,
    )  # fmt: skip


def _password(visit: Visit, member: Member, password: str, text: str | None = None) -> Response:
    """Not behind a redirect: it is shown once and kept nowhere."""
    return visit.render("team/password.html", who=member, password=password, text=text)


def _words(visit: Visit, refusal: Refusal | None) -> str | None:
    return visit.say(refusal.code, **refusal.facts) if refusal is not None else None


def _departments(form: Form) -> list[Department]:
    known = {department.value for department in Department}
    return [Department(value) for value in form.texts("department") if value in known]


def _fleet(form: Form) -> int | None:
    return form.integer("fleet", least=1) if form.text("fleet", most=20) else None


def _language(form: Form) -> str:
    chosen = form.text("language", most=10)
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


PAGES = (
    show, show_new, add, show_one, change, deactivate, reactivate, new_password, reset_second_step, end_sessions,
    revoke_tokens, link_whatsapp, link_telegram, unlink,
)  # fmt: skip
