"""The clock's sweep with nothing due and with 100 due, at 100 thousand and at a million tickets."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from benchmarks.report import Finding, median, show, spread
from bot.clock import SystemClock
from desk.office import Office
from desk.sla_timers import fire_due
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import CLOCK, OPERATOR

SIZES = (100_000, 1_000_000)
ROUNDS = 7
FAR = datetime(2099, 1, 1, tzinfo=UTC)

_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT :low UNION ALL SELECT i + 1 FROM n WHERE i < :high) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(:low AS bigint), CAST(:high AS bigint))) ",
}
_TICKETS = (
    "INSERT INTO ticket (id, status, priority, category, department, summary, description, tier_rank, created_at, "
    "updated_at) {n} SELECT i, 'OPEN', 'normal', 'fault', 'technical', 'bench', '', 3, :now, :now FROM n"
)
_CLOCKS = (
    "INSERT INTO sla_clock (id, ticket_id, kind, seq, target_s, started_at, running_since_at, consumed_s, due_at, "
    "state, gen) {n} SELECT i, i, 'resolution', 1, 259200, :now, :now, 0, :far, 'running', 1 FROM n"
)
_TIMERS = (
    "INSERT INTO sla_timer (id, clock_id, what, fire_at, gen, state) {n} SELECT i, i, 'warn50', :far, 1, 'armed' FROM n"
)


def run(databases: dict[str, str]) -> None:
    """Each engine at both sizes."""
    for name, url in databases.items():
        office = Office(url, clock=SystemClock(), bus=LocalBus(), house=House())
        try:
            show(f"Clock sweep on {name}, {ROUNDS} rounds", _engine(office, name))
        finally:
            office.close()


def _engine(office: Office, name: str) -> list[Finding]:
    findings: list[Finding] = []
    idle: dict[int, float] = {}
    low = 1
    for size in SIZES:
        for start in range(low, size + 1, 100_000):
            office.submit(OPERATOR, lambda work, a=start: _fill(work, name, a, a + 99_999)).result()  # type: ignore[misc]
        low = size + 1
        office.submit(OPERATOR, _analyse).result()
        nothing = [_sweep(office, 0) for _ in range(ROUNDS)]
        hundred = [_sweep(office, 100) for _ in range(ROUNDS)]
        scan = [_scan(office) for _ in range(3)]
        idle[size] = min(nothing)  # the least disturbed round
        findings += [
            Finding(f"{size:,} tickets, 0 due", median(nothing), "ms", note=spread(nothing)),
            Finding(f"{size:,} tickets, 100 due", median(hundred), "ms", note=spread(hundred)),
            Finding(f"{size:,} tickets, look at every timer without the index", median(scan), "ms"),
        ]
    ratio = idle[SIZES[1]] / idle[SIZES[0]]
    findings.append(Finding("0 due, best round: a million beside 100 thousand", ratio, "x", at_most=2))
    return findings


def _fill(work: Work, name: str, low: int, high: int) -> None:
    zone = {"low": low, "high": high, "now": _stored(name, work.now), "far": _stored(name, FAR)}
    for statement in (_TICKETS, _CLOCKS, _TIMERS):
        sql = statement.format(n=_NUMBERS[name])
        known = {key: value for key, value in zone.items() if f":{key}" in sql}
        work.session.execute(text(sql), known)


def _stored(name: str, moment: datetime) -> object:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f") if name == "sqlite" else moment


def _analyse(work: Work) -> None:
    work.session.execute(text("ANALYZE"))


def _sweep(office: Office, due: int) -> float:
    """Make `due` timers due, sweep once, and time the sweep alone."""
    if due:
        office.submit(OPERATOR, lambda work: _make_due(work, due)).result()
    began = time.perf_counter()
    fired = office.submit(CLOCK, fire_due).result()
    seconds = time.perf_counter() - began
    assert fired == due, f"{fired} fired, {due} were due"
    return seconds * 1000


def _make_due(work: Work, due: int) -> None:
    past = work.now - timedelta(seconds=5)
    name = "postgresql" if work.postgresql else "sqlite"
    work.session.execute(
        text(
            "UPDATE sla_timer SET fire_at = :past WHERE id IN "
            "(SELECT id FROM sla_timer WHERE state = 'armed' AND what = 'warn50' ORDER BY id LIMIT :due)"
        ),
        {"past": _stored(name, past), "due": due},
    )


def _scan(office: Office) -> float:
    def look(work: Work) -> int:
        name = "postgresql" if work.postgresql else "sqlite"
        statement = "SELECT count(*) FROM sla_timer WHERE gen + 0 = 1 AND fire_at < :now AND state || '' = 'armed'"
        return int(work.session.execute(text(statement), {"now": _stored(name, work.now)}).scalar_one())

    began = time.perf_counter()
    office.submit(OPERATOR, look).result()
    return (time.perf_counter() - began) * 1000
