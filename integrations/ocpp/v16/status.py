"""StatusNotification."""

from __future__ import annotations

from ocpp.v16 import call_result

from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import instant_of, needed_text, needed_whole, text_of
from models.charger import ChargerState
from models.ports import StatusReport

SAID = {state.value: state for state in ChargerState if state is not ChargerState.OFFLINE}
MAX_CONNECTOR = 1000


async def status_notification(visit: Visit, payload: Payload) -> call_result.StatusNotification:
    """A connector's state, or the station's (connector 0). A state outside the list is answered and not believed."""
    connector = needed_whole(payload, "connectorId", 0, MAX_CONNECTOR)
    word = needed_text(payload, "status")
    status = SAID.get(word)
    if status is None:
        visit.odd(f"status {word[:40]} is none of OCPP's")
        return call_result.StatusNotification()
    report = StatusReport(
        connector=connector,
        status=status,
        error_code=text_of(payload, "errorCode", 80) or ("OtherError" if status is ChargerState.FAULTED else "NoError"),
        vendor_error=text_of(payload, "vendorErrorCode", 80),
        info=text_of(payload, "info"),
        reported_at=instant_of(payload, "timestamp", visit.at),
    )
    visit.station.statuses[connector] = report
    await visit.deliver("status", report)
    return call_result.StatusNotification()
