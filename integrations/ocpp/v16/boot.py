"""BootNotification and Heartbeat."""

from __future__ import annotations

from ocpp.v16 import call_result
from ocpp.v16.enums import RegistrationStatus

from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import stamp, text_of
from models.ports import BootReport


async def boot_notification(visit: Visit, payload: Payload) -> call_result.BootNotification:
    """A charger started. It is always accepted: who may connect was decided before."""
    report = BootReport(
        vendor=text_of(payload, "chargePointVendor", 80) or "",
        model=text_of(payload, "chargePointModel", 80) or "",
        serial_number=text_of(payload, "chargePointSerialNumber", 80) or text_of(payload, "chargeBoxSerialNumber", 80),
        firmware=text_of(payload, "firmwareVersion", 80),
    )
    await visit.deliver("booted", report)
    return call_result.BootNotification(
        current_time=stamp(visit.services.clock.now()),
        interval=visit.services.settings.heartbeat_interval_s,
        status=RegistrationStatus.accepted,
    )


def heartbeat(visit: Visit, _: Payload) -> call_result.Heartbeat:
    """The charger is alive and asks the time."""
    return call_result.Heartbeat(current_time=stamp(visit.at))
