"""Messages that need an answer and change nothing here; the frame log keeps what they say."""

from __future__ import annotations

from ocpp.v16 import call_result
from ocpp.v16.enums import DataTransferStatus, GenericStatus

from integrations.ocpp.services import Payload, Visit


def data_transfer(visit: Visit, payload: Payload) -> call_result.DataTransfer:
    """A vendor's own message; no vendor's dialect is spoken here."""
    return call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id)


def firmware_status(visit: Visit, payload: Payload) -> call_result.FirmwareStatusNotification:
    """How a firmware update goes."""
    return call_result.FirmwareStatusNotification()


def signed_firmware_status(visit: Visit, payload: Payload) -> call_result.SignedFirmwareStatusNotification:
    """How a signed firmware update goes."""
    return call_result.SignedFirmwareStatusNotification()


def diagnostics_status(visit: Visit, payload: Payload) -> call_result.DiagnosticsStatusNotification:
    """How an upload of diagnostics goes."""
    return call_result.DiagnosticsStatusNotification()


def log_status(visit: Visit, payload: Payload) -> call_result.LogStatusNotification:
    """How an upload of a log goes."""
    return call_result.LogStatusNotification()


def security_event(visit: Visit, payload: Payload) -> call_result.SecurityEventNotification:
    """Something that touches security happened at the charger."""
    return call_result.SecurityEventNotification()


def sign_certificate(visit: Visit, payload: Payload) -> call_result.SignCertificate:
    """A charger asks for a certificate; there is no authority here to sign it."""
    return call_result.SignCertificate(status=GenericStatus.rejected)
