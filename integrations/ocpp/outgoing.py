"""Orders to one charger: one on the wire at a time, answers matched by id however late, all lost with the socket."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Any, NamedTuple

import orjson
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from integrations.ocpp import frames
from integrations.ocpp.frames import CallError, CallResult, MessageId
from integrations.ocpp.journal import Variables
from integrations.ocpp.naming import wire
from integrations.ocpp.ordering import CannotSay, OrderForm
from integrations.ocpp.schemas import Version, schema
from integrations.ocpp.secrets import blank
from integrations.ocpp.services import Payload, Services, Visit
from integrations.ocpp.station import Station
from integrations.ocpp.tolerance import mend
from integrations.ocpp.v16.orders import ORDERS as ORDERS_16
from integrations.ocpp.v201.orders import ORDERS as ORDERS_201
from models.charger import OrderKind, OrderOutcome
from models.ports import Order, OrderAnswer, TagVerdict

log = logging.getLogger(__name__)

REMEMBERED = 32
WAITING = 16
ORDERS = {"1.6": ORDERS_16, "2.0.1": ORDERS_201}


class Sent(NamedTuple):
    """An order that was written to the socket, as which action."""

    order: Order
    action: str


class Gone(Exception):  # noqa: N818 - it ends a wait
    """The socket went."""


class Outgoing:
    """The direction from us to the charger."""

    def __init__(self, socket: Connection, version: Version, station: Station, services: Services) -> None:
        self._socket = socket
        self._version = version
        self._station = station
        self._services = services
        self._closing = False
        self._slot = asyncio.Lock()
        self._waiting = 0
        self._pending: dict[MessageId, asyncio.Future[CallResult | CallError]] = {}
        self._sent: OrderedDict[MessageId, Sent] = OrderedDict()

    @property
    def live(self) -> bool:
        """Whether an order can be sent now."""
        return not self._closing and self._socket.state is State.OPEN

    def close(self) -> None:
        """The socket is gone or going: whoever waits for an answer is told at once."""
        self._closing = True
        for future in self._pending.values():
            if not future.done():
                future.set_exception(Gone())
        self._pending.clear()

    def action_of(self, message_id: MessageId) -> str | None:
        """What was asked under an id, as long as it is remembered."""
        sent = self._sent.get(message_id)
        return sent.action if sent is not None else None

    async def send(self, order: Order) -> OrderAnswer:
        """Send an order once, when its turn comes, and wait for its answer."""
        if self._waiting >= WAITING:
            return OrderAnswer(OrderOutcome.EXPIRED)
        self._waiting += 1
        try:
            async with self._services.clock.timeout(order.timeout_s):
                await self._slot.acquire()
        except TimeoutError:
            return OrderAnswer(OrderOutcome.EXPIRED)
        finally:
            self._waiting -= 1
        try:
            return await self._send_now(order)
        finally:
            self._slot.release()

    async def _send_now(self, order: Order) -> OrderAnswer:
        if not self.live:
            return OrderAnswer(OrderOutcome.NOT_CONNECTED)
        form = ORDERS[self._version][order.kind]
        try:
            if order.id in self._sent:
                raise CannotSay("an order of this id was sent before")
            request = form.ask(order, self._station)
            data = frames.call(order.id, type(request).__name__, wire(request))
        except (CannotSay, TypeError, orjson.JSONEncodeError) as error:
            return OrderAnswer(OrderOutcome.ERROR, response={"code": "CannotSay", "description": str(error)})
        sent = Sent(order, type(request).__name__)
        self._remember(sent)
        try:
            answer = await self._exchange(sent, data)
        except TimeoutError:
            return OrderAnswer(OrderOutcome.TIMEOUT)
        except (Gone, ConnectionClosed):
            return OrderAnswer(OrderOutcome.LOST)
        finally:
            self._pending.pop(order.id, None)
        if isinstance(answer, CallError):
            told = {"code": answer.code, "description": answer.description, "details": answer.details}
            return OrderAnswer(OrderOutcome.ERROR, response=blank(told))
        payload = self._understood(sent, form, answer.payload)
        response = blank(payload)
        if form.learn is not None:
            response["read"] = {key: [value, readonly] for key, (value, readonly) in form.learn(payload).items()}
        return OrderAnswer(OrderOutcome.ANSWERED, form.status(payload), response)

    async def _exchange(self, sent: Sent, data: bytes) -> CallResult | CallError:
        future: asyncio.Future[CallResult | CallError] = asyncio.get_running_loop().create_future()
        self._pending[sent.order.id] = future
        services = self._services
        services.counts.orders += 1
        services.frames.add(self._station.charger_id, services.clock.now(), "out", sent.action, data)
        async with services.clock.timeout(sent.order.timeout_s):
            await self._socket.send(data, text=True)
            return await future

    def _remember(self, sent: Sent) -> None:
        self._sent[sent.order.id] = sent
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def answered(self, answer: CallResult | CallError) -> None:
        """An answer came: for whoever waits, or late, or for nothing that was ever asked."""
        future = self._pending.get(answer.id)
        if future is not None and not future.done():
            future.set_result(answer)
            return
        sent = self._sent.get(answer.id)
        counts, who = self._services.counts, self._station.charger_id
        if sent is None:
            counts.stray_answers += 1
            log.debug("%s: an answer to nothing that was asked: %s", who, str(answer.id)[:40])
            return
        counts.late_answers += 1
        log.info("%s: %s answered late", who, sent.action)
        if isinstance(answer, CallResult):
            self._understood(sent, ORDERS[self._version][sent.order.kind], answer.payload)

    def _understood(self, sent: Sent, form: OrderForm, answer: Any) -> Payload:
        """The answer's payload, put right where need be; what it teaches is kept."""
        payload: Payload = answer if isinstance(answer, dict) else {}
        rules = schema(self._version, sent.action, "answer")
        if rules is not None and not rules.valid(answer):
            self._services.counts.violations += 1
            log.debug("%s: odd answer to %s", self._station.charger_id, sent.action)
            payload = mend(rules, payload)
        visit = Visit(self._station, self._services, self._services.clock.now(), sent.order.id)
        if form.learn is not None and (values := form.learn(payload)):
            visit.put("variables", Variables(values))
        tag = sent.order.args.get("id_tag")
        if sent.order.kind is OrderKind.REMOTE_START and isinstance(tag, str) and form.status(payload) == "Accepted":
            # The desk chose this tag: should it be away when the session starts, the driver is not turned down.
            self._services.tags.learn(self._station.charger_id, tag, TagVerdict("Accepted"))
        return payload
