"""What real chargers get wrong, put right where the meaning is plain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.exceptions import OccurenceConstraintViolationError, TypeConstraintViolationError

from integrations.ocpp.schemas import Schema

OLDEST = datetime(2015, 1, 1, tzinfo=UTC)
MAX_INT32 = 2**31 - 1
MAX_REGISTER_WH = 10**15
"""Beyond any meter's life; a register above it is no reading."""
SPELLINGS = {"Celcius": "Celsius", "Error": "OtherError"}


def mend(schema: Schema, payload: dict[str, Any]) -> dict[str, Any]:
    """A copy of the payload with plain slips put right: numbers as text and text as numbers, one thing where a
    list is due, wrong letter case, empty lists, fields the schema does not know."""
    mended = _mend(schema.definition, schema.definition, payload)
    return mended if isinstance(mended, dict) else payload


def _mend(rule: dict[str, Any], root: dict[str, Any], value: Any) -> Any:
    rule = _resolve(rule, root)
    kind = rule.get("type")
    if kind == "object" and isinstance(value, dict):
        return _object(rule, root, value)
    if kind == "array":
        items = value if isinstance(value, list) else [value]
        return [_mend(rule.get("items", {}), root, item) for item in items if item is not None]
    if kind == "string":
        return _text(rule, value)
    if kind in ("integer", "number") and isinstance(value, str):
        return _number(value, whole=kind == "integer")
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "boolean" and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    return value


def _object(rule: dict[str, Any], root: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = rule.get("properties", {})
    by_case = {name.lower(): name for name in known}
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = key if key in known else by_case.get(key.lower())
        if name is None or item is None or (item == [] and name not in rule.get("required", ())):
            continue
        out[name] = _mend(known[name], root, item)
    return out


def _text(rule: dict[str, Any], value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = str(value)
    choices = rule.get("enum")
    if not choices or text in choices:
        return text
    folded = {str(choice).lower(): choice for choice in choices}
    return folded.get(text.strip().lower()) or SPELLINGS.get(text) or text


def _number(text: str, *, whole: bool) -> Any:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return text
    return int(number) if whole and abs(number) < 2**63 and number.is_integer() else number


def _resolve(rule: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    name = rule.get("$ref")
    if not isinstance(name, str):
        return rule
    found = root.get("definitions", {}).get(name.rsplit("/", 1)[-1], {})
    return found if isinstance(found, dict) else {}


def text_of(payload: dict[str, Any], key: str, limit: int = 200) -> str | None:
    """A text, cut at `limit`; None where there is none or it is empty."""
    value = payload.get(key)
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").strip()[:limit] or None


def needed_text(payload: dict[str, Any], key: str) -> str:
    """A text without which the message means nothing. Raises an OCPP error where it is missing."""
    value = text_of(payload, key)
    if value is None:
        raise OccurenceConstraintViolationError(f"{key} is missing")
    return value


def whole_of(payload: dict[str, Any], key: str) -> int | None:
    """A whole number of 32 bits; None where there is none."""
    value = payload.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) <= MAX_INT32 else None


def register_of(payload: dict[str, Any], key: str) -> int | None:
    """A meter register in Wh; None where there is no sane one."""
    value = payload.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) <= MAX_REGISTER_WH else None


def needed_whole(payload: dict[str, Any], key: str, low: int, high: int) -> int:
    """A whole number between `low` and `high`. Raises an OCPP error otherwise."""
    if payload.get(key) is None:
        raise OccurenceConstraintViolationError(f"{key} is missing")
    value = whole_of(payload, key)
    if value is None or not low <= value <= high:
        raise TypeConstraintViolationError(f"{key} must be a number from {low} to {high}")
    return value


def part_of(payload: dict[str, Any], key: str) -> dict[str, Any]:
    """A nested object; empty where there is none."""
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def parts_of(payload: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of nested objects; what is not an object is left out."""
    value = payload.get(key)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def instant_of(payload: dict[str, Any], key: str, received: datetime) -> datetime | None:
    """A charger's stamp in UTC; None where it is missing, impossible, or from a clock that was never set."""
    value = payload.get(key)
    if not isinstance(value, str):
        return None
    try:
        stamp = datetime.fromisoformat(value.strip())
        stamp = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return stamp if OLDEST <= stamp <= received + timedelta(days=1) else None


def stamp(at: datetime) -> str:
    """An instant as every charger can read it: whole seconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
