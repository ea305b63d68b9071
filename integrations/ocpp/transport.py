"""The central system: listens for chargers, keeps the newest socket of each, and sends orders to them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from integrations.ocpp.admission import (
    SUBPROTOCOLS,
    Admission,
    Turned,
    certificate_names,
    charger_id_in,
    check_protocol,
    offered_protocols,
    password_in,
)
from integrations.ocpp.counts import Counts
from integrations.ocpp.journal import Entry, Journal, Socket
from integrations.ocpp.log import FrameLog, Heard
from integrations.ocpp.refresh import refresh
from integrations.ocpp.reports import KEPT, Reports
from integrations.ocpp.services import Services, Tags, TransactionIds
from integrations.ocpp.session import ChargerSession
from integrations.ocpp.settings import OcppSettings
from integrations.ocpp.station import Station
from models.charger import OrderOutcome
from models.ports import ChargingDesk, Clock, Order, OrderAnswer

__all__ = ["CentralSystem", "OcppSettings"]

log = logging.getLogger(__name__)

CLOSE_S = 1.0  # how long a charger may take to say goodbye
FLUSH_S = 0.5  # how long each of the logs may take at the end
OPEN_S = 10.0


class CentralSystem:
    """A ChargerWire over WebSockets for OCPP 1.6 and 2.0.1."""

    def __init__(self, desk: ChargingDesk, clock: Clock, settings: OcppSettings) -> None:
        counts = Counts()
        wait_s = settings.desk_timeout_s
        self._settings = settings
        self._clock = clock
        self._counts = counts
        self._admission = Admission(desk, clock, settings.security_profile, wait_s)
        self._services = Services(
            desk=desk,
            clock=clock,
            settings=settings,
            reports=Reports(desk, clock, Journal(settings.journal), counts, wait_s),
            tags=Tags(desk, wait_s),
            ids=TransactionIds(desk, wait_s),
            frames=FrameLog(desk, counts, settings.frame_queue, wait_s),
            heard=Heard(desk, wait_s),
            counts=counts,
        )
        self._sessions: dict[str, ChargerSession] = {}
        self._stations: dict[str, Station] = {}
        self._handshakes: Counter[str] = Counter()
        self._servers: list[Server] = []

    @property
    def port(self) -> int:
        """The port that is really listened on: the plain one, or the TLS one where there is no other."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    @property
    def tls_port(self) -> int | None:
        """The port of the encrypted listener, where there is one."""
        return int(self._servers[-1].sockets[0].getsockname()[1]) if self._encrypted else None

    @property
    def _encrypted(self) -> bool:
        return self._settings.tls_cert is not None and bool(
            self._settings.security_profile >= 2 or self._settings.tls_port is not None
        )

    async def start(self) -> None:
        """Listen. Raises OSError where a port is taken, ValueError where TLS is asked for without a certificate."""
        settings = self._settings
        if settings.security_profile >= 2 and settings.tls_cert is None:
            raise ValueError("security profiles 2 and 3 need a certificate (OCPP_TLS_CERT)")
        await self._services.reports.start()
        if settings.security_profile < 2:
            self._servers.append(await self._listen(settings.port, None))
        if self._encrypted:
            port = settings.port if settings.tls_port is None else settings.tls_port
            self._servers.append(await self._listen(port, _tls(settings)))

    async def stop(self) -> None:
        """Close every socket and write down what waits, within about two seconds."""
        for session in list(self._sessions.values()):
            session.outgoing.close()
            session.finish_s = FLUSH_S
        for server in self._servers:
            server.close()
        waiting = [asyncio.ensure_future(server.wait_closed()) for server in self._servers]
        if waiting:
            _, slow = await asyncio.wait(waiting, timeout=CLOSE_S)
            if slow:
                self._abort()
                await asyncio.wait(slow, timeout=FLUSH_S)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        self._servers.clear()
        await self._services.ids.stop()
        await asyncio.gather(
            self._services.reports.stop(FLUSH_S),
            self._services.frames.stop(FLUSH_S),
            self._services.heard.stop(FLUSH_S),
        )

    def _abort(self) -> None:
        for session in list(self._sessions.values()):
            session.socket.transport.abort()

    def connected(self, charger_id: str) -> bool:
        """Whether this process holds a live socket of that charger."""
        session = self._sessions.get(charger_id)
        return session is not None and session.live

    async def call(self, order: Order) -> OrderAnswer:
        """Send once and wait for the answer; never sends twice, never raises for what a charger does.

        `EXPIRED` means that it was never sent because others were before it. An order that lacks what its message
        needs is not sent and answers `ERROR` with `{"code": "CannotSay", "description": …}`.
        """
        session = self._sessions.get(order.charger_id)
        if session is None or not session.live:
            return OrderAnswer(OrderOutcome.NOT_CONNECTED)
        return await session.outgoing.send(order)

    def stats(self) -> dict[str, int]:
        """Figures for the metrics page: `connected`, `journal_pending`, `desk_away`, and the totals of Counts."""
        return {
            "connected": sum(session.live for session in self._sessions.values()),
            "journal_pending": self._services.reports.pending,
            "desk_away": int(self._services.reports.away),
            **self._counts.as_dict(),
        }

    # Receiving chargers

    async def _listen(self, port: int, tls: ssl.SSLContext | None) -> Server:
        settings = self._settings

        class Arrival(_Arrival):
            counts = self._counts
            handshakes = self._handshakes
            limit = settings.handshakes_per_ip

        return await serve(
            self._serve,
            settings.host,
            port,
            ssl=tls,
            create_connection=Arrival,
            process_request=self._admit,
            select_subprotocol=_select,
            compression=None,
            server_header=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=settings.ping_interval_s,
            ping_timeout=settings.ping_timeout_s,
            max_size=settings.max_frame_bytes,
            logger=_quiet_logger(),
        )

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Decide before the handshake ends; whoever is turned away reads why in plain words."""
        assert isinstance(socket, _Arrival)
        try:
            charger_id = charger_id_in(request.path)
            check_protocol(offered_protocols(request.headers))
            tls: ssl.SSLObject | None = socket.transport.get_extra_info("ssl_object")
            names = certificate_names(tls.getpeercert()) if tls is not None else set()
            if names and charger_id not in names:
                raise Turned(HTTPStatus.UNAUTHORIZED, "The certificate's name is not the charger's identity.")
            password = password_in(request.headers, charger_id)
            await self._admission.decide(
                charger_id, password, address=socket.address, tls=tls is not None, certified=bool(names)
            )
        except Turned as turned:
            self._counts.admissions_refused += 1
            log.info("turned away %s: %s", request.path[:100], turned.sentence)
            response = socket.respond(turned.status, turned.sentence + "\n")
            if turned.status == 401:
                response.headers["WWW-Authenticate"] = 'Basic realm="charging stations"'
            return response
        socket.charger_id = charger_id
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, _Arrival)
        socket.settle()
        who = socket.charger_id
        if socket.subprotocol is None:
            self._counts.violations += 1
            log.warning("%s offers no protocol; taken for OCPP 1.6", who)
        version = SUBPROTOCOLS.get(socket.subprotocol or "", "1.6")
        station = self._stations.setdefault(who, Station(who))
        session = ChargerSession(socket, version, station, self._services)
        older = self._sessions.get(who)
        self._sessions[who] = session
        asking = asyncio.create_task(self._refresh(session))
        try:
            if older is not None:
                await self._replace(older)
            await self._announce(session)
            await session.run()
        finally:
            asking.cancel()
            session.finished.set()
            if self._sessions.get(who) is session:
                del self._sessions[who]
            gone = Socket(session.token, version, session.epoch)
            self._services.reports.put(Entry("disconnected", who, self._clock.now(), gone))

    async def _announce(self, session: ChargerSession) -> None:
        who = session.station.charger_id
        epoch = await self._services.reports.deliver(
            Entry("connected", who, self._clock.now(), Socket(session.token, session.version))
        )
        session.epoch = epoch if epoch is not KEPT else None
        log.info("%s connected, OCPP %s", who, session.version)

    async def _refresh(self, session: ChargerSession) -> None:
        wait_s = self._settings.refresh_after_s
        if wait_s is not None and not session.station.statuses:
            await refresh(session, session.version, self._services, wait_s)

    async def _replace(self, older: ChargerSession) -> None:
        """The newest socket wins: the older one is cut; what it had said is told before what the newer one says."""
        self._counts.replaced += 1
        older.outgoing.close()
        older.socket.transport.abort()
        try:
            async with asyncio.timeout(self._settings.desk_timeout_s):
                await older.finished.wait()
        except TimeoutError:
            log.warning("%s: its former socket is slow to end", older.station.charger_id)


class _Arrival(ServerConnection):
    """A connection that counts among its address's unfinished handshakes until it is let in or gone."""

    counts: ClassVar[Counts]
    handshakes: ClassVar[Counter[str]]
    limit: ClassVar[int]
    charger_id = ""
    address = "?"
    _address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse at once where too many of one address are at the door."""
        peer = transport.get_extra_info("peername")
        self._address = self.address = str(peer[0]) if peer else "?"
        self.handshakes[self._address] += 1
        super().connection_made(transport)
        if self.handshakes[self._address] > self.limit:
            self.counts.handshakes_refused += 1
            assert isinstance(transport, asyncio.Transport)
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, let in or not."""
        self.settle()
        super().connection_lost(exc)

    def settle(self) -> None:
        """The handshake is over."""
        if self._address is None:
            return
        self.handshakes[self._address] -= 1
        if self.handshakes[self._address] <= 0:
            del self.handshakes[self._address]
        self._address = None


def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((Subprotocol(name) for name in SUBPROTOCOLS if name in offered), None)


def _tls(settings: OcppSettings) -> ssl.SSLContext:
    assert settings.tls_cert is not None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    if settings.tls_ca is not None:
        context.load_verify_locations(settings.tls_ca)
        context.verify_mode = ssl.CERT_REQUIRED if settings.security_profile >= 3 else ssl.CERT_OPTIONAL
    return context


def _quiet_logger() -> logging.Logger:
    """What strangers send to a port is no news: the library's own lines stay below warnings."""
    logger = logging.getLogger("integrations.ocpp.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
