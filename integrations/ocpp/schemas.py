"""The OCA JSON schemas that the `ocpp` package carries, each compiled once; by version, action, direction."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import jsonschema_rs
import orjson

Version = Literal["1.6", "2.0.1"]
Direction = Literal["request", "answer"]

_FOLDER = {"1.6": "ocpp.v16", "2.0.1": "ocpp.v201"}
_SUFFIX = {
    ("1.6", "request"): "",
    ("1.6", "answer"): "Response",
    ("2.0.1", "request"): "Request",
    ("2.0.1", "answer"): "Response",
}


class Schema:
    """One message's schema. `definition` is the document, for mending; `valid` is the compiled check."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.definition = definition
        self._validator = jsonschema_rs.validator_for(definition)

    def valid(self, payload: Any) -> bool:
        """Whether the payload keeps every rule of the schema."""
        return self._validator.is_valid(payload)

    def faults(self, payload: Any) -> list[str]:
        """What is wrong with the payload, in the validator's words."""
        return [error.message for error in self._validator.iter_errors(payload)]


@cache
def schema(version: Version, action: str, direction: Direction) -> Schema | None:
    """The schema of a message; None where that version has no such message."""
    if not action.isalnum() or not action.isascii():
        return None
    name = f"{action}{_SUFFIX[version, direction]}.json"
    source = files(_FOLDER[version]).joinpath("schemas", name)
    try:
        text = source.read_text("utf-8-sig")
    except OSError:
        return None
    return Schema(orjson.loads(text))
