"""Asking a charger for its state when it came back without a boot and nothing is remembered of it."""

from __future__ import annotations

from uuid import uuid4

from integrations.ocpp.schemas import Version
from integrations.ocpp.services import Services
from integrations.ocpp.session import ChargerSession
from models.charger import OrderKind
from models.ports import Order

MOST_EVSES = 16


async def refresh(session: ChargerSession, version: Version, services: Services, wait_s: float) -> None:
    """After `wait_s` without a word about any connector, ask. 1.6 tells all at once; 2.0.1 is asked one by one until
    the charger knows no further connector."""
    await services.clock.sleep(wait_s)
    station = session.station
    number = 0
    while session.live and not (number == 0 and station.statuses) and number < MOST_EVSES:
        number += 1
        args = {} if version == "1.6" else {"connector": number}
        order = Order(
            str(uuid4()), station.charger_id, OrderKind.TRIGGER_STATUS, args, services.settings.call_timeout_s
        )
        answer = await session.outgoing.send(order)
        if version == "1.6" or not answer.accepted:
            return
