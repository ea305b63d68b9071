"""From the `ocpp` package's dataclasses (snake_case) to the wire (camelCase), with every name worked out once."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

_WHOLE = {"evse": "evse", "evse_id": "evseId", "id_tag": "idTag"}


@cache
def camel(name: str) -> str:
    """`charge_point_model` → `chargePointModel`."""
    if name in _WHOLE:
        return _WHOLE[name]
    head, *rest = name.split("_")
    return head + "".join({"soc": "SoC", "url": "URL"}.get(part, part.capitalize()) for part in rest)


@cache
def _plan(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((item.name, camel(item.name)) for item in fields(kind))


def wire(value: Any) -> Any:
    """The payload for a dataclass, list or plain value; what is None is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((wired, getattr(value, name)) for name, wired in _plan(type(value)))
        return {key: wire(item) for key, item in pairs if item is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [wire(item) for item in value]
    if isinstance(value, dict):
        return {camel(key): wire(item) for key, item in value.items() if item is not None}
    return value
