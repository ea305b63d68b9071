"""Fits the desk's charging verbs to what the central system asks for (models.ports.ChargingDesk)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from desk import board, charger_state, chargers, charging, tags
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, charger_actor
from models.charger import Charger
from models.errors import BadInput, Unavailable
from models.ports import (
    BootReport,
    Clock,
    FrameRecord,
    MeterReport,
    StartReport,
    StatusReport,
    StopReport,
    TagVerdict,
)

log = logging.getLogger(__name__)

REFUSE, REGISTER = "refuse", "register"
VERDICT_S = 5
REMEMBERED = 20_000
_LOW = 50
_NETWORK = charger_actor("network")


class ChargingAdapter:
    """`unknown_chargers` is `refuse` or `register`: a charger nobody knows is then taken in with the password that it
    brings, and must bring the same one from then on."""

    def __init__(
        self, office: Office, clock: Clock, *, unknown_chargers: str = REFUSE, heartbeat_interval_s: int = 300
    ) -> None:
        self._office = office
        self._clock = clock
        self._register = unknown_chargers == REGISTER
        self._heartbeat_interval_s = heartbeat_interval_s
        self._key = secrets.token_bytes(32)
        self._proofs: OrderedDict[tuple[str, bytes], asyncio.Task[bool]] = OrderedDict()
        self._hashing = asyncio.Semaphore(2)
        self._verdicts: OrderedDict[str, tuple[datetime, TagVerdict]] = OrderedDict()
        self._changed_tags: asyncio.Queue[str] | None = None
        self._numbers: deque[int] = deque()
        self._reserving: asyncio.Task[None] | None = None

    # Who may connect -------------------------------------------------------------------------------------------

    async def admit(self, charger_id: str, password: bytes | None, security_profile: int) -> bool:
        """Whether this charger may connect. A client certificate (profile 3) has proven it already; an open door
        (profile 0) asks only those that have a password for it."""
        known, stored = await self._office.read(_NETWORK, _stored_password, charger_id)
        if not known:
            return self._register and await self._take_in(charger_id, password, security_profile)
        if security_profile >= 3:
            return True
        if stored is None:
            return security_profile == 0
        return password is not None and await self._proven(stored, password)

    async def _proven(self, stored: str, password: bytes) -> bool:
        """Hashing is slow on purpose: a fleet that reconnects at once is recognised by what was proven before, and
        who gave up waiting finds the proof at its next try."""
        mark = stored, hmac.digest(self._key, password, hashlib.sha256)
        proof = self._proofs.get(mark)
        if proof is None:
            proof = self._proofs[mark] = asyncio.create_task(self._prove(stored, password))
            if len(self._proofs) > REMEMBERED:
                self._proofs.popitem(last=False)
        return await asyncio.shield(proof)

    async def _prove(self, stored: str, password: bytes) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(chargers.password_fits, stored, password)

    async def _take_in(self, charger_id: str, password: bytes | None, security_profile: int) -> bool:
        if password is None and security_profile in (1, 2):
            return False
        hashed = await asyncio.to_thread(chargers.hash_password, password) if password is not None else None
        try:
            await self._office.run(OPERATOR, _take_in, charger_id, hashed)
        except BadInput:
            return False
        log.info("charger %s was registered as it connected", charger_id)
        return True

    # What chargers report --------------------------------------------------------------------------------------

    async def connected(self, charger_id: str, version: str, at: datetime) -> int:
        """The newest socket; gives its epoch."""
        return await self._office.run(charger_actor(charger_id), charger_state.connected, charger_id, version, at)

    async def disconnected(self, charger_id: str, epoch: int, at: datetime) -> None:
        """That socket went."""
        await self._office.run(charger_actor(charger_id), charger_state.disconnected, charger_id, epoch, at)

    async def booted(self, charger_id: str, report: BootReport, at: datetime) -> None:
        """A boot."""
        await self._office.run(
            charger_actor(charger_id), charger_state.booted, charger_id, report, at,
            heartbeat_interval_s=self._heartbeat_interval_s,
        )  # fmt: skip

    async def seen(self, charger_ids: dict[str, datetime]) -> None:
        """When chargers were last heard."""
        await self._office.run(_NETWORK, charger_state.seen, charger_ids)

    async def status(self, charger_id: str, report: StatusReport, at: datetime) -> None:
        """A connector's state."""
        await self._office.run(charger_actor(charger_id), charger_state.reported, charger_id, report, at)

    async def variables(self, charger_id: str, values: dict[str, tuple[str | None, bool]], at: datetime) -> None:
        """Configuration read."""
        await self._office.run(charger_actor(charger_id), charger_state.note_variables, charger_id, values, at)

    async def frames(self, records: list[FrameRecord]) -> None:
        """The frame log."""
        await self._office.run(_NETWORK, charger_state.note_frames, records)

    # Sessions --------------------------------------------------------------------------------------------------

    async def verdict(self, charger_id: str, id_tag: str) -> TagVerdict:
        """Whether a tag may charge; for a few seconds from memory, unless somebody changes the tag."""
        self._forget_changed()
        name, now = id_tag.strip().upper(), self._clock.now()
        known = self._verdicts.get(name)
        if known is not None and known[0] > now:
            return known[1]
        verdict = await self._office.read(charger_actor(charger_id), tags.verdict, name)
        self._verdicts[name] = (now + timedelta(seconds=VERDICT_S), verdict)
        self._verdicts.move_to_end(name)
        if len(self._verdicts) > REMEMBERED:
            self._verdicts.popitem(last=False)
        return verdict

    def _forget_changed(self) -> None:
        if self._changed_tags is None:
            self._changed_tags = self._office.bus.subscribe("tag.")
        while not self._changed_tags.empty():
            self._verdicts.pop(self._changed_tags.get_nowait().removeprefix("tag."), None)

    async def next_transaction_id(self) -> int:
        """A number nobody else has; the next block is fetched before this one ends."""
        if len(self._numbers) < _LOW and (self._reserving is None or self._reserving.done()):
            self._reserving = asyncio.create_task(self._reserve())
        while not self._numbers:
            assert self._reserving is not None
            await asyncio.shield(self._reserving)
            if not self._numbers:  # others were quicker
                self._reserving = asyncio.create_task(self._reserve())
        return self._numbers.popleft()

    async def _reserve(self) -> None:
        """Raises Unavailable to whoever waits for a number; while some are in hand it is tried again later."""
        try:
            self._numbers.extend(await self._office.run(_NETWORK, charging.reserve_numbers))
        except Unavailable as error:
            log.warning("no session numbers could be reserved: %s", error)
            if not self._numbers:
                raise

    async def started(self, charger_id: str, report: StartReport) -> tuple[int, TagVerdict]:
        """A session began."""
        number, verdict = await self._office.run(charger_actor(charger_id), charging.started, charger_id, report)
        if report.id_tag is not None:
            self._verdicts.pop(report.id_tag.strip().upper(), None)
        return number, verdict

    async def metered(self, charger_id: str, reports: list[MeterReport]) -> None:
        """Readings."""
        await self._office.run(charger_actor(charger_id), charging.metered, charger_id, reports)

    async def stopped(self, charger_id: str, report: StopReport) -> None:
        """A session ended."""
        transaction = await self._office.run(charger_actor(charger_id), charging.stopped, charger_id, report)
        if transaction.id_tag is not None:
            self._verdicts.pop(transaction.id_tag, None)


def _stored_password(work: Work, charger_id: str) -> tuple[bool, str | None]:
    charger = work.session.get(Charger, charger_id)
    return charger is not None, charger.password_hash if charger else None


def _take_in(work: Work, charger_id: str, password_hash: str | None) -> None:
    if work.session.get(Charger, charger_id) is not None:
        return
    chargers.make(work, charger_id).password_hash = password_hash
    board.raise_alert(
        work, kind="fault", key=f"registered:{charger_id}", code="charger.registered",
        facts={"charger_id": charger_id}, charger_id=charger_id,
    )  # fmt: skip
