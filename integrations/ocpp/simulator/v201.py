"""OCPP 2.0.1 as a charger speaks it. Every connector has an EVSE of its own."""

from __future__ import annotations

from typing import Any

from integrations.ocpp.simulator.dialect import Message
from integrations.ocpp.simulator.outlet import LiveSession, Outlet
from integrations.ocpp.simulator.scenarios import Ailment
from integrations.ocpp.simulator.station import VirtualStation
from integrations.ocpp.simulator.wire import Obedience, Payload
from integrations.ocpp.tolerance import stamp
from models.charger import ChargerState

VARIABLES: dict[str, tuple[str, bool]] = {
    "AuthCtrlr.AuthorizeRemoteStart": ("false", False),
    "OCPPCommCtrlr.HeartbeatInterval": ("300", False),
    "OCPPCommCtrlr.WebSocketPingInterval": ("30", False),
    "SampledDataCtrlr.TxUpdatedInterval": ("60", False),
    "SecurityCtrlr.BasicAuthPassword": ("", False),
    "TxCtrlr.EVConnectionTimeOut": ("60", False),
}
AFTER_REBOOT = frozenset({"OCPPCommCtrlr.WebSocketPingInterval"})
"""Taken at once, in force after the next start."""
SAME_WORD = {ChargerState.AVAILABLE, ChargerState.FAULTED, ChargerState.RESERVED, ChargerState.UNAVAILABLE}
REASONS = {"HardReset": "ImmediateReset", "UnlockCommand": "Other", "SoftReset": "Reboot"}
_VERDICT = {True: "Accepted", False: "Rejected"}


