"""OCPP 1.6 as a charger speaks it."""

from __future__ import annotations

from typing import Any

from integrations.ocpp.simulator.dialect import Message
from integrations.ocpp.simulator.outlet import LiveSession, Outlet
from integrations.ocpp.simulator.station import VirtualStation
from integrations.ocpp.simulator.wire import Obedience, Payload
from integrations.ocpp.tolerance import stamp

VARIABLES: dict[str, tuple[str, bool]] = {
    "AuthorizationKey": ("", False),
    "AuthorizeRemoteTxRequests": ("false", False),
    "ClockAlignedDataInterval": ("0", False),
    "ConnectionTimeOut": ("60", False),
    "HeartbeatInterval": ("300", False),
    "LocalPreAuthorize": ("false", False),
    "MeterValueSampleInterval": ("60", False),
    "NumberOfConnectors": ("1", True),
    "SupportedFeatureProfiles": ("Core,RemoteTrigger", True),
    "WebSocketPingInterval": ("30", False),
}
AFTER_REBOOT = frozenset({"WebSocketPingInterval"})
"""Taken at once, in force after the next start."""
_VERDICT = {True: "Accepted", False: "Rejected"}


class Dialect16:
    """Fits Dialect."""

    subprotocol = "ocpp1.6"

    def boot(self, station: VirtualStation, reason: str) -> Message:
        """BootNotification."""
        payload = {
            "chargePointVendor": "Chargehand",
            "chargePointModel": "Virtual",
            "chargePointSerialNumber": f"V-{station.charger_id}"[:25],
            "firmwareVersion": "1.0.0",
        }
        return Message("BootNotification", lambda: payload)

    def heartbeat(self) -> Message:
        """Heartbeat."""
        return Message("Heartbeat", dict)

    def status(self, station: VirtualStation, outlet: Outlet, *, again: bool) -> list[Message]:
        """StatusNotification with the state of this moment."""
        payload: Payload = {
            "connectorId": outlet.number,
            "status": outlet.state.value,
            "errorCode": outlet.fault.error_code if outlet.fault is not None else "NoError",
            "timestamp": stamp(station.clock.now()),
        }
        if outlet.fault is not None and outlet.fault.info:
            payload["info"] = outlet.fault.info
        if outlet.fault is not None and outlet.fault.vendor_error:
            payload["vendorErrorCode"] = outlet.fault.vendor_error
        return [Message("StatusNotification", lambda: payload)]

    def authorize(self, tag: str) -> Message:
        """Authorize."""
        return Message("Authorize", lambda: {"idTag": tag})

    def accepts(self, answer: Payload) -> bool:
        """The status in idTagInfo."""
        return bool(answer.get("idTagInfo", {}).get("status") == "Accepted")

    def started(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> list[Message]:
        """StartTransaction; its answer brings the number, or ends the session."""

        def told(answer: Payload) -> None:
            session.number = answer.get("transactionId")
            if not self.accepts(answer) and outlet.session is session:
                station.stop_session(outlet.number, "DeAuthorized")

        payload = {
            "connectorId": outlet.number,
            "idTag": session.tag,
            "meterStart": session.meter_start_wh,
            "timestamp": stamp(session.started_at),
        }
        return [Message("StartTransaction", lambda: payload, told, keep=True)]

    def metered(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> Message:
        """MeterValues: register, power, state of charge."""
        samples = [
            _sample("Energy.Active.Import.Register", "Wh", round(outlet.register_wh)),
            _sample("Power.Active.Import", "W", round(outlet.power_w)),
            _sample("SoC", "Percent", round(session.soc_percent)),
        ]
        value = {"timestamp": stamp(station.clock.now()), "sampledValue": samples}
        return Message(
            "MeterValues",
            lambda: {
                "connectorId": outlet.number,
                **({} if session.number is None else {"transactionId": session.number}),
                "meterValue": [value],
            },
        )

    def changed(self, station: VirtualStation, outlet: Outlet, session: LiveSession) -> list[Message]:
        """The status says it all in 1.6."""
        return []

    def stopped(self, station: VirtualStation, outlet: Outlet, session: LiveSession, reason: str) -> list[Message]:
        """StopTransaction."""
        payload = {"meterStop": round(outlet.register_wh), "timestamp": stamp(station.clock.now()), "reason": reason}
        if reason == "Local":
            payload["idTag"] = session.tag

        def build() -> Payload:
            return {"transactionId": -1 if session.number is None else session.number, **payload}

        return [Message("StopTransaction", build, keep=True)]

    def obey(self, station: VirtualStation, action: str, payload: Payload) -> Obedience:
        """An order of the central system."""
        match action:
            case "Reset":
                hard = payload["type"] == "Hard"
                return Obedience({"status": "Accepted"}, lambda: station.obey_reset(hard=hard))
            case "ChangeAvailability":
                operative = payload["type"] == "Operative"
                return _status(station.obey_availability(payload["connectorId"], operative=operative))
            case "UnlockConnector":
                return _unlock(station, payload["connectorId"])
            case "RemoteStartTransaction":
                return _status(_VERDICT[station.obey_start(payload.get("connectorId"), payload["idTag"])])
            case "RemoteStopTransaction":
                wanted = payload["transactionId"]
                return _status(_VERDICT[station.obey_stop(lambda session: session.number == wanted)])
            case "TriggerMessage":
                return _trigger(self, station, payload)
            case "GetConfiguration":
                return Obedience(_configuration(station, payload.get("key") or sorted(station.variables)))
            case "ChangeConfiguration":
                return _status(_change(station, payload["key"], payload["value"]))
            case "ClearCache":
                return _status("Accepted")
            case "DataTransfer":
                return _status("UnknownVendorId")
        return Obedience(error="NotImplemented")


def _sample(measurand: str, unit: str, value: int) -> Payload:
    return {"measurand": measurand, "unit": unit, "value": str(value), "context": "Sample.Periodic"}


def _status(status: str) -> Obedience:
    return Obedience({"status": status})


def _unlock(station: VirtualStation, connector: int) -> Obedience:
    if not 1 <= connector <= len(station.outlets):
        return _status("NotSupported")
    return _status("Unlocked" if station.obey_unlock(connector) else "UnlockFailed")


def _trigger(dialect: Dialect16, station: VirtualStation, payload: Payload) -> Obedience:
    connector = payload.get("connectorId")
    if connector is not None and not 1 <= connector <= len(station.outlets):
        return _status("Rejected")
    outlets = [outlet for outlet in station.outlets if connector in (None, outlet.number)]

    def meters() -> None:
        for outlet in outlets:
            if outlet.session is not None:
                outlet.flow(station.clock.now())
                station.post(dialect.metered(station, outlet, outlet.session))

    replies: dict[str, Any] = {
        "StatusNotification": lambda: station.report(connector),
        "Heartbeat": lambda: station.post(dialect.heartbeat()),
        "BootNotification": lambda: station.post(dialect.boot(station, "Triggered")),
        "MeterValues": meters,
    }
    reply = replies.get(payload["requestedMessage"])
    return Obedience({"status": "Accepted"}, reply) if reply is not None else _status("NotImplemented")


def _configuration(station: VirtualStation, keys: list[str]) -> Payload:
    known = [
        {"key": key, "readonly": station.variables[key][1], "value": station.variables[key][0]}
        for key in keys
        if key in station.variables
    ]
    return {"configurationKey": known, "unknownKey": [key for key in keys if key not in station.variables]}


def _change(station: VirtualStation, key: str, value: str) -> str:
    if key not in station.variables:
        return "NotSupported"
    if station.variables[key][1]:
        return "Rejected"
    if key.endswith("Interval") and not value.isdigit():
        return "Rejected"
    station.variables[key] = value, False
    if key == "HeartbeatInterval":
        station.habits.heartbeat_s = float(value)
    elif key == "MeterValueSampleInterval" and int(value) > 0:
        station.habits.sample_s = float(value)
    return "RebootRequired" if key in AFTER_REBOOT else "Accepted"
