"""The Office runs verbs in database threads: one transaction each, committed once, then whoever waits is woken.

On SQLite one thread writes: everything that waits is done in one transaction, each item in its own savepoint, and
one COMMIT serves all. On PostgreSQL verbs run on a small pool of threads, and the inbox batches its own inserts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from desk import database, inbox
from desk.work import House, Work
from models.access import ASSISTANT, Actor
from models.errors import Unavailable
from models.inbox import InboxRow
from models.ports import Bus, Clock

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

QUEUE_LIMIT = 5_000
BATCH_LIMIT = 400
RETRIES = 5
_GATHER_S = 0.002


@dataclass
class _Item:
    """Something for the writing thread: a verb, or a row for the inbox."""

    future: Future[Any]
    verb: Callable[[Work], Any] | None = None
    row: InboxRow | None = None
    actor: Actor = ASSISTANT
    topics: list[str] = field(default_factory=list)


class Office:
    """Where verbs are run. Safe to use from one event loop; its threads end with `close`."""

    def __init__(self, url: str, *, clock: Clock, bus: Bus, house: House, threads: int = 6) -> None:
        self.url = url
        self.house = house
        self.clock = clock
        self.bus = bus
        self.sqlite = database.is_sqlite(url)
        self._writing = database.writing_engine(url, pool_size=threads + 2)
        self._reading = database.reading_engine(url, pool_size=threads)
        self._queue: queue.Queue[_Item | None] = queue.Queue()
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="desk-read")
        self._workers = ThreadPoolExecutor(1 if self.sqlite else threads, thread_name_prefix="desk-work")
        self._closing = False
        self._writer = threading.Thread(target=self._write_forever, name="desk-writer", daemon=True)
        self._writer.start()
        self._listener: threading.Thread | None = None
        if not self.sqlite:
            self._listener = threading.Thread(target=self._listen_forever, name="desk-listen", daemon=True)
            self._listener.start()

    # What rooms call -------------------------------------------------------------------------------------------

    def desk(self, actor: Actor) -> Desk:
        """The same office, with everything done in `actor`'s name."""
        return Desk(self, actor)

    async def run(
        self, actor: Actor, verb: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a writing verb; returns what it returned once it is committed. Raises Unavailable when nothing was."""
        return await asyncio.wrap_future(self.submit(actor, lambda work: verb(work, *args, **kwargs)))

    async def read(
        self, actor: Actor, verb: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a verb that only reads, on a connection that cannot write."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, self._read_now, actor, lambda work: verb(work, *args, **kwargs)
        )

    async def put(self, row: InboxRow) -> None:
        """Store a raw message; returns once it is on disk. A repeat is stored once. Raises Unavailable otherwise."""
        await asyncio.wrap_future(self._enqueue(_Item(Future(), row=row)))

    def submit(self, actor: Actor, verb: Callable[[Work], T]) -> Future[T]:
        """Like `run`, from any thread."""
        if self.sqlite:
            return self._enqueue(_Item(Future(), verb=verb, actor=actor))
        if self._closing:
            raise Unavailable("the office is closing")
        return self._workers.submit(self._run_alone, actor, verb)

    @property
    def waiting(self) -> int:
        """How many items wait for the writing thread."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what was accepted, then let go of every connection."""
        self._closing = True
        self._queue.put(None)
        self._writer.join(timeout=10)
        self._workers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        if self._listener is not None:
            self._listener.join(timeout=5)
        self._writing.dispose()
        self._reading.dispose()

    # Reading ---------------------------------------------------------------------------------------------------

    def _read_now(self, actor: Actor, verb: Callable[[Work], T]) -> T:
        try:
            with Session(self._reading, expire_on_commit=False) as session:
                return verb(Work(session, self.clock.now(), actor, self.house))
        except (OperationalError, PoolTimeout) as error:
            raise Unavailable(str(error)) from error

    # PostgreSQL: one transaction a verb ------------------------------------------------------------------------

    def _run_alone(self, actor: Actor, verb: Callable[[Work], T]) -> T:
        for attempt in range(RETRIES):
            try:
                return self._run_once(actor, verb)
            except DBAPIError as error:
                if not _transient(error):
                    raise
                if attempt == RETRIES - 1 or error.connection_invalidated:
                    raise Unavailable(str(error)) from error
                time.sleep(0.01 * 2**attempt)
            except PoolTimeout as error:
                raise Unavailable(str(error)) from error
        raise Unavailable("the database keeps refusing")

    def _run_once(self, actor: Actor, verb: Callable[[Work], T]) -> T:
        with Session(self._writing, expire_on_commit=False) as session:
            work = Work(session, self.clock.now(), actor, self.house)
            result = verb(work)
            self._notify(session.connection(), work.topics)
            session.commit()
        self._announce(work.topics)
        return result

    def _notify(self, connection: Connection, topics: list[str]) -> None:
        if topics and not self.sqlite:
            payload = "\n".join([self.house.node, *topics])[:7900]
            connection.execute(text("SELECT pg_notify('chargehand', :payload)"), {"payload": payload})

    def _announce(self, topics: list[str]) -> None:
        for topic in topics:
            self.bus.announce(topic)

    # The writing thread ----------------------------------------------------------------------------------------

    def _enqueue(self, item: _Item) -> Future[Any]:
        if self._closing:
            raise Unavailable("the office is closing")
        if self._queue.qsize() >= QUEUE_LIMIT:
            raise Unavailable("too much is waiting to be stored")
        self._queue.put(item)
        return item.future

    def _write_forever(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = self._gather(first)
            try:
                self._write(batch)
            except BaseException as error:  # noqa: BLE001 - the thread must live, and everybody must hear
                _fail(batch, error)
            if self._closing and self._queue.empty():
                return

    def _gather(self, first: _Item) -> list[_Item]:
        """Whatever waits now. A short pause lets requests of the same moment share one commit."""
        batch = [first]
        if first.row is not None and self._queue.qsize() > 0:
            time.sleep(_GATHER_S)
        with contextlib.suppress(queue.Empty):
            while len(batch) < BATCH_LIMIT:
                item = self._queue.get_nowait()
                if item is None:
                    self._queue.put(None)
                    break
                batch.append(item)
        return batch

    def _write(self, batch: list[_Item]) -> None:
        outcomes: list[tuple[_Item, Any, BaseException | None]] = []
        try:
            with self._writing.connect() as connection, connection.begin():
                outcomes += self._put_rows(connection, [item for item in batch if item.row is not None])
                outcomes += [self._run_item(connection, item) for item in batch if item.verb is not None]
                topics = _unique(item.topics for item, _, error in outcomes if error is None)
                self._notify(connection, topics)
        except (DBAPIError, PoolTimeout) as error:
            log.warning("the database refused a batch of %d", len(batch), exc_info=error)
            _fail(batch, error)
            return
        for item, value, failure in outcomes:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(failure) if failure is not None else item.future.set_result(value)
        self._announce(topics)

    def _put_rows(self, connection: Connection, items: list[_Item]) -> list[tuple[_Item, Any, BaseException | None]]:
        if not items:
            return []
        rows = [item.row for item in items if item.row is not None]
        now = self.clock.now()
        try:
            with connection.begin_nested():
                inbox.insert(connection, rows, now)
        except DBAPIError:
            return [self._put_row(connection, item) for item in items]
        items[0].topics.append("inbox")
        return [(item, None, None) for item in items]

    def _put_row(self, connection: Connection, item: _Item) -> tuple[_Item, Any, BaseException | None]:
        assert item.row is not None
        try:
            with connection.begin_nested():
                inbox.insert(connection, [item.row], self.clock.now())
        except DBAPIError as error:
            return item, None, Unavailable(str(error))
        item.topics.append("inbox")
        return item, None, None

    def _run_item(self, connection: Connection, item: _Item) -> tuple[_Item, Any, BaseException | None]:
        assert item.verb is not None
        try:
            with (
                connection.begin_nested(),
                Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session,
            ):
                work = Work(session, self.clock.now(), item.actor, self.house, item.topics)
                value = item.verb(work)
                session.commit()
        except DBAPIError as error:
            return item, None, Unavailable(str(error)) if _transient(error) else error
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            return item, None, error
        return item, value, None

    # Wake-ups from other processes -----------------------------------------------------------------------------

    def _listen_forever(self) -> None:
        import psycopg  # noqa: PLC0415 - only where the database is PostgreSQL

        address = database.normalise(self.url).replace("postgresql+psycopg://", "postgresql://", 1)
        while not self._closing:
            try:
                with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
                    connection.execute("LISTEN chargehand")
                    while not self._closing:
                        for notice in connection.notifies(timeout=0.5):
                            self._hear(notice.payload)
            except psycopg.Error:
                time.sleep(0.5)

    def _hear(self, payload: str) -> None:
        node, *topics = payload.split("\n")
        if node != self.house.node:
            for topic in topics:
                self.bus.hear(topic)


@dataclass(frozen=True)
class Desk:
    """An Office bound to an actor: what commands, pages and the assistant hold."""

    office: Office
    actor: Actor

    async def run(self, verb: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a writing verb in the actor's name."""
        return await self.office.run(self.actor, verb, *args, **kwargs)

    async def read(self, verb: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading verb in the actor's name."""
        return await self.office.read(self.actor, verb, *args, **kwargs)


def _fail(batch: list[_Item], error: BaseException) -> None:
    for item in batch:
        if not item.future.done() and item.future.set_running_or_notify_cancel():
            item.future.set_exception(Unavailable(str(error)))


def _unique(lists: Any) -> list[str]:
    return list(dict.fromkeys(topic for topics in lists for topic in topics))


def _transient(error: DBAPIError) -> bool:
    """Worth another try: the connection went, a deadlock, a serialisation failure, or SQLite's lock."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return bool(error.connection_invalidated) or isinstance(error, OperationalError) or state[:2] in ("40", "08", "57")
