"""How each order is said in 1.6 and what its answer means."""

from __future__ import annotations

from typing import Any

from ocpp.v16 import call
from ocpp.v16.enums import AvailabilityType, MessageTrigger, ResetType

from integrations.ocpp.ordering import CannotSay, OrderForm, configuration_read, flag, number, status_of, text
from integrations.ocpp.services import Payload
from integrations.ocpp.station import Station
from models.charger import OrderKind
from models.ports import Order


def _trigger(order: Order, _: Station) -> Any:
    connector = number(order, "connector", 0)
    return call.TriggerMessage(MessageTrigger.status_notification, connector_id=connector or None)


def _availability(order: Order, _: Station) -> Any:
    kind = AvailabilityType.operative if flag(order, "operative") else AvailabilityType.inoperative
    return call.ChangeAvailability(number(order, "connector", 0), kind)


def _reset(order: Order, _: Station) -> Any:
    return call.Reset(ResetType.hard if flag(order, "hard") else ResetType.soft)


def _unlock(order: Order, _: Station) -> Any:
    return call.UnlockConnector(number(order, "connector", 1))


def _start(order: Order, _: Station) -> Any:
    connector = number(order, "connector", 0)
    return call.RemoteStartTransaction(text(order, "id_tag"), connector_id=connector or None)


def _stop(order: Order, _: Station) -> Any:
    if order.args.get("transaction_id") is None:
        raise CannotSay("transaction_id is missing")
    return call.RemoteStopTransaction(number(order, "transaction_id", 0))


def _get(order: Order, _: Station) -> Any:
    keys = [str(key) for key in order.args.get("keys") or ()]
    return call.GetConfiguration(keys or None)


def _change(order: Order, _: Station) -> Any:
    return call.ChangeConfiguration(text(order, "key"), str(order.args.get("value", "")))


def _clear_cache(_: Order, __: Station) -> Any:
    return call.ClearCache()


def _configuration(payload: Payload) -> dict[str, tuple[str | None, bool]]:
    found = payload.get("configurationKey")
    pairs = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return configuration_read(
        (str(item.get("key", "")), item.get("value"), item.get("readonly") is True) for item in pairs
    )


ORDERS: dict[OrderKind, OrderForm] = {
    OrderKind.TRIGGER_STATUS: OrderForm(_trigger, status_of),
    OrderKind.SET_AVAILABILITY: OrderForm(_availability, status_of),
    OrderKind.RESET: OrderForm(_reset, status_of),
    OrderKind.UNLOCK: OrderForm(_unlock, status_of),
    OrderKind.REMOTE_START: OrderForm(_start, status_of),
    OrderKind.REMOTE_STOP: OrderForm(_stop, status_of),
    OrderKind.GET_CONFIGURATION: OrderForm(_get, lambda _: "Accepted", _configuration),
    OrderKind.CHANGE_CONFIGURATION: OrderForm(_change, status_of),
    OrderKind.CLEAR_CACHE: OrderForm(_clear_cache, status_of),
}
