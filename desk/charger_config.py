"""A charger's configuration from afar: which keys matter, and whether a member may change one."""

from __future__ import annotations

import re
from typing import Any

from desk import audit, chargers
from desk.work import Work
from models.access import Permission
from models.errors import Refusal

SECRET = re.compile(r"passw|secret|authorizationkey|privatekey|credential|api_?key|token|wpa|psk", re.IGNORECASE)
"""Keys whose values no chat may carry, in either direction."""
IMPORTANT: dict[str, tuple[str, ...]] = {
    "1.6": (
        "HeartbeatInterval", "MeterValueSampleInterval", "MeterValuesSampledData", "ConnectionTimeOut",
        "AuthorizeRemoteTxRequests", "LocalPreAuthorize", "LocalAuthorizeOffline", "StopTransactionOnInvalidId",
        "UnlockConnectorOnEVSideDisconnect", "WebSocketPingInterval", "NumberOfConnectors",
        "SupportedFeatureProfiles",
    ),
    "2.0.1": (
        "OCPPCommCtrlr.HeartbeatInterval", "OCPPCommCtrlr.WebSocketPingInterval", "SampledDataCtrlr.TxUpdatedInterval",
        "SampledDataCtrlr.TxUpdatedMeasurands", "TxCtrlr.EVConnectionTimeOut", "TxCtrlr.StopTxOnInvalidId",
        "AuthCtrlr.AuthorizeRemoteStart", "AuthCtrlr.LocalPreAuthorize", "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    ),
}  # fmt: skip


def may_read(work: Work, charger_id: str, key: str | None) -> list[str]:
    """The keys to ask for: the one named, else those that matter for the charger's version. Refuses secrets."""
    work.require(Permission.COMMAND_CHARGERS)
    charger = chargers.get(work, charger_id)
    if not charger.online:
        raise Refusal("run.not_connected", charger_id=charger_id)
    if key is not None:
        _refuse_secret(key)
        return [key]
    return list(IMPORTANT.get(charger.ocpp_version or "1.6", IMPORTANT["1.6"]))


def may_change(work: Work, charger_id: str, key: str) -> None:
    """Refuse, unless this member may change that key of that charger now."""
    work.require(Permission.EDIT_CHARGERS)
    may_read(work, charger_id, key)


def changed(work: Work, charger_id: str, key: str, value: str, answer: dict[str, Any]) -> None:
    """Write down who changed what, and what the charger said to it."""
    work.require(Permission.EDIT_CHARGERS)
    audit.record(work, "charger.configured", f"charger:{charger_id}", key=key, value=value[:200], **answer)
    work.wake(f"live.charger.{charger_id}")


def _refuse_secret(key: str) -> None:
    if SECRET.search(key):
        raise Refusal("config.secret", key=key[:60])
