"""Which message goes where."""

from __future__ import annotations

from integrations.ocpp.services import Route
from integrations.ocpp.v16 import authorize, boot, notices, status, transactions

ROUTES: dict[str, Route] = {
    "Authorize": Route(handler=authorize.authorize),
    "BootNotification": Route(handler=boot.boot_notification),
    "DataTransfer": Route(quick=notices.data_transfer),
    "DiagnosticsStatusNotification": Route(quick=notices.diagnostics_status),
    "FirmwareStatusNotification": Route(quick=notices.firmware_status),
    "Heartbeat": Route(quick=boot.heartbeat),
    "LogStatusNotification": Route(quick=notices.log_status),
    "MeterValues": Route(quick=transactions.meter_values),
    "SecurityEventNotification": Route(quick=notices.security_event),
    "SignCertificate": Route(quick=notices.sign_certificate),
    "SignedFirmwareStatusNotification": Route(quick=notices.signed_firmware_status),
    "StartTransaction": Route(handler=transactions.start_transaction),
    "StatusNotification": Route(handler=status.status_notification),
    "StopTransaction": Route(handler=transactions.stop_transaction),
}
