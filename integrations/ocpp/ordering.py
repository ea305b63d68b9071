"""What orders of both versions have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from integrations.ocpp.secrets import secret_name
from integrations.ocpp.services import Payload
from integrations.ocpp.station import Station
from models.ports import Order


class CannotSay(ValueError):  # noqa: N818 - an answer
    """An order lacks what its message needs; nothing was sent."""


class OrderForm(NamedTuple):
    """`ask` makes the `ocpp` package's request, `status` finds the charger's word in the answer, `learn` the
    configuration told in it."""

    ask: Callable[[Order, Station], Any]
    status: Callable[[Payload], str | None]
    learn: Callable[[Payload], dict[str, tuple[str | None, bool]]] | None = None


def number(order: Order, name: str, default: int) -> int:
    """A whole number among the order's arguments. Raises CannotSay for anything else."""
    value = order.args.get(name, default)
    try:
        return int(default if value is None else value)
    except (TypeError, ValueError):
        raise CannotSay(f"{name} must be a number") from None


def text(order: Order, name: str) -> str:
    """A text among the order's arguments. Raises CannotSay where it is missing."""
    value = order.args.get(name)
    if not isinstance(value, str) or not value:
        raise CannotSay(f"{name} is missing")
    return value


def flag(order: Order, name: str) -> bool:
    """A yes or no among the order's arguments. Raises CannotSay for anything else: a guess could switch power."""
    value = order.args.get(name, False if name == "hard" else None)
    if not isinstance(value, bool):
        raise CannotSay(f"{name} must be true or false")
    return value


def status_of(payload: Payload) -> str | None:
    """The answer's status word."""
    status = payload.get("status")
    return status if isinstance(status, str) else None


def configuration_read(found: Iterable[tuple[str, Any, bool]]) -> dict[str, tuple[str | None, bool]]:
    """Configuration fit to be kept: key → (value, readonly), values of secret keys left out."""
    return {
        key[:120]: (None if value is None or secret_name(key) else str(value), readonly)
        for key, value, readonly in found
        if key
    }
