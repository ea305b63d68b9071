"""Files that people sent, as they may be looked at: never run, never guessed at, only by whom they concern."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import FileResponse, Response

from console.pages.page import Visit, page
from desk import media
from models.errors import NotFound

_SHOWN = ("image/", "audio/", "video/")
"""What a browser shows by itself; all else is saved."""
_SANDBOX = "default-src 'none'; sandbox"


@page("/console/media/{media_id:int}", needs=None)
async def file(visit: Visit) -> Response:
    """A copy from our disk; the verb asks who may see it. Players may ask for a part of it."""
    media_id = visit.key("media_id")
    stored = await visit.desk.read(media.stored_file, media_id)
    path = _inside(Path(visit.house.office.house.media_dir), stored.path)
    if path is None:
        raise NotFound("media.unknown", id=media_id)
    shown = stored.content_type.startswith(_SHOWN)
    return FileResponse(
        path, media_type=stored.content_type, filename=f"{media_id}{path.suffix}",
        content_disposition_type="inline" if shown else "attachment",
        headers={"content-security-policy": _SANDBOX, "cache-control": "private, max-age=3600"},
    )  # fmt: skip


def _inside(folder: Path, name: str) -> Path | None:
    """A file of the media folder, and nothing outside it."""
    whole = (folder / name).resolve()
    return whole if whole.is_relative_to(folder.resolve()) and whole.is_file() else None


PAGES = (file,)
