"""What a file is by its first bytes: the kinds that are kept, whatever the sender called them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileKind:
    """A kind of file that may be kept."""

    content_type: str
    extension: str


_JPEG = FileKind("image/jpeg", ".jpg")
_MP4 = FileKind("video/mp4", ".mp4")
_AAC = FileKind("audio/aac", ".aac")
_MP3 = FileKind("audio/mpeg", ".mp3")

_STARTS: tuple[tuple[bytes, FileKind], ...] = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", FileKind("image/png", ".png")),
    (b"GIF87a", FileKind("image/gif", ".gif")),
    (b"GIF89a", FileKind("image/gif", ".gif")),
    (b"%PDF-", FileKind("application/pdf", ".pdf")),
    (b"OggS", FileKind("audio/ogg", ".ogg")),
    (b"#!AMR", FileKind("audio/amr", ".amr")),
    (b"ID3", _MP3),
    (b"\xff\xf1", _AAC),
    (b"\xff\xf9", _AAC),
    (b"\xff\xfb", _MP3),
    (b"\xff\xf3", _MP3),
    (b"\xff\xf2", _MP3),
)
_BRANDS: tuple[tuple[bytes, FileKind], ...] = (
    (b"3g", FileKind("video/3gpp", ".3gp")),
    (b"M4A", FileKind("audio/mp4", ".m4a")),
    (b"heic", FileKind("image/heic", ".heic")),
    (b"mif1", FileKind("image/heic", ".heic")),
    (b"qt", FileKind("video/quicktime", ".mov")),
)


def sniff(head: bytes) -> FileKind | None:
    """The kind of a file that begins with `head` (32 bytes or more); None for one that is not kept."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileKind("image/webp", ".webp")
    if head[4:8] == b"ftyp":
        return next((kind for brand, kind in _BRANDS if head[8:].startswith(brand)), _MP4)
    if head.lstrip(b"\xef\xbb\xbf\r\n ").upper().startswith(b"BEGIN:VCARD"):
        return FileKind("text/vcard", ".vcf")
    return None
