"""A charger's socket: every request gets an answer, in order; the two directions do not wait for each other."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ocpp.exceptions import FormationViolationError, OCPPError
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from integrations.ocpp import frames
from integrations.ocpp.frames import BadFrame, Call, CallError, CallResult, MessageId
from integrations.ocpp.naming import wire
from integrations.ocpp.outgoing import Outgoing
from integrations.ocpp.schemas import Version, schema
from integrations.ocpp.services import Payload, Route, Services, Visit
from integrations.ocpp.station import Station
from integrations.ocpp.tolerance import mend
from integrations.ocpp.v16.table import ROUTES as ROUTES_16
from integrations.ocpp.v201.table import ROUTES as ROUTES_201

log = logging.getLogger(__name__)

RING = 32
WAITING_CALLS = 64
ROUTES = {"1.6": ROUTES_16, "2.0.1": ROUTES_201}


@dataclass
class Asked:
    """A request already heard on this socket, and its answer once there is one."""

    fingerprint: int
    answer: bytes | None = None


class ChargerSession:
    """One socket of one charger. `token` names it; what the charger is, outlives it in `station`."""

    def __init__(self, socket: Connection, version: Version, station: Station, services: Services) -> None:
        self.socket = socket
        self.version = version
        self.station = station
        self.services = services
        self.token = uuid4().hex
        self.epoch: int | None = None
        self.outgoing = Outgoing(socket, version, station, services)
        self.finished = asyncio.Event()
        self.finish_s = services.settings.desk_timeout_s
        self._routes = ROUTES[version]
        self._todo: asyncio.Queue[tuple[Call, Visit, Asked]] = asyncio.Queue(WAITING_CALLS)
        self._busy = False
        self._heard: OrderedDict[MessageId, Asked] = OrderedDict()

    @property
    def live(self) -> bool:
        """Whether an order can be sent now."""
        return self.outgoing.live

    async def run(self) -> None:
        """Receive until the socket goes; then finish what was received."""
        worker = asyncio.create_task(self._work())
        try:
            while True:
                raw = await self.socket.recv()
                try:
                    await self._receive(raw)
                except Exception:
                    self.services.counts.internal_errors += 1
                    log.exception("%s: a frame could not be handled", self.station.charger_id)
        except ConnectionClosed:
            pass
        finally:
            self.outgoing.close()
            await self._finish(worker)

    async def _finish(self, worker: asyncio.Task[None]) -> None:
        """What was received is told to the desk even though nobody waits for the answer any more."""
        try:
            async with asyncio.timeout(self.finish_s):
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
        if isinstance(frame, CallResult | CallError):
            action = self.outgoing.action_of(frame.id)
        self.services.frames.add(who, at, "in", action, raw)
        match frame:
            case Call():
                await self._called(frame, Visit(self.station, self.services, at, str(frame.id)), raw)
            case CallResult() | CallError():
                self.outgoing.answered(frame)
            case BadFrame():
                await self._bad(frame)

    # Requests of the charger

    async def _called(self, call: Call, visit: Visit, raw: str | bytes) -> None:
        self.services.counts.calls += 1
        if call.odd:
            visit.odd("a frame that bends the rules")
        asked = await self._first_time(call, raw)
        if asked is None:
            return
        route = self._routes.get(call.action)
        if route is not None and route.quick is not None and not self._busy and self._todo.empty():
            await self._answer(call, visit, asked)
        else:
            await self._todo.put((call, visit, asked))

    async def _first_time(self, call: Call, raw: str | bytes) -> Asked | None:
        """A note of the request. One heard before is answered as before and not done again: None. An id used for
        another request makes it a new one."""
        heard = self._heard.get(call.id)
        fingerprint = hash(raw)
        if heard is not None and heard.fingerprint == fingerprint and call.action != "Heartbeat":
            self.services.counts.repeats += 1
            if heard.answer is not None:
                await self._send(heard.answer, call.action)
            return None
        self._heard[call.id] = asked = Asked(fingerprint)
        while len(self._heard) > RING:
            self._heard.popitem(last=False)
        return asked

    async def _work(self) -> None:
        while True:
            call, visit, asked = await self._todo.get()
            self._busy = True
            try:
                await self._answer(call, visit, asked)
            except Exception:
                self.services.counts.unanswered += 1
                log.exception("%s: a request was left unanswered", self.station.charger_id)
            finally:
                self._busy = False
                self._todo.task_done()

    async def _answer(self, call: Call, visit: Visit, asked: Asked) -> None:
        asked.answer = await self._answer_to(call, visit)
        await self._send(asked.answer, call.action)

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
        log.debug("%s: bad frame: %s", self.station.charger_id, frame.why)
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
