"""A member's second step at sign-in: an authenticator app set up, confirmed, turned off; codes for recovery."""

from __future__ import annotations

from starlette.responses import Response

from console import passwords, second_factor
from console.pages.page import Visit, page
from desk import second_factor as factors
from models.errors import Refusal

STEP = "/console/me/second-step"


@page(f"{STEP}/new", needs=None, methods=("POST",))
async def new(visit: Visit) -> Response:
    """A fresh secret, which waits for its first code."""
    sealed = second_factor.seal(visit.house, second_factor.new_secret())
    await visit.desk.run(factors.propose, visit.member["id"], sealed)
    return visit.see_other(STEP)


@page(STEP, needs=None)
async def show(visit: Visit) -> Response:
    """The picture to scan, while the secret waits."""
    secret = await _waiting(visit)
    return visit.see_other("/console/me#second-step") if secret is None else _form(visit, secret)


@page(f"{STEP}/confirm", needs=None, methods=("POST",))
async def confirm(visit: Visit) -> Response:
    """The first code: the step is on, and the recovery codes are shown once."""
    secret = await _waiting(visit)
    if secret is None:
        return visit.see_other("/console/me#second-step")
    step = second_factor.step_of(secret, (await visit.form()).text("code", most=40), visit.now())
    if step is None:
        return _form(visit, secret, 422, Refusal("second_factor.wrong"))
    codes = await visit.desk.run(factors.confirm, visit.member["id"], step)
    return visit.render("me/codes.html", codes=codes)


@page(f"{STEP}/codes", needs=None, methods=("POST",))
async def new_codes(visit: Visit) -> Response:
    """Ten new recovery codes in place of the old ones."""
    await passwords.prove(visit, (await visit.form()).secret("password"))
    codes = await visit.desk.run(factors.new_codes, visit.member["id"])
    return visit.render("me/codes.html", codes=codes)


@page(f"{STEP}/off", needs=None, methods=("POST",))
async def off(visit: Visit) -> Response:
    """The password alone opens the account again."""
    await passwords.prove(visit, (await visit.form()).secret("password"))
    await visit.desk.run(factors.remove, visit.member["id"])
    return visit.see_other("/console/me#second-step", "me.step_is_off")


async def _waiting(visit: Visit) -> str | None:
    factor = await visit.desk.read(factors.get, visit.member["id"])
    return second_factor.unseal(visit.house, factor.sealed) if factor is not None and not factor.confirmed else None


def _form(visit: Visit, secret: str, status: int = 200, refusal: Refusal | None = None) -> Response:
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return visit.render(
        "me/second_step.html", status, picture=second_factor.picture(secret, visit.member["email"]), secret=groups,
        text=visit.say(refusal.code) if refusal is not None else None,
    )  # fmt: skip


PAGES = (new, show, confirm, new_codes, off)
