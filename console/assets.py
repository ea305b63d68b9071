"""Scripts and styles: read once, named by what they hold, so that a browser may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
PREFIX = "/console/static"
_FOR_EVER = "public, max-age=31536000, immutable"
_COMPRESSED = frozenset({".css", ".js", ".svg"})


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    name: str
    body: bytes
    zipped: bytes | None
    digest: str
    media_type: str

    @property
    def url(self) -> str:
        """Its address, which changes when it does."""
        return f"{PREFIX}/{self.digest}/{self.name}"


@cache
def table() -> dict[str, Asset]:
    """Every file under static/ by its name there."""
    return {path.relative_to(STATIC).as_posix(): _read(path) for path in sorted(STATIC.rglob("*")) if path.is_file()}


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    zipped = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSED else None
    kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0] or "text/plain"
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(path.relative_to(STATIC).as_posix(), body, zipped, digest, kind)


def asset(name: str) -> str:
    """The address of a file, for templates. KeyError for one that is not there."""
    return table()[name].url


async def serve(request: Request) -> Response:
    """A file. Another release's digest gets the file as it is now, which must not be kept."""
    found = table().get(request.path_params["name"])
    if found is None:
        return Response("not found", 404, media_type="text/plain")
    named = request.path_params["digest"] == found.digest
    tag = f'"{found.digest}"'
    headers = {"ETag": tag, "Cache-Control": _FOR_EVER if named else "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.media_type, headers=headers)
