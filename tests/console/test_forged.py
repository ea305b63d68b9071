"""Requests that no page of ours made: other sites', other sessions', none's; and answers that a browser must guard."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx
import pytest

from console import assets
from console.table import PAGES
from models.access import Role
from tests.console.front import PASSWORD, Front, Window, email

PATH = "/console/me/sessions/end-others"


async def _post(window: Window, token: str | None, **headers: str) -> int:
    data = {"csrf": token} if token is not None else {}
    return (await window.http.post(PATH, data=data, headers=headers)).status_code


async def test_a_form_without_its_sessions_token_does_nothing(console: Front) -> None:
    window, other = await console.signed_in(Role.ADMIN), await console.signed_in(Role.ADMIN)
    token = await window.token()
    for forged in (None, "", "0" * 64, token[:-1], token + "0", await other.token(), "é"):
        assert await _post(window, forged) == 403, forged
    assert (await other.get("/console/me")).status_code == 200
    assert await _post(window, token) == 303
    assert (await other.get("/console/me")).status_code == 303


async def test_htmx_brings_the_token_as_a_header(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    answer = await window.http.post(PATH, headers={"x-csrf-token": await window.token(), "hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/console/me#sessions")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"},
        {"origin": "null"}, {"origin": "http://127.0.0.1"}, {"sec-fetch-site": "none"},
    ],
)  # fmt: skip
async def test_another_sites_form_does_nothing_even_with_the_token(console: Front, headers: dict[str, str]) -> None:
    window = await console.signed_in(Role.ADMIN)
    assert await _post(window, await window.token(), **headers) == 403
    assert "console.refused" in await console.audited()


@pytest.mark.parametrize("ref", ["TKT-000001%0d%0aSet-Cookie:%20a=b", "TKT-000001%0d%0a", "%EF%BC%91", "1%20"])
@pytest.mark.parametrize("part", [True, False])
async def test_no_address_writes_a_header(console: Front, ref: str, part: bool) -> None:
    window = await console.signed_in(Role.ADMIN)
    headers = {"hx-request": "true"} if part else {}
    data = {"csrf": await window.token(), "note": "called"}
    answer = await window.http.post(f"/console/tickets/{ref}/note", data=data, headers=headers)
    assert answer.status_code in (200, 303, 404)
    assert "set-cookie" not in answer.headers or "a=b" not in answer.headers["set-cookie"]
    address = answer.headers.get("hx-redirect", "") + answer.headers.get("location", "")
    assert address.isascii()
    assert not re.search(r"\s", address)


async def test_our_own_page_may(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    assert await _post(window, await window.token(), origin=console.url, **{"sec-fetch-site": "same-origin"}) == 303


async def test_nobody_is_signed_in_by_another_sites_form(console: Front) -> None:
    window = console.window()
    form = {"email": email(Role.ADMIN), "password": PASSWORD}
    assert (await window.http.post("/console/sign-in", data=form)).status_code == 403
    other = console.window()
    token = await other.token("/console/sign-in")
    assert (await window.http.post("/console/sign-in", data={**form, "csrf": token})).status_code == 403


async def test_every_page_that_changes_something_is_guarded(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    posts = {page.path for page in PAGES if "POST" in page.methods and page.open_handler is None}
    assert posts
    for path in sorted(posts):
        concrete = re.sub(r"{[^}]*}", "1", path)
        answer = await window.http.post(concrete, data={"csrf": "0" * 64})
        assert answer.status_code in (403, 404), f"{path}: {answer.status_code}"
    assert {page.path for page in PAGES if set(page.methods) & {"PUT", "PATCH", "DELETE"}} == set()


async def test_no_get_changes_who_is_signed_in(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    assert (await window.get("/console/sign-out")).status_code in (404, 405)
    assert (await window.get("/console/me")).status_code == 200


async def test_a_body_that_is_too_large_is_not_read(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    answer = await window.http.post(PATH, data={"csrf": await window.token(), "x": "x" * 1_100_000})
    assert answer.status_code == 413
    assert "too large" in answer.text


async def test_what_is_no_form_is_refused(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    for content, kind in (
        (b"{}", "application/json"),
        (b"--x", "multipart/form-data; boundary=y"),
        (b"a=%ff", "text/plain"),
    ):
        answer = await window.http.post(PATH, content=content, headers={"content-type": kind})
        assert answer.status_code in (400, 403), kind


def _guarded(answer: httpx.Response) -> None:
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers, "this house is not reached by TLS"


async def test_every_answer_carries_its_guards(console: Front) -> None:
    window = console.window()
    answers = [await window.get(path) for path in ("/console/sign-in", "/console/me", "/console/x", "/console/events")]
    await window.sign_in(Role.CPO)
    answers += [await window.get(path) for path in ("/console/me", "/console/team", "/console/nothing", "/console")]
    answers.append(await window.http.post(PATH, data={}))
    assert [answer.status_code for answer in answers] == [200, 303, 303, 401, 200, 403, 404, 308, 403]
    for answer in answers:
        _guarded(answer)
        assert answer.headers["cache-control"] == "no-store"


async def test_no_policy_allows_what_stands_in_the_page_itself(console: Front) -> None:
    answer = await console.window().get("/")
    policy = answer.headers["content-security-policy"]
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    for path in ("/", "/console/sign-in", "/console/nothing"):
        assert "unsafe" not in (await console.window().get(path)).headers.get("content-security-policy", ""), path


async def test_no_page_holds_a_script_or_a_style_of_its_own(console: Front) -> None:
    window = await console.signed_in(Role.ADMIN)
    for path in sorted({page.path for page in PAGES if "GET" in page.methods and "{" not in page.path}):
        answer = await window.get(path)
        if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
            continue
        assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>\s*\S", answer.text), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.text), path
        hosts = set(re.findall(r'(?:src|href|action)="(?:https?:)?//([^/"]+)', answer.text))
        assert hosts <= {"wa.me", "t.me"}, path


async def test_files_are_kept_for_ever_under_a_name_that_changes_with_them(console: Front) -> None:
    window = console.window()
    address = assets.asset("console.css")
    answer = await window.get(address)
    _guarded(answer)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/css")
    again = await window.get(address, **{"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await window.get("/console/static/000000000000/console.css")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    for outside in ("/console/static/x/../app.py", "/console/static/x/%2e%2e/app.py", "/console/static/x/none.css"):
        assert (await window.get(outside)).status_code in (303, 404), outside


def test_a_page_costs_little() -> None:
    def size(*names: str) -> int:
        return sum(len(assets.table()[name].zipped or b"") for name in names)

    frame = size("console.css", "console.js", "vendor/htmx/htmx.min.js")
    assert size("console.css") <= 20_000
    most = max(size("vendor/uplot/uPlot.iife.min.js", "vendor/uplot/uPlot.min.css"),
               size("vendor/leaflet/leaflet.js", "vendor/leaflet/leaflet.css"))  # fmt: skip
    own = sum(
        size(name) for name in assets.table() if name.endswith(".js") and "/" not in name and name != "console.js"
    )
    assert frame + most + own <= 100_000


def test_what_others_wrote_is_there_with_its_licence() -> None:
    for folder in {name.rsplit("/", 1)[0] for name in assets.table() if name.startswith("vendor/")}:
        assert f"{folder}/LICENSE" in assets.table(), folder
