"""What is remembered of a charger between its messages and across its sockets; all of it can be lost."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from models.charger import ChargerState
from models.ports import StatusReport

KEPT_STARTS = 32


@dataclass
class Session:
    """A charging session as last heard. `origin_wh` is taken off every register where no start value was given."""

    transaction_id: int
    connector: int
    id_tag: str | None = None
    remote_id: str | None = None
    state: ChargerState | None = None
    origin_wh: int | None = 0
    last_wh: int | None = None

    def energy(self, register_wh: int | None) -> int | None:
        """The register as it is reported; the first one heard becomes the origin where the start had none."""
        if register_wh is None:
            return None
        self.last_wh = register_wh
        if self.origin_wh is None:
            self.origin_wh = register_wh
        return register_wh - self.origin_wh


@dataclass
class Problem:
    """A fault that a 2.0.1 charger told of by an event."""

    error_code: str
    vendor_error: str | None
    info: str | None


@dataclass
class Outlets:
    """Numbers 1..n for the (evse, connector) pairs of a charger, in their order.

    OCPP numbers both without gaps from 1, so a pair implies those below it.
    """

    pairs: list[tuple[int, int]] = field(default_factory=list)

    def learn(self, evse: int, connector: int) -> bool:
        """Take note of a pair; tells whether numbers of pairs known before have changed."""
        if (evse, connector) in self.pairs:
            return False
        before = list(self.pairs)
        known = set(before)
        known.update((lower, 1) for lower in range(1, evse + 1))
        known.update((evse, lower) for lower in range(1, connector + 1))
        self.pairs = sorted(known)
        return self.pairs[: len(before)] != before

    def number(self, evse: int, connector: int | None) -> int:
        """The number of a pair; 0 for the whole station; the EVSE's first connector where none is named."""
        if evse <= 0:
            return 0
        self.learn(evse, connector or 1)
        return self.pairs.index((evse, connector or 1)) + 1

    def pair(self, number: int) -> tuple[int, int]:
        """The pair of a number; one connector per EVSE is assumed for what was never heard of."""
        if 1 <= number <= len(self.pairs):
            return self.pairs[number - 1]
        last_evse = self.pairs[-1][0] if self.pairs else 0
        return last_evse + number - len(self.pairs), 1

    def of_evse(self, evse: int) -> list[int]:
        """The numbers of an EVSE's connectors."""
        return [index + 1 for index, pair in enumerate(self.pairs) if pair[0] == evse]


@dataclass
class Station:
    """The memory of one charger."""

    charger_id: str
    outlets: Outlets = field(default_factory=Outlets)
    statuses: dict[int, StatusReport] = field(default_factory=dict)
    words: dict[tuple[int, int], str] = field(default_factory=dict)  # 2.0.1: the connector's status as it was said
    problems: dict[tuple[int, str], Problem] = field(default_factory=dict)  # 2.0.1: by (evse, component.variable)
    sessions: dict[int, Session] = field(default_factory=dict)
    starts: OrderedDict[str, int] = field(default_factory=OrderedDict)
    finished: set[int] = field(default_factory=set)  # 2.0.1: occupied connectors whose session is over
    request_ids: int = 0

    def begun(self, key: str, session: Session) -> None:
        """A session is under way; its start is remembered for a repeat of the same message."""
        self.starts[key] = session.transaction_id
        while len(self.starts) > KEPT_STARTS:
            self.starts.popitem(last=False)
        for old in [one for one in self.sessions.values() if one.connector == session.connector]:
            del self.sessions[old.transaction_id]
        self.sessions[session.transaction_id] = session

    def ended(self, transaction_id: int | None) -> Session | None:
        """A session is over; gives what was known of it."""
        return self.sessions.pop(transaction_id, None) if transaction_id is not None else None

    def session_at(self, connector: int) -> Session | None:
        """The session under way at a connector."""
        return next((one for one in self.sessions.values() if one.connector == connector), None)

    def session_named(self, remote_id: str) -> Session | None:
        """The session with the charger's own name for it."""
        return next((one for one in self.sessions.values() if one.remote_id == remote_id), None)
