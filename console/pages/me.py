"""A member's own account: language, zone, look, password, sessions, API tokens."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from starlette.responses import Response

from console import cookies, passwords
from console.pages.page import Visit, inside, page
from desk import team_self
from models.errors import BadInput

ME = "/console/me"


@page(ME, needs=None)
async def show(visit: Visit) -> Response:
    """Everything about oneself."""
    return await _show(visit)


@page(f"{ME}/profile", needs=None, methods=("POST",))
async def profile(visit: Visit) -> Response:
    """Language and time zone."""
    form = await visit.form()
    chosen = form.text("language", most=10)
    await visit.desk.run(team_self.speak, chosen)
    await visit.desk.run(team_self.live_in, form.text("timezone", most=64))
    response = visit.see_other(ME, "me.saved")
    cookies.write_choice(response, visit.house, cookies.LANGUAGE, chosen)
    return response


@page(f"{ME}/language", needs=None, methods=("POST",))
async def language(visit: Visit) -> Response:
    """Everything in another language, at once."""
    form = await visit.form()
    chosen = form.text("language", most=10)
    await visit.desk.run(team_self.speak, chosen)
    response = visit.see_other(inside(form.text("next", most=1000)) or ME)
    cookies.write_choice(response, visit.house, cookies.LANGUAGE, chosen)
    return response


@page(f"{ME}/theme", needs=None, methods=("POST",))
async def theme(visit: Visit) -> Response:
    """Light, dark, or as the system has it: in this browser."""
    form = await visit.form()
    response = visit.see_other(inside(form.text("next", most=1000)) or ME)
    chosen = form.text("theme", most=10)
    if chosen in ("light", "dark"):
        cookies.write_choice(response, visit.house, cookies.THEME, chosen)
    else:
        cookies.drop(response, visit.house, cookies.THEME)
    return response


@page(f"{ME}/password", needs=None)
async def show_password(visit: Visit) -> Response:
    """The form for a new password."""
    return visit.render("me/password.html", text=None)


@page(f"{ME}/password", needs=None, methods=("POST",))
async def password(visit: Visit) -> Response:
    """A new password; every other session ends."""
    form = await visit.form()
    old, new = form.secret("old"), form.secret("new")
    try:
        if new != form.secret("again"):
            raise BadInput("me.password_differs")
        if new == old:
            raise BadInput("me.password_same")
        await passwords.prove(visit, old)
        hashed = await passwords.hashed(new)
    except BadInput as refusal:
        return visit.render("me/password.html", 422, text=visit.say(refusal.code, **refusal.facts))
    await visit.desk.run(team_self.change_password, hashed, session_id=visit.session_id)
    return visit.see_other(ME, "me.password_changed")


@page(f"{ME}/sessions/{{session_id:int}}/end", needs=None, methods=("POST",))
async def end_session(visit: Visit) -> Response:
    """End one session; ending the one at hand is signing out."""
    await visit.desk.run(team_self.end_session, visit.key("session_id"))
    return visit.see_other(f"{ME}#sessions", "me.session_ended")


@page(f"{ME}/sessions/end-others", needs=None, methods=("POST",))
async def end_others(visit: Visit) -> Response:
    """End every session but this one."""
    await visit.desk.run(team_self.end_other_sessions, visit.session_id)
    return visit.see_other(f"{ME}#sessions", "me.session_ended")


@page(f"{ME}/tokens", needs=None, methods=("POST",))
async def create_token(visit: Visit) -> Response:
    """A new API token, shown once, so it is not behind a redirect."""
    label = (await visit.form()).text("label", most=80)
    return await _show(visit, token=await visit.desk.run(team_self.create_token, label))


@page(f"{ME}/tokens/{{token_id:int}}/revoke", needs=None, methods=("POST",))
async def revoke_token(visit: Visit) -> Response:
    """A token opens nothing any more."""
    await visit.desk.run(team_self.revoke_token, visit.key("token_id"))
    return visit.see_other(f"{ME}#tokens", "me.token_revoked")


async def _show(visit: Visit, token: str | None = None) -> Response:
    account = await visit.desk.read(team_self.account, visit.session_id)
    return visit.render("me/show.html", account=account, zones=_zones(), token=token)


@cache
def _zones() -> list[str]:
    """Those that a person looks for."""
    odd = ("Etc/", "posix/", "right/", "SystemV/")
    return ["UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(odd))]


PAGES = (
    show, profile, language, theme, show_password, password, end_session, end_others, create_token, revoke_token,
)  # fmt: skip
