"""BootNotification and Heartbeat."""

from __future__ import annotations

from ocpp.v201 import call_result
from ocpp.v201.enums import RegistrationStatusEnumType

from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import part_of, stamp, text_of
from models.ports import BootReport


async def boot_notification(visit: Visit, payload: Payload) -> call_result.BootNotification:
    """A charger started. It is always accepted: who may connect was decided before."""
    station = part_of(payload, "chargingStation")
    report = BootReport(
        vendor=text_of(station, "vendorName", 80) or "",
        model=text_of(station, "model", 80) or "",
        serial_number=text_of(station, "serialNumber", 80),
        firmware=text_of(station, "firmwareVersion", 80),
        reason=text_of(payload, "reason", 40),
    )
    await visit.deliver("booted", report)
    return call_result.BootNotification(
        current_time=stamp(visit.services.clock.now()),
        interval=visit.services.settings.heartbeat_interval_s,
        status=RegistrationStatusEnumType.accepted,
    )


def heartbeat(visit: Visit, _: Payload) -> call_result.Heartbeat:
    """The charger is alive and asks the time."""
    return call_result.Heartbeat(current_time=stamp(visit.at))
