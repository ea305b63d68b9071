"""Files that go out by a link: a channel that takes no files itself hands on an address which opens one, for a while.

The token names a row of the outbox and a time, signed; there is no listing, and a wrong token is told nothing.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from desk import outbox
from desk.office import Office
from models.access import ASSISTANT
from models.outbox import Parcel
from models.ports import Clock
from models.reply import Extra
from models.signed import read_link, sign_link

LIFE = timedelta(minutes=15)
"""How long a link opens: the time that a provider takes to fetch it, and a person to press it."""
PATH = "/files/"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}
_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg", "audio/mpeg", "application/pdf"})
"""Types that are handed out under their own name; anything else is bytes."""


class Links:
    """Makes links for parcels whose channel needs one."""

    def __init__(self, secret: bytes, public_url: str, clock: Clock) -> None:
        self._secret = secret
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def to_file(self, parcel: Parcel) -> str:
        """The address that opens the file of a parcel from now on, for a quarter of an hour."""
        return f"{self._public_url}{PATH}{sign_link(self._secret, parcel.id, self._clock.now() + LIFE)}"


def routes(office: Office, media_dir: Path) -> list[Route]:
    """GET /files/{token}."""

    async def file(request: Request) -> Response:
        key = read_link(office.house.secret, request.path_params["token"], office.clock.now())
        extra = await office.read(ASSISTANT, outbox.extra_of, key) if key is not None else None
        answer = await asyncio.to_thread(_answer, extra or {}, media_dir)
        return answer or Response("not found", 404, headers=_HEADERS, media_type="text/plain")

    return [Route(PATH + "{token}", file, methods=["GET"])]


def _answer(extra: dict[str, dict[str, str]], media_dir: Path) -> Response | None:
    if document := extra.get(Extra.DOCUMENT):
        return _file(document["text"].encode(), "text/plain; charset=utf-8", document["name"])
    if media := extra.get(Extra.MEDIA):
        path = (media_dir / media["path"]).resolve()
        if not path.is_relative_to(media_dir.resolve()) or not path.is_file():
            return None
        kind = media.get("content_type", "").partition(";")[0].strip().lower()
        content_type = kind if kind in _SHOWN else "application/octet-stream"
        return _file(path.read_bytes(), content_type, media.get("name") or path.name)
    return None


def _file(content: bytes, content_type: str, name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    headers = {**_HEADERS, "Content-Type": content_type, "Content-Disposition": disposition}
    return Response(content, headers=headers)
