"""Which message goes where."""

from __future__ import annotations

from integrations.ocpp.services import Route
from integrations.ocpp.v201 import authorize, boot, device_model, status, transactions
from integrations.ocpp.v201.notices import NOTICES

ROUTES: dict[str, Route] = {
    "Authorize": Route(handler=authorize.authorize),
    "BootNotification": Route(handler=boot.boot_notification),
    "Heartbeat": Route(quick=boot.heartbeat),
    "MeterValues": Route(quick=transactions.meter_values),
    "NotifyEvent": Route(handler=status.notify_event),
    "NotifyReport": Route(quick=device_model.notify_report),
    "StatusNotification": Route(handler=status.status_notification),
    "TransactionEvent": Route(handler=transactions.transaction_event),
} | {action: Route(quick=answer) for action, answer in NOTICES.items()}
