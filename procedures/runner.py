"""The worker of procedures: claims runs, does them, ends those whose worker died, pays what ended runs still owe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from desk import run_steps
from desk.office import Office
from desk.run_steps import Claimed, LeaseLost
from models.access import ASSISTANT
from models.charger import RunKind, RunResult
from models.errors import Unavailable
from models.ports import Bus, Chargers, Clock
from procedures.clear_fault import clear_fault
from procedures.patience import Patience
from procedures.reap import reap
from procedures.reboot import reboot
from procedures.run import Ended, Outcome, Run, put_back
from procedures.start_charge import start_charge
from procedures.stop_charge import stop_charge
from procedures.take_out_of_service import take_out_of_service
from procedures.unlock import unlock

log = logging.getLogger(__name__)

AT_ONCE = 20
_LAST_WORDS_S = 3
_LONGEST_DEBT_S = 3600

PROCEDURES: dict[RunKind, Callable[[Run], Awaitable[Outcome]]] = {
    RunKind.CLEAR_FAULT: clear_fault,
    RunKind.REBOOT: reboot,
    RunKind.TAKE_OUT_OF_SERVICE: take_out_of_service,
    RunKind.START_CHARGE: start_charge,
    RunKind.STOP_CHARGE: stop_charge,
    RunKind.UNLOCK: unlock,
}


class ProcedureRunner:
    """`run` until `stop`. Several may work on one database."""

    def __init__(
        self, office: Office, chargers: Chargers, clock: Clock, bus: Bus, node: str, *, patience: Patience | None = None
    ) -> None:
        self._office = office
        self._chargers = chargers
        self._clock = clock
        self._bus = bus
        self._node = node
        self._owner = f"{node}:{uuid.uuid4().hex[:12]}"
        self._patience = patience or Patience()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._stopping = False
        self._over = asyncio.Event()
        self._over.set()
        self._debts_at: dict[int, tuple[datetime, float]] = {}
        self._debts_next = clock.now()

    async def run(self) -> None:
        """Work until `stop`, or until cancelled; a failing database is waited for. At the end what is down is put
        back, within seconds; the rest is for whoever starts next."""
        queue = self._bus.subscribe("run")
        self._over.clear()
        try:
            await self._work(queue)
        finally:
            self._stopping = True
            self._bus.unsubscribe(queue)
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._over.set()

    async def stop(self) -> None:
        """End `run` and wait for its end."""
        self._stopping = True
        self._bus.announce("run")
        await self._over.wait()

    async def _work(self, queue: asyncio.Queue[str]) -> None:
        freed = False
        while not self._stopping:
            try:
                if not freed:
                    await self._office.run(ASSISTANT, run_steps.free_dead, self._node, self._owner)
                    freed = True
                await self._claim()
                await self._pay()
            except Unavailable as error:
                log.warning("procedures wait for the database: %s", error)
            if not self._stopping:
                await self._idle(queue)

    async def _idle(self, queue: asyncio.Queue[str]) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(self._patience.poll_s):
                await queue.get()
        while not queue.empty():
            queue.get_nowait()

    async def _claim(self) -> None:
        room = AT_ONCE - len(self._tasks)
        if room <= 0:
            return
        mine = list(self._tasks)
        for claimed in await self._office.run(
            ASSISTANT, run_steps.claim, self._owner, self._patience.lease_s, room, mine
        ):
            self._tasks[claimed.id] = asyncio.create_task(self._take(claimed))

    async def _take(self, claimed: Claimed) -> None:
        try:
            await self._do(claimed)
        finally:
            del self._tasks[claimed.id]

    # One run ---------------------------------------------------------------------------------------------------

    async def _do(self, claimed: Claimed) -> None:
        run = Run(self._office, self._chargers, self._clock, self._bus, self._owner, claimed, self._patience)
        doing = asyncio.create_task(self._finish(run))
        holding = asyncio.create_task(self._hold(claimed.id, doing))
        try:
            await doing
        except asyncio.CancelledError:
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            if self._stopping:
                await self._leave(run)
                raise
        except LeaseLost:
            log.warning("run %d passed to another worker", claimed.id)
        except Unavailable as error:
            log.warning("run %d is left to the reaper: %s", claimed.id, error)
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    async def _finish(self, run: Run) -> None:
        outcome = await self._outcome(run)
        if outcome.result is not RunResult.STOPPED:
            await run.put_back()
        await self._office.run(ASSISTANT, run_steps.end, run.claimed.id, self._owner, outcome.result, outcome.facts)

    async def _outcome(self, run: Run) -> Outcome:
        procedure = reap if run.claimed.died else PROCEDURES[run.claimed.kind]
        try:
            return await procedure(run)
        except Ended as ended:
            if run.claimed.died and ended.outcome.result is not RunResult.STOPPED:
                return Outcome(RunResult.UNKNOWN, {**ended.outcome.facts, "reason": "worker_died"})
            return ended.outcome
        except (LeaseLost, Unavailable):
            raise
        except Exception:
            log.exception("run %d: a procedure failed by our own fault", run.claimed.id)
            return Outcome(RunResult.UNKNOWN, {"reason": "bug"})

    async def _hold(self, run_id: int, doing: asyncio.Task[None]) -> None:
        """Renew the lease while the run is at work; let go of the work when the lease is lost."""
        while not doing.done():
            await self._clock.sleep(self._patience.lease_s / 3)
            try:
                await self._office.run(ASSISTANT, run_steps.renew, run_id, self._owner, self._patience.lease_s)
            except LeaseLost:
                doing.cancel()
                return
            except Unavailable:
                continue

    async def _leave(self, run: Run) -> None:
        """The process goes: nothing may stay inoperative for its sake."""
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await run.put_back()
                await self._office.run(ASSISTANT, run_steps.release, run.claimed.id, self._owner)
        except (TimeoutError, Unavailable, LeaseLost) as error:
            log.warning("run %d is left to the reaper: %s", run.claimed.id, type(error).__name__)

    # Debts -----------------------------------------------------------------------------------------------------

    async def _pay(self) -> None:
        """Try again to put back what ended runs left inoperative, with growing pauses for each."""
        now = self._clock.now()
        if now < self._debts_next:
            return
        self._debts_next = now + timedelta(seconds=self._patience.debt_s)
        for debt in await self._office.read(ASSISTANT, run_steps.debts):
            due_at, pause_s = self._debts_at.get(debt.run_id, (now, self._patience.debt_s))
            if due_at > now:
                continue
            if await put_back(self._office, self._chargers, debt.run_id, debt.charger_id, list(debt.connectors)):
                self._debts_at.pop(debt.run_id, None)
            else:
                longer = min(pause_s * 2, _LONGEST_DEBT_S)
                self._debts_at[debt.run_id] = (now + timedelta(seconds=pause_s), longer)
