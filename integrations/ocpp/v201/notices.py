"""Messages that need an answer and change nothing here; the frame log keeps what they say."""

from __future__ import annotations

from typing import Any

from ocpp.v201 import call_result, enums

from integrations.ocpp.services import Payload, QuickHandler, Visit


def _answering(answer: Any) -> QuickHandler:
    def handler(_: Visit, __: Payload) -> Any:
        return answer

    return handler


NOTICES: dict[str, QuickHandler] = {
    "ClearedChargingLimit": _answering(call_result.ClearedChargingLimit()),
    "DataTransfer": _answering(call_result.DataTransfer(status=enums.DataTransferStatusEnumType.unknown_vendor_id)),
    "FirmwareStatusNotification": _answering(call_result.FirmwareStatusNotification()),
    "Get15118EVCertificate": _answering(
        call_result.Get15118EVCertificate(enums.Iso15118EVCertificateStatusEnumType.failed, exi_response="")
    ),
    "GetCertificateStatus": _answering(
        call_result.GetCertificateStatus(status=enums.GetCertificateStatusEnumType.failed)
    ),
    "LogStatusNotification": _answering(call_result.LogStatusNotification()),
    "NotifyChargingLimit": _answering(call_result.NotifyChargingLimit()),
    "NotifyCustomerInformation": _answering(call_result.NotifyCustomerInformation()),
    "NotifyDisplayMessages": _answering(call_result.NotifyDisplayMessages()),
    "NotifyEVChargingNeeds": _answering(
        call_result.NotifyEVChargingNeeds(status=enums.NotifyEVChargingNeedsStatusEnumType.rejected)
    ),
    "NotifyEVChargingSchedule": _answering(
        call_result.NotifyEVChargingSchedule(status=enums.GenericStatusEnumType.accepted)
    ),
    "NotifyMonitoringReport": _answering(call_result.NotifyMonitoringReport()),
    "PublishFirmwareStatusNotification": _answering(call_result.PublishFirmwareStatusNotification()),
    "ReportChargingProfiles": _answering(call_result.ReportChargingProfiles()),
    "ReservationStatusUpdate": _answering(call_result.ReservationStatusUpdate()),
    "SecurityEventNotification": _answering(call_result.SecurityEventNotification()),
    "SignCertificate": _answering(call_result.SignCertificate(status=enums.GenericStatusEnumType.rejected)),
}
"""Action → its fixed answer: no vendor's dialect is spoken, no certificate is signed, no profile is planned here."""
