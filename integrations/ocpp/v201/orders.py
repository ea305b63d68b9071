"""How each order is said in 2.0.1 and what its answer means."""

from __future__ import annotations

from typing import Any

from ocpp.v201 import call
from ocpp.v201.datatypes import (
    ComponentType,
    EVSEType,
    GetVariableDataType,
    IdTokenType,
    SetVariableDataType,
    VariableType,
)
from ocpp.v201.enums import (
    IdTokenEnumType,
    MessageTriggerEnumType,
    OperationalStatusEnumType,
    ReportBaseEnumType,
    ResetEnumType,
)

from integrations.ocpp.ordering import CannotSay, OrderForm, configuration_read, flag, number, status_of, text
from integrations.ocpp.services import Payload
from integrations.ocpp.station import Station
from integrations.ocpp.tolerance import parts_of
from integrations.ocpp.v201.device_model import key_of
from models.charger import OrderKind
from models.ports import Order


def _evse(order: Order, station: Station) -> Any:
    connector = number(order, "connector", 0)
    if connector <= 0:
        return None
    evse, inner = station.outlets.pair(connector)
    return EVSEType(id=evse, connector_id=inner)


def _trigger(order: Order, station: Station) -> Any:
    wanted = _evse(order, station) or EVSEType(*station.outlets.pair(1))
    return call.TriggerMessage(MessageTriggerEnumType.status_notification, evse=wanted)


def _availability(order: Order, station: Station) -> Any:
    kind = OperationalStatusEnumType.operative if flag(order, "operative") else OperationalStatusEnumType.inoperative
    return call.ChangeAvailability(kind, evse=_evse(order, station))


def _reset(order: Order, _: Station) -> Any:
    return call.Reset(ResetEnumType.immediate if flag(order, "hard") else ResetEnumType.on_idle)


def _unlock(order: Order, station: Station) -> Any:
    return call.UnlockConnector(*station.outlets.pair(number(order, "connector", 1)))


def _start(order: Order, station: Station) -> Any:
    connector = number(order, "connector", 0)
    evse = station.outlets.pair(connector)[0] if connector > 0 else None
    station.request_ids += 1
    token = IdTokenType(id_token=text(order, "id_tag"), type=IdTokenEnumType.central)
    return call.RequestStartTransaction(token, remote_start_id=station.request_ids, evse_id=evse)


def _stop(order: Order, station: Station) -> Any:
    remote_id = order.args.get("remote_id")
    if not remote_id and order.args.get("transaction_id") is not None:
        session = station.sessions.get(number(order, "transaction_id", 0))
        remote_id = session.remote_id if session is not None else None
    if not remote_id:
        raise CannotSay("the charger's own name of this transaction is not known; give remote_id")
    return call.RequestStopTransaction(str(remote_id))


def _parts(key: str) -> tuple[Any, Any]:
    component, dot, variable = key.partition(".")
    if not dot or not component or not variable:
        raise CannotSay(f"{key[:60]} is not of the form Component.Variable")
    return ComponentType(name=component), VariableType(name=variable)


def _get(order: Order, station: Station) -> Any:
    keys = order.args.get("keys") or ()
    if not keys:
        station.request_ids += 1
        return call.GetBaseReport(station.request_ids, ReportBaseEnumType.full_inventory)
    return call.GetVariables([GetVariableDataType(*_parts(str(key))) for key in keys])


def _change(order: Order, _: Station) -> Any:
    component, variable = _parts(text(order, "key"))
    value = str(order.args.get("value", ""))
    return call.SetVariables([SetVariableDataType(attribute_value=value, component=component, variable=variable)])


def _clear_cache(_: Order, __: Station) -> Any:
    return call.ClearCache()


def _set_status(payload: Payload) -> str | None:
    return next((str(item["attributeStatus"]) for item in _results(payload, "setVariableResult")), None)


def _get_status(payload: Payload) -> str | None:
    """Accepted where at least one variable was given; the status itself for a base report."""
    found = [str(item["attributeStatus"]) for item in _results(payload, "getVariableResult")]
    if not found:
        return status_of(payload)
    return "Accepted" if "Accepted" in found else found[0]


def _results(payload: Payload, key: str) -> list[dict[str, Any]]:
    return [item for item in parts_of(payload, key) if isinstance(item.get("attributeStatus"), str)]


def _variables(payload: Payload) -> dict[str, tuple[str | None, bool]]:
    return configuration_read(
        (key_of(item), item.get("attributeValue"), False)
        for item in _results(payload, "getVariableResult")
        if item["attributeStatus"] == "Accepted"
    )


ORDERS: dict[OrderKind, OrderForm] = {
    OrderKind.TRIGGER_STATUS: OrderForm(_trigger, status_of),
    OrderKind.SET_AVAILABILITY: OrderForm(_availability, status_of),
    OrderKind.RESET: OrderForm(_reset, status_of),
    OrderKind.UNLOCK: OrderForm(_unlock, status_of),
    OrderKind.REMOTE_START: OrderForm(_start, status_of),
    OrderKind.REMOTE_STOP: OrderForm(_stop, status_of),
    OrderKind.GET_CONFIGURATION: OrderForm(_get, _get_status, _variables),
    OrderKind.CHANGE_CONFIGURATION: OrderForm(_change, _set_status),
    OrderKind.CLEAR_CACHE: OrderForm(_clear_cache, status_of),
}
