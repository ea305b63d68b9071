"""A charger's socket: every request gets an answer, orders go out one at a time, the two directions do not wait for
each other."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from ocpp.exceptions import FormationViolationError, OCPPError
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from integrations.ocpp import frames
from integrations.ocpp.frames import BadFrame, Call, CallError, CallResult, MessageId
from integrations.ocpp.journal import Variables
from integrations.ocpp.naming import wire
from integrations.ocpp.ordering import CannotSay, OrderForm
from integrations.ocpp.schemas import Version, schema
from integrations.ocpp.secrets import blank
from integrations.ocpp.services import Payload, Route, Services, Visit
from integrations.ocpp.station import Station
from integrations.ocpp.tolerance import mend
from integrations.ocpp.v16.orders import ORDERS as ORDERS_16
from integrations.ocpp.v16.table import ROUTES as ROUTES_16
from integrations.ocpp.v201.orders import ORDERS as ORDERS_201
from integrations.ocpp.v201.table import ROUTES as ROUTES_201
from models.charger import OrderKind, OrderOutcome
from models.ports import Order, OrderAnswer, TagVerdict

log = logging.getLogger(__name__)

RING = 32
WAITING_CALLS = 64
WAITING_ORDERS = 16
ROUTES = {"1.6": ROUTES_16, "2.0.1": ROUTES_201}
ORDERS = {"1.6": ORDERS_16, "2.0.1": ORDERS_201}


class Reply(NamedTuple):
    """What came back for an order: the payload of a result, or the error."""

    payload: Payload
    error: CallError | None = None


@dataclass
class Asked:
    """A request already heard on this socket, and its answer once there is one."""

    fingerprint: int
    answer: bytes | None = None


class Gone(Exception):  # noqa: N818 - it ends a wait
    """The socket went."""


class ChargerSession:
    """One socket of one charger. `token` names it; what the charger is, outlives it in `station`."""

    def __init__(self, socket: Connection, version: Version, station: Station, services: Services) -> None:
        self.socket = socket
        self.version = version
        self.station = station
        self.services = services
        self.token = uuid4().hex
        self.epoch: int | None = None
        self.closing = False
        self._routes = ROUTES[version]
        self._todo: asyncio.Queue[tuple[Call, Visit]] = asyncio.Queue(WAITING_CALLS)
        self._busy = False
        self._heard: OrderedDict[MessageId, Asked] = OrderedDict()
        self._slot = asyncio.Lock()
        self._orders_waiting = 0
        self._pending: dict[MessageId, asyncio.Future[Reply]] = {}
        self._sent: OrderedDict[MessageId, Order] = OrderedDict()

    @property
    def live(self) -> bool:
        """Whether an order can be sent now."""
        return not self.closing and self.socket.state is State.OPEN

    async def run(self) -> None:
        """Receive until the socket goes; then finish what was received."""
        worker = asyncio.create_task(self._work())
        try:
            while True:
                await self._receive(await self.socket.recv())
        except ConnectionClosed:
            pass
        finally:
            self.fail_pending()
            await self._finish(worker)

    def fail_pending(self) -> None:
        """The socket is gone or going: whoever waits for an answer is told at once."""
        self.closing = True
        for future in self._pending.values():
            if not future.done():
                future.set_exception(Gone())
        self._pending.clear()

    async def _finish(self, worker: asyncio.Task[None]) -> None:
        """What was received is told to the desk even though nobody waits for the answer any more."""
        try:
            async with asyncio.timeout(self.services.settings.desk_timeout_s):
                await self._todo.join()
        except TimeoutError:
            log.warning("%s: %d messages given up with their socket", self.station.charger_id, self._todo.qsize())
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _receive(self, raw: str | bytes) -> None:
        at = self.services.clock.now()
        who = self.station.charger_id
        self.services.heard.note(who, at)
        frame = frames.read(raw)
        action = frame.action[:48] if isinstance(frame, Call) else None
        if isinstance(frame, CallResult | CallError) and (order := self._sent.get(frame.id)) is not None:
            action = order.kind.value
        self.services.frames.add(who, at, "in", action, raw)
        match frame:
            case Call():
                await self._called(frame, Visit(self.station, self.services, at, str(frame.id)), raw)
            case CallResult(id=message_id, payload=payload):
                await self._answered(message_id, Reply(payload if isinstance(payload, dict) else {}))
            case CallError(id=message_id):
                await self._answered(message_id, Reply({}, frame))
            case BadFrame():
                await self._bad(frame)

    # Requests of the charger

    async def _called(self, call: Call, visit: Visit, raw: str | bytes) -> None:
        self.services.counts.calls += 1
        if call.odd:
            visit.odd("a frame that bends the rules")
        if await self._is_repeat(call, raw):
            return
        route = self._routes.get(call.action)
        if route is not None and route.quick is not None and not self._busy and self._todo.empty():
            await self._answer(call, visit)
        else:
            await self._todo.put((call, visit))

    async def _is_repeat(self, call: Call, raw: str | bytes) -> bool:
        """A request heard before is answered as before and not done again; an id used for another one is new."""
        heard = self._heard.get(call.id)
        fingerprint = hash(raw)
        if heard is not None and heard.fingerprint == fingerprint and call.action != "Heartbeat":
            self.services.counts.repeats += 1
            if heard.answer is not None:
                await self._send(heard.answer, call.action)
            return True
        self._heard[call.id] = Asked(fingerprint)
        while len(self._heard) > RING:
            self._heard.popitem(last=False)
        return False

    async def _work(self) -> None:
        while True:
            call, visit = await self._todo.get()
            self._busy = True
            try:
                await self._answer(call, visit)
            except Exception:
                self.services.counts.unanswered += 1
                log.exception("%s: a request was left unanswered", self.station.charger_id)
            finally:
                self._busy = False
                self._todo.task_done()

    async def _answer(self, call: Call, visit: Visit) -> None:
        answer = await self._answer_to(call, visit)
        heard = self._heard.get(call.id)
        if heard is not None:
            heard.answer = answer
        await self._send(answer, call.action)

    async def _answer_to(self, call: Call, visit: Visit) -> bytes:
        route = self._routes.get(call.action)
        if route is None:
            visit.odd(f"no such action: {call.action[:48]}")
            known = schema(self.version, call.action, "request") is not None
            code = "NotSupported" if known else "NotImplemented"
            return frames.error(call.id, code, f"{call.action[:60]} is not handled here")
        try:
            result = await self._route(route, visit, self._checked(call, visit))
            return frames.result(call.id, wire(result))
        except OCPPError as error:
            visit.odd(str(error))
            return frames.error(call.id, self._spelled(error.code), str(error.description))
        except Exception:
            self.services.counts.internal_errors += 1
            log.exception("%s: %s could not be handled", self.station.charger_id, call.action[:48])
            return frames.error(call.id, "InternalError", "this message could not be handled; the fault is ours")

    async def _route(self, route: Route, visit: Visit, payload: Payload) -> Any:
        if route.quick is not None:
            return route.quick(visit, payload)
        assert route.handler is not None
        return await route.handler(visit, payload)

    def _checked(self, call: Call, visit: Visit) -> Payload:
        """The payload, put right where it breaks the schema in a way that can be understood."""
        rules = schema(self.version, call.action, "request")
        assert rules is not None
        if rules.valid(call.payload):
            payload: Payload = call.payload
            return payload
        if call.payload in (None, []):
            visit.odd(f"{call.action}: no payload")
            return {}
        if not isinstance(call.payload, dict):
            raise FormationViolationError("the payload is not an object")
        visit.odd(f"{call.action}: {'; '.join(rules.faults(call.payload)[:3])[:300]}")
        return mend(rules, call.payload)

    async def _bad(self, frame: BadFrame) -> None:
        self.services.counts.bad_frames += 1
        log.info("%s: bad frame: %s", self.station.charger_id, frame.why)
        if frame.id is None or (frame.unknown_type and self.version == "1.6"):
            return  # 1.6 says that unknown message types are passed over
        code = "MessageTypeNotSupported" if frame.unknown_type else self._spelled("FormatViolation")
        await self._send(frames.error(frame.id, code, frame.why), None)

    def _spelled(self, code: str) -> str:
        """An error's name as this version spells it."""
        if self.version == "1.6":
            return {"FormatViolation": "FormationViolation"}.get(code, code)
        return {"FormationViolation": "FormatViolation"}.get(code, code)

    async def _send(self, data: bytes, action: str | None) -> None:
        try:
            await self.socket.send(data, text=True)
        except ConnectionClosed:
            return
        self.services.frames.add(self.station.charger_id, self.services.clock.now(), "out", action, data)

    # Orders to the charger

    async def order(self, order: Order) -> OrderAnswer:
        """Send an order once and wait for its answer."""
        form = ORDERS[self.version][order.kind]
        try:
            request = form.ask(order, self.station)
        except CannotSay as error:
            return OrderAnswer(OrderOutcome.ERROR, response={"code": "CannotSay", "description": str(error)})
        if self._orders_waiting >= WAITING_ORDERS:
            return OrderAnswer(OrderOutcome.EXPIRED)
        self._orders_waiting += 1
        try:
            async with self.services.clock.timeout(order.timeout_s):
                await self._slot.acquire()
        except TimeoutError:
            return OrderAnswer(OrderOutcome.EXPIRED)
        finally:
            self._orders_waiting -= 1
        try:
            return await self._sent_once(order, form, type(request).__name__, wire(request))
        finally:
            self._slot.release()

    async def _sent_once(self, order: Order, form: OrderForm, action: str, payload: Payload) -> OrderAnswer:
        if not self.live:
            return OrderAnswer(OrderOutcome.NOT_CONNECTED)
        if order.id in self._sent:
            return OrderAnswer(OrderOutcome.ERROR, response={"code": "CannotSay", "description": "sent before"})
        self._remember(order)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[order.id] = future
        self.services.counts.orders += 1
        data = frames.call(order.id, action, payload)
        self.services.frames.add(self.station.charger_id, self.services.clock.now(), "out", action, data)
        try:
            async with self.services.clock.timeout(order.timeout_s):
                await self.socket.send(data, text=True)
                reply = await future
        except TimeoutError:
            return OrderAnswer(OrderOutcome.TIMEOUT)
        except (Gone, ConnectionClosed):
            return OrderAnswer(OrderOutcome.LOST)
        finally:
            self._pending.pop(order.id, None)
        return await self._understood(order, form, action, reply)

    def _remember(self, order: Order) -> None:
        self._sent[order.id] = order
        while len(self._sent) > RING:
            self._sent.popitem(last=False)

    async def _understood(self, order: Order, form: OrderForm, action: str, reply: Reply) -> OrderAnswer:
        if reply.error is not None:
            told = {"code": reply.error.code, "description": reply.error.description, "details": reply.error.details}
            return OrderAnswer(OrderOutcome.ERROR, response=blank(told))
        payload = self._checked_answer(action, reply.payload)
        self._learn(order, form, payload)
        return OrderAnswer(OrderOutcome.ANSWERED, form.status(payload), blank(payload))

    def _checked_answer(self, action: str, payload: Payload) -> Payload:
        rules = schema(self.version, action, "answer")
        if rules is None or rules.valid(payload):
            return payload
        self.services.counts.violations += 1
        log.info("%s: answer to %s: %s", self.station.charger_id, action, "; ".join(rules.faults(payload)[:3])[:300])
        return mend(rules, payload)

    def _learn(self, order: Order, form: OrderForm, payload: Payload) -> None:
        visit = Visit(self.station, self.services, self.services.clock.now(), order.id)
        if form.learn is not None and (values := form.learn(payload)):
            visit.put("variables", Variables(values))
        tag = order.args.get("id_tag")
        if order.kind is OrderKind.REMOTE_START and isinstance(tag, str) and form.status(payload) == "Accepted":
            # The desk chose this tag: should it be away when the session starts, the driver is not turned down.
            self.services.tags.learn(self.station.charger_id, tag, TagVerdict("Accepted"))

    async def _answered(self, message_id: MessageId, reply: Reply) -> None:
        future = self._pending.get(message_id)
        if future is not None and not future.done():
            future.set_result(reply)
            return
        order = self._sent.get(message_id)
        if order is None:
            self.services.counts.stray_answers += 1
            log.info("%s: an answer to nothing that was asked: %s", self.station.charger_id, str(message_id)[:40])
            return
        self.services.counts.late_answers += 1
        log.info("%s: %s answered late", self.station.charger_id, order.kind)
        if reply.error is None:
            self._learn(order, ORDERS[self.version][order.kind], reply.payload)
