"""What a form brought: looked at field by field, each refused with a sentence where it does not fit."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from starlette.datastructures import FormData, UploadFile

from models.base import HIGHEST_KEY
from models.errors import BadInput
from models.filetypes import sniff

E = TypeVar("E", bound=StrEnum)
LONGEST = 8_000
_WHOLE = re.compile(r"-?[0-9]{1,20}")


@dataclass(frozen=True)
class Upload:
    """A file that is of a kind that is taken, whatever its sender called it."""

    name: str
    content_type: str
    extension: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """Fields by name. Text is stripped; empty means not given."""

    data: FormData

    def text(self, name: str, *, most: int = LONGEST, required: bool = False) -> str:
        """A text; empty where there is none, unless it is required."""
        value = self.data.get(name, "")
        text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        if "\x00" in text or len(text) > most:
            raise BadInput("form.too_long", field=name, most=most)
        if required and not text:
            raise BadInput("form.missing", field=name)
        return text

    def secret(self, name: str) -> str:
        """A password as it was typed, not stripped."""
        value = self.data.get(name, "")
        return value[:1000] if isinstance(value, str) else ""

    def texts(self, name: str, *, most: int = 200) -> list[str]:
        """Every value of a field that may come several times."""
        return [value for value in self.data.getlist(name) if isinstance(value, str) and len(value) <= most][:100]

    def choice(self, name: str, kind: type[E]) -> E:
        """One of an enumeration's values."""
        try:
            return kind(self.text(name, most=100))
        except ValueError:
            raise BadInput("form.not_one_of", field=name) from None

    def maybe(self, name: str, kind: type[E]) -> E | None:
        """The same, or None where nothing was chosen."""
        return self.choice(name, kind) if self.text(name, most=100) else None

    def integer(self, name: str, *, least: int = 0, most: int = HIGHEST_KEY) -> int:
        """A whole number."""
        text = self.text(name, most=30)
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise BadInput("form.not_a_number", field=name)
        return int(text)

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.text(name, most=100))

    async def upload(self, name: str, *, types: Collection[str], most: int) -> Upload | None:
        """A file of one of these types by its own first bytes; None where none was chosen."""
        file = self.data.get(name)
        if not isinstance(file, UploadFile) or not file.filename:
            return None
        data = await file.read(most + 1)
        if len(data) > most:
            raise BadInput("form.file_too_large", most_mb=most // 1_000_000)
        kind = sniff(data[:64])
        if kind is None or kind.content_type not in types:
            raise BadInput("form.file_type")
        return Upload(_plain(file.filename), kind.content_type, kind.extension, data)


def _plain(name: str) -> str:
    """A file's name without its folders and without what no file system wants."""
    kept = "".join(sign for sign in name.replace("\\", "/").rsplit("/", 1)[-1] if sign.isalnum() or sign in "._- ")
    return kept[:100] or "file"
