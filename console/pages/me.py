"""A member's own account: language, zone, look, password, second step, sessions, API tokens."""

from __future__ import annotations

from starlette.responses import Response

from console import cookies
from console.pages.page import Visit, inside, page
from desk import team_self


@page("/console/me/language", needs=None, methods=("POST",))
async def language(visit: Visit) -> Response:
    """Everything in another language, at once."""
    form = await visit.form()
    chosen = form.text("language", most=10)
    await visit.desk.run(team_self.speak, chosen)
    response = visit.see_other(inside(form.text("next", most=1000)) or "/console/me")
    cookies.write_choice(response, visit.house, cookies.LANGUAGE, chosen)
    return response


@page("/console/me/theme", needs=None, methods=("POST",))
async def theme(visit: Visit) -> Response:
    """Light, dark, or as the system has it: in this browser."""
    form = await visit.form()
    response = visit.see_other(inside(form.text("next", most=1000)) or "/console/me")
    chosen = form.text("theme", most=10)
    if chosen in ("light", "dark"):
        cookies.write_choice(response, visit.house, cookies.THEME, chosen)
    else:
        cookies.drop(response, visit.house, cookies.THEME)
    return response


PAGES = (language, theme)
