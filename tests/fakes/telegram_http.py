"""Parameters of a Bot API call as they come over the wire: a query, a form, JSON, or a form with files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.twilio_http import Reply, Request


class Bad(Exception):  # noqa: N818
    """What Telegram answers to a call that it does not carry out. `ours`: it should never have been asked."""

    def __init__(self, status: int, description: str, *, ours: bool = False, **parameters: Any) -> None:
        super().__init__(description)
        self.status, self.description, self.ours, self.parameters = status, description, ours, parameters


def wrong(description: str) -> Bad:
    """400 for what no correct client asks."""
    return Bad(400, f"Bad Request: {description}", ours=True)


@dataclass(frozen=True)
class Upload:
    """A file in a form."""

    name: str
    content_type: str
    content: bytes


def parameters(request: Request) -> tuple[dict[str, str], dict[str, Upload]]:
    """Fields as text and files by name; raises Bad for a body that cannot be read."""
    fields = dict(parse_qsl(request.query, keep_blank_values=True))
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    match kind.strip().lower():
        case "" if not request.body:
            return fields, {}
        case "application/x-www-form-urlencoded":
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
            if len(dict(pairs)) != len(pairs):
                raise wrong("a parameter is given twice")
            return fields | dict(pairs), {}
        case "application/json":
            given = json.loads(request.body)
            return fields | {k: v if isinstance(v, str) else json.dumps(v) for k, v in given.items()}, {}
        case "multipart/form-data":
            more, files = _multipart(request.body, rest.partition("boundary=")[2].strip('"'))
            return fields | more, files
    raise wrong(f"unsupported content type {kind}")


def _multipart(body: bytes, boundary: str) -> tuple[dict[str, str], dict[str, Upload]]:
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        text = head.decode()
        name = re.search(r'[; ]name="?([^";\r\n]*)"?', text)
        file = re.search(r'filename="?([^";\r\n]*)"?', text)
        kind = re.search(r"(?i)content-type: *([^\r\n;]+)", text)
        assert name is not None, text
        if file is None:
            fields[name[1]] = content.decode()
        else:
            files[name[1]] = Upload(file[1], kind[1] if kind else "application/octet-stream", content)
    return fields, files


def ok(result: Any) -> Reply:
    """The call was carried out."""
    return Reply(200, json.dumps({"ok": True, "result": result}).encode())


def refusal(bad: Bad) -> Reply:
    """It was not."""
    body: dict[str, Any] = {"ok": False, "error_code": bad.status, "description": bad.description}
    if bad.parameters:
        body["parameters"] = bad.parameters
    return Reply(bad.status, json.dumps(body).encode())