class Dialect201:
    """Fits Dialect."""

    subprotocol = "ocpp2.0.1"

    def __init__(self) -> None:
        self._event_id = 0
        self._told: dict[int, object] = {}

    def boot(self, station: VirtualStation, reason: str) -> Message:
        """BootNotification."""
        charging_station = {
            "vendorName": "Chargehand",
            "model": "Virtual",
            "serialNumber": f"V-{station.charger_id}"[:25],
            "firmwareVersion": "2.0.0",
        }
        return Message("BootNotification", lambda: {"reason": reason, "chargingStation": charging_station})

    def heartbeat(self) -> Message:
        """Heartbeat."""
        return Message("Heartbeat", dict)

    def status(self, station: VirtualStation, outlet: Outlet, *, again: bool) -> list[Message]:
        """StatusNotification, and NotifyEvent where a problem began or ended."""
        state, now = outlet.state, stamp(station.clock.now())
        payload = {
            "timestamp": now,
            "connectorStatus": state.value if state in SAME_WORD else "Occupied",
            "evseId": outlet.number,
            "connectorId": 1,
        }
        word = payload["connectorStatus"]
        known, self._told[outlet.number] = self._told.get(outlet.number), word
        messages = [Message("StatusNotification", lambda: payload)] if again or word != known else []
        before, outlet.told_problem = outlet.told_problem, outlet.fault
        if outlet.fault is not None:
            messages.insert(0, self._event(outlet.number, outlet.fault, now, cleared=False))
        elif before is not None:
            messages.append(self._event(outlet.number, before, now, cleared=True))
        return messages

    def _event(self, evse: int, ailment: Ailment, now: str, *, cleared: bool) -> Message:
        self._event_id += 1
        event: Payload = {
            "eventId": self._event_id,
            "timestamp": now,
            "trigger": "Delta",
            "actualValue": "false" if cleared else "true",
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "EVSE", "evse": {"id": evse}},
            "variable": {"name": "Problem"},
            "techCode": ailment.error_code,
            "cleared": cleared,
        }
        if ailment.info:
            event["techInfo"] = ailment.info
        payload = {"generatedAt": now, "seqNo": 0, "eventData": [event]}
        return Message("NotifyEvent", lambda: payload)

    def authorize(self, tag: str) -> Message:
        """Authorize."""
        return Message("Authorize", lambda: {"idToken": {"idToken": tag, "type": "ISO14443"}})

    def accepts(self, answer: Payload) -> bool:
        """The status in idTokenInfo; no verdict is no objection."""
        return bool(answer.get("idTokenInfo", {}).get("status", "Accepted") == "Accepted")

    def started(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> list[Message]:
        """TransactionEvent Started, then Updated when energy flows."""

        def told(answer: Payload) -> None:
            if not self.accepts(answer) and outlet.session is session:
                station.stop_session(outlet.number, "DeAuthorized")

        trigger = "Authorized" if session.remote_start_id is None else "RemoteStart"
        info: Payload = {"chargingState": "EVConnected"}
        if session.remote_start_id is not None:
            info["remoteStartId"] = session.remote_start_id
        begin = self._transaction(station, outlet, session, kind="Started", trigger=trigger, info=info)
        begin["idToken"] = {"idToken": session.tag, "type": "ISO14443" if trigger == "Authorized" else "Central"}
        begin["meterValue"] = [_meter(station, outlet, session, "Transaction.Begin")]
        flow = self._transaction(
            station, outlet, session, kind="Updated", trigger="ChargingStateChanged", info={"chargingState": "Charging"}
        )
        return [
            Message("TransactionEvent", lambda: begin, told, keep=True),
            Message("TransactionEvent", lambda: flow, keep=True),
        ]

    def metered(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> Message:
        """TransactionEvent Updated with a reading."""
        payload = self._transaction(station, outlet, session, kind="Updated", trigger="MeterValuePeriodic", info={})
        payload["meterValue"] = [_meter(station, outlet, session, "Sample.Periodic")]
        return Message("TransactionEvent", lambda: payload, keep=True)

    def changed(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> list[Message]:
        """TransactionEvent Updated with the charging state."""
        info = {"chargingState": "SuspendedEV" if session.suspended else "Charging"}
        payload = self._transaction(station, outlet, session, kind="Updated", trigger="ChargingStateChanged", info=info)
        return [Message("TransactionEvent", lambda: payload, keep=True)]

    def stopped(self, station: VirtualStation, outlet: Outlet, session: LiveSession, reason: str) -> list[Message]:
        """TransactionEvent Ended."""
        trigger = {"Remote": "RemoteStop", "DeAuthorized": "Deauthorized", "EVDisconnected": "EVDeparted"}
        info = {"stoppedReason": REASONS.get(reason, reason)}
        payload = self._transaction(
            station, outlet, session, kind="Ended", trigger=trigger.get(reason, "StopAuthorized"), info=info
        )
        payload["meterValue"] = [_meter(station, outlet, session, "Transaction.End")]
        return [Message("TransactionEvent", lambda: payload, keep=True)]

    def _transaction(
        self, station: VirtualStation, outlet: Outlet, session: LiveSession, *, kind: str, trigger: str, info: Payload
    ) -> Payload:
        return {
            "eventType": kind,
            "timestamp": stamp(station.clock.now()),
            "triggerReason": trigger,
            "seqNo": session.next_seq(),
            "transactionInfo": {"transactionId": session.name, **info},
            "evse": {"id": outlet.number, "connectorId": 1},
        }

    def obey(self, station: VirtualStation, action: str, payload: Payload) -> Obedience:
        """An order of the central system."""
        evse = payload.get("evse", {}).get("id")
        match action:
            case "Reset":
                return _reset(station, payload)
            case "ChangeAvailability":
                operative = payload["operationalStatus"] == "Operative"
                return _status(station.obey_availability(evse or 0, operative=operative))
            case "UnlockConnector":
                return _unlock(station, payload)
            case "RequestStartTransaction":
                tag, start_id = payload["idToken"]["idToken"], payload["remoteStartId"]
                return _status(_VERDICT[station.obey_start(payload.get("evseId"), tag, start_id)])
            case "RequestStopTransaction":
                wanted = payload["transactionId"]
                return _status(_VERDICT[station.obey_stop(lambda session: session.name == wanted)])
            case "TriggerMessage":
                return _trigger(self, station, payload, evse)
            case "GetVariables":
                return Obedience({"getVariableResult": [_get(station, item) for item in payload["getVariableData"]]})
            case "SetVariables":
                return Obedience({"setVariableResult": [_set(station, item) for item in payload["setVariableData"]]})
            case "GetBaseReport":
                return Obedience({"status": "Accepted"}, lambda: station.post(_inventory(station, payload)))
            case "ClearCache":
                return _status("Accepted")
            case "DataTransfer":
                return _status("UnknownVendorId")
        return Obedience(error="NotImplemented")


def _meter(station: VirtualStation, outlet: Outlet, session: LiveSession, context: str) -> Payload:
    def sample(measurand: str, unit: str, value: float) -> Payload:
        return {
            "measurand": measurand,
            "value": round(value, 1),
            "context": context,
            "unitOfMeasure": {"unit": unit},
        }

    return {
        "timestamp": stamp(station.clock.now()),
        "sampledValue": [
            sample("Energy.Active.Import.Register", "Wh", outlet.register_wh),
            sample("Power.Active.Import", "W", outlet.power_w),
            sample("SoC", "Percent", session.soc_percent),
        ],
    }


def _status(status: str) -> Obedience:
    return Obedience({"status": status})


def _reset(station: VirtualStation, payload: Payload) -> Obedience:
    hard, evse = payload["type"] == "Immediate", payload.get("evseId")
    if evse is not None:

        def restart_evse() -> None:
            if station.scenario.obeys_reset:
                station.cure("hard" if hard else "soft", only=evse)
                station.report(evse)

        return Obedience({"status": "Accepted"}, restart_evse)
    if not hard and station.in_session:
        station.reset_when_idle = station.scenario.obeys_reset
        return _status("Scheduled")
    return Obedience({"status": "Accepted"}, lambda: station.obey_reset(hard=hard))


def _unlock(station: VirtualStation, payload: Payload) -> Obedience:
    number = payload["evseId"]
    if not 1 <= number <= len(station.outlets) or payload["connectorId"] != 1:
        return _status("UnknownConnector")
    if station.outlet(number).session is not None:
        return _status("OngoingAuthorizedTransaction")
    return _status("Unlocked" if station.obey_unlock(number) else "UnlockFailed")


def _trigger(dialect: Dialect201, station: VirtualStation, payload: Payload, evse: int | None) -> Obedience:
    if evse is not None and not 1 <= evse <= len(station.outlets):
        return _status("Rejected")
    replies: dict[str, Any] = {
        "StatusNotification": lambda: station.report(evse),
        "Heartbeat": lambda: station.post(dialect.heartbeat()),
        "BootNotification": lambda: station.post(dialect.boot(station, "Triggered")),
    }
    reply = replies.get(payload["requestedMessage"])
    return Obedience({"status": "Accepted"}, reply) if reply is not None else _status("NotImplemented")


def _key(item: Payload) -> str:
    return f"{item['component']['name']}.{item['variable']['name']}"


def _get(station: VirtualStation, item: Payload) -> Payload:
    key = _key(item)
    result = {"component": item["component"], "variable": item["variable"]}
    if key not in station.variables:
        return {**result, "attributeStatus": "UnknownVariable"}
    if key.endswith("Password"):
        return {**result, "attributeStatus": "Rejected"}  # write only
    return {**result, "attributeStatus": "Accepted", "attributeValue": station.variables[key][0]}


def _set(station: VirtualStation, item: Payload) -> Payload:
    key, value = _key(item), item["attributeValue"]
    status = "Accepted"
    if key not in station.variables:
        status = "UnknownVariable"
    elif station.variables[key][1] or (key.endswith("Interval") and not value.isdigit()):
        status = "Rejected"
    else:
        station.variables[key] = value, False
        status = "RebootRequired" if key in AFTER_REBOOT else "Accepted"
        if key == "OCPPCommCtrlr.HeartbeatInterval":
            station.habits.heartbeat_s = float(value)
        elif key == "SampledDataCtrlr.TxUpdatedInterval" and int(value) > 0:
            station.habits.sample_s = float(value)
    return {"component": item["component"], "variable": item["variable"], "attributeStatus": status}


def _inventory(station: VirtualStation, payload: Payload) -> Message:
    data = []
    for key, (value, readonly) in sorted(station.variables.items()):
        component, _, variable = key.partition(".")
        attribute = {"mutability": "ReadOnly" if readonly else "ReadWrite"}
        if not key.endswith("Password"):
            attribute["value"] = value
        data.append(
            {"component": {"name": component}, "variable": {"name": variable}, "variableAttribute": [attribute]}
        )
    report = {
        "requestId": payload["requestId"],
        "generatedAt": stamp(station.clock.now()),
        "seqNo": 0,
        "reportData": data,
    }
    return Message("NotifyReport", lambda: report)
