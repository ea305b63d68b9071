"""The list of tickets: every filter against the plain truth, every page once, and what an index cannot answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from desk import members, sla, stretch, ticket_list, tickets
from desk.office import Office
from desk.ticket_list import Order, Pressing, TicketFilter
from desk.work import Work
from models.access import CLOCK, OPERATOR, Actor, Department, Role
from models.charger import Charger, Site
from models.contact import Contact, Tier
from models.errors import BadInput, NotAllowed
from models.reading import Category
from models.sla import ClockKind, SlaClock
from models.ticket import (
    CATEGORY_DEPARTMENT,
    LIVE,
    NEVER,
    PRIORITY_RANK,
    ClaimClass,
    Priority,
    Ticket,
    TicketStatus,
)
from tests.clock import JumpingClock

COUNT = 120


@pytest.fixture
async def people(office: Office, clock: JumpingClock) -> dict[str, Actor]:
    """Many tickets in every state, of every kind, opened over four days."""

    def place(work: Work) -> dict[str, Actor]:
        found = {}
        for name, role in (
            ("agent", Role.OPS_AGENT),
            ("boss", Role.MANAGER),
            ("fitter", Role.INSTALLER),
            ("cpo", Role.CPO),
        ):
            row = members.add(work, email=f"{name}@example.org", name=name, role=role, departments=tuple(Department))
            found[name] = members.actor(work, row)
        sites = [Site(name="Fort"), Site(name="Kandy")]
        work.session.add_all(sites)
        work.session.flush()
        work.session.add_all(
            Charger(id=str(100001 + number), site_id=sites[number % 2].id, created_at=work.now) for number in range(4)
        )
        work.session.add_all(Contact(name=f"C{tier.value}", tier=tier, created_at=work.now) for tier in Tier)
        return found

    actors = await office.run(OPERATOR, place)
    clock.set(await office.run(actors["boss"], _many, actors))
    return actors


def _many(work: Work, actors: dict[str, Actor]) -> datetime:
    """In one transaction, each at its own time; tells the last."""
    chance, moment = random.Random(7), work.now
    for _ in range(COUNT):
        moment += timedelta(minutes=chance.randrange(90))
        _one(Work(work.session, moment, work.actor, work.house), chance, actors)
    return moment


def _one(work: Work, chance: random.Random, actors: dict[str, Actor]) -> None:
    ticket = tickets.open_ticket(
        work, category=chance.choice(list(Category)), summary="x", priority=chance.choice(list(Priority)),
        charger_id=chance.choice([None, "100001", "100002", "100003", "100004"]),
        contact_id=chance.choice([None, 1, 2, 3, 4]),
    )  # fmt: skip
    ticket.claim_class = chance.choice([None, None, *ClaimClass])
    fate = chance.random()
    if fate > 0.25:
        tickets.assign(work, ticket.ref, actors[chance.choice(["agent", "boss", "fitter"])].member_id or 0)
    if fate > 0.5:
        tickets.start(work, ticket.ref)
    if 0.6 < fate < 0.9:
        tickets.resolve(work, ticket.ref, "done")
    if 0.75 < fate < 0.9:
        tickets.close(work, ticket.ref)
    if fate > 0.95:
        tickets.pause_clock(work, ticket.ref, "a part is missing", ClockKind.RESOLUTION)


FILTERS: dict[str, TicketFilter] = {
    "live": TicketFilter(),
    "all": TicketFilter(closed_too=True),
    "status": TicketFilter(status=TicketStatus.RESOLVED),
    "live status": TicketFilter(status=TicketStatus.ASSIGNED),
    "unassigned": TicketFilter(unassigned=True),
    "assignee": TicketFilter(assignee_id=1),
    "assignee all": TicketFilter(assignee_id=1, closed_too=True),
    "priority": TicketFilter(priority=Priority.CRITICAL),
    "priority all": TicketFilter(priority=Priority.CRITICAL, closed_too=True),
    "category": TicketFilter(category=Category.BILLING),
    "department": TicketFilter(department=Department.TECHNICAL, closed_too=True),
    "both that fit": TicketFilter(category=Category.FAULT, department=Department.TECHNICAL),
    "both that do not": TicketFilter(category=Category.FAULT, department=Department.SERVICE),
    "class": TicketFilter(claim_class=ClaimClass.B, closed_too=True),
    "class live": TicketFilter(claim_class=ClaimClass.B),
    "charger": TicketFilter(charger_id="100001"),
    "charger all": TicketFilter(charger_id="100001", closed_too=True),
    "site": TicketFilter(site_id=1),
    "site all": TicketFilter(site_id=1, closed_too=True),
    "site that is none": TicketFilter(site_id=99, closed_too=True),
    "contact": TicketFilter(contact_id=2, closed_too=True),
    "overdue": TicketFilter(pressing=Pressing.OVERDUE),
    "at risk": TicketFilter(pressing=Pressing.AT_RISK),
    "overdue of one": TicketFilter(pressing=Pressing.OVERDUE, assignee_id=1),
    "overdue at a site": TicketFilter(pressing=Pressing.OVERDUE, site_id=2),
    "overdue among faults": TicketFilter(pressing=Pressing.OVERDUE, category=Category.FAULT),
    "a contact at a site": TicketFilter(contact_id=2, site_id=1, closed_too=True),
    "a charger of another site": TicketFilter(charger_id="100001", site_id=2, closed_too=True),
    "resolved at a site": TicketFilter(status=TicketStatus.RESOLVED, site_id=1),
    "a class that is resolved": TicketFilter(status=TicketStatus.RESOLVED, claim_class=ClaimClass.A),
    "unassigned, category": TicketFilter(unassigned=True, category=Category.FAULT),
    "unassigned and open": TicketFilter(unassigned=True, status=TicketStatus.OPEN, priority=Priority.LOW),
    "mine, critical, billing": TicketFilter(assignee_id=1, priority=Priority.CRITICAL, category=Category.RFID),
    "low, of a department": TicketFilter(priority=Priority.LOW, department=Department.SERVICE, closed_too=True),
    "several": TicketFilter(priority=Priority.HIGH, category=Category.FAULT, contact_id=1, closed_too=True),
}


def _truth(work: Work, filters: dict[str, TicketFilter]) -> dict[tuple[str, Order], list[int]]:
    """What each list must hold in each order, looked up row by row."""
    sites = {charger.id: charger.site_id for charger in work.session.query(Charger)}
    clocks: dict[int, list[Any]] = {}
    for clock in work.session.query(SlaClock):
        clocks.setdefault(clock.ticket_id, []).append(clock)
    tickets_there = list(work.session.query(Ticket))
    found = {}
    for name, wanted in filters.items():
        rows = [row for row in tickets_there if _fits(work.now, row, wanted, sites, clocks.get(row.id, []))]
        for order in Order:
            found[name, order] = [row.id for row in sorted(rows, key=_sorted_by(wanted, order))]
    return found


def _sorted_by(wanted: TicketFilter, order: Order) -> Callable[[Ticket], Any]:
    if wanted.pressing is not None:
        return lambda row: (row.next_due_at, row.id)
    if order is Order.QUEUE and wanted.live:
        return lambda row: (PRIORITY_RANK[row.priority], row.tier_rank, row.next_due_at, row.id)
    return lambda row: -row.id


def _fits(now: datetime, row: Ticket, wanted: TicketFilter, sites: dict[str, int | None], clocks: list[Any]) -> bool:
    dues = [clock.due_at for clock in clocks if clock.due_at is not None]
    risks = [clock.due_at - timedelta(seconds=clock.target_s / 4) for clock in clocks if clock.due_at]
    overdue = any(due <= now for due in dues)
    checks: list[tuple[Any, Callable[[], bool]]] = [
        (wanted.status, lambda: row.status is wanted.status),
        (wanted.status is None and not wanted.closed_too, lambda: row.status in LIVE),
        (wanted.unassigned, lambda: row.status is TicketStatus.OPEN and row.assignee_id is None),
        (wanted.assignee_id, lambda: row.assignee_id == wanted.assignee_id),
        (wanted.priority, lambda: row.priority is wanted.priority),
        (wanted.category, lambda: row.category is wanted.category),
        (wanted.department, lambda: row.department is wanted.department),
        (wanted.claim_class, lambda: row.claim_class is wanted.claim_class),
        (wanted.charger_id, lambda: row.charger_id == wanted.charger_id),
        (wanted.site_id, lambda: row.charger_id is not None and sites[row.charger_id] == wanted.site_id),
        (wanted.contact_id, lambda: row.contact_id == wanted.contact_id),
        (wanted.pressing is Pressing.OVERDUE, lambda: overdue),
        (wanted.pressing is Pressing.AT_RISK, lambda: not overdue and any(risk <= now for risk in risks)),
    ]  # fmt: skip
    return all(check() for asked, check in checks if asked)


def _walk(work: Work, wanted: TicketFilter, order: Order, limit: int) -> list[int]:
    """Page after page to the end. A page is short only where a stretch held no more."""
    found: list[int] = []
    after = None
    while True:
        part = ticket_list.page(work, wanted, order=order, limit=limit, after=after)
        found += [row["id"] for row in part.items]
        after = part.next
        if after is None:
            return found
        assert len(part.items) <= limit


async def test_each_filter_finds_what_is_true_page_by_page(office: Office, people: dict[str, Actor]) -> None:
    truth = await office.read(OPERATOR, _truth, FILTERS)
    for (name, order), true in truth.items():
        assert await office.read(people["boss"], _walk, FILTERS[name], order, 7) == true, (name, order)
    empty = {"both that do not", "site that is none", "a charger of another site"}
    assert {name for (name, _), ids in truth.items() if not ids} <= empty | {"several", "mine, critical, billing"}


async def test_no_page_looks_at_more_than_a_stretch_and_none_is_missed(
    office: Office, people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stretches of few rows pages are short, or empty; all of them together hold what is true."""
    monkeypatch.setattr(stretch, "LONGEST", 15)
    for (name, order), true in (await office.read(OPERATOR, _truth, FILTERS)).items():
        assert await office.read(people["boss"], _walk, FILTERS[name], order, 7) == true, (name, order)
    part = await office.read(people["boss"], ticket_list.page, FILTERS["overdue among faults"], limit=7)
    assert len(part.items) < 7
    assert part.next is not None


async def test_the_department_is_that_of_the_category_whatever_is_done(
    office: Office, people: dict[str, Actor]
) -> None:  # fmt: skip
    """So that a filter by both needs no look at a row where they do not fit."""
    rows = await office.read(
        OPERATOR, lambda work: [(row.category, row.department) for row in work.session.query(Ticket)]
    )
    assert {department for _, department in rows} == {CATEGORY_DEPARTMENT[category] for category, _ in rows}
    assert all(CATEGORY_DEPARTMENT[category] is department for category, department in rows)


async def test_an_installer_sees_its_own_alone_whatever_it_asks_for(office: Office, people: dict[str, Actor]) -> None:
    fitter = people["fitter"]
    own = {name: replace(wanted, assignee_id=fitter.member_id) for name, wanted in FILTERS.items()}
    for (name, order), true in (await office.read(OPERATOR, _truth, own)).items():
        assert await office.read(fitter, _walk, FILTERS[name], order, 7) == true, (name, order)
    some = await office.read(OPERATOR, lambda work: [row.id for row in work.session.query(Ticket)])
    shown = await office.read(fitter, ticket_list.of_ids, some)
    assert shown
    assert {row["assignee_id"] for row in shown} == {fitter.member_id}


async def test_who_sees_no_tickets_gets_no_list(office: Office, people: dict[str, Actor]) -> None:
    with pytest.raises(NotAllowed):
        await office.read(people["cpo"], ticket_list.page, TicketFilter())


async def test_a_cursor_that_is_none_is_refused(office: Office, people: dict[str, Actor]) -> None:
    good = "2026-03-02T08:00:00+00:00"
    for cursor in ("", "x", "newest~0~0~x~1", "queue~0~0~2026-03-02T08:00:00~1", f"newest~0~0~{good}~0"):
        with pytest.raises(BadInput):
            await office.read(people["boss"], ticket_list.page, TicketFilter(), after=cursor)


async def test_a_cursor_of_another_order_is_refused(office: Office, people: dict[str, Actor]) -> None:
    part = await office.read(people["boss"], ticket_list.page, TicketFilter(), order=Order.QUEUE, limit=5)
    with pytest.raises(BadInput):
        await office.read(people["boss"], ticket_list.page, TicketFilter(), order=Order.NEWEST, after=part.next)


async def test_what_arrives_meanwhile_moves_nothing(office: Office, people: dict[str, Actor]) -> None:
    boss, wanted = people["boss"], TicketFilter(closed_too=True)
    before = await office.read(boss, _walk, wanted, Order.NEWEST, 200)
    first = await office.read(boss, ticket_list.page, wanted, limit=10)
    await office.run(boss, _one, random.Random(1), people)
    rest = await office.read(boss, ticket_list.page, wanted, limit=200, after=first.next)
    assert [row["id"] for row in first.items + rest.items] == before


async def test_the_next_due_time_follows_the_clocks(
    office: Office, people: dict[str, Actor], clock: JumpingClock
) -> None:
    """Whatever is done to a ticket, its row says when the first of its running clocks runs out."""
    boss = people["boss"]

    def true(work: Work, ref: str) -> tuple[Any, Any]:
        ticket = tickets.get(work, ref)
        dues = [each.due_at for each in sla.clocks(work, ticket) if each.due_at is not None]
        assert ticket.next_due_at == min(dues, default=NEVER)
        assert (ticket.risk_at < ticket.next_due_at) == bool(dues)
        return ticket.next_due_at, ticket.risk_at

    ref = (await office.run(boss, lambda work: tickets.open_ticket(work, category=Category.FAULT, summary="y"))).ref
    seen = {await office.read(boss, true, ref)}
    for verb in (
        lambda work: tickets.set_priority(work, ref, Priority.CRITICAL),
        lambda work: tickets.start(work, ref),
        lambda work: tickets.pause_clock(work, ref, "part"),
        lambda work: tickets.resume_clock(work, ref),
        lambda work: tickets.resolve(work, ref, "done"),
        lambda work: tickets.reopen(work, ref, "again"),
    ):
        clock.set(clock.now() + timedelta(minutes=7))
        await office.run(boss, verb)
        seen.add(await office.read(boss, true, ref))
    assert len(seen) == 6  # resolved and paused look alike: nothing runs
    clock.set(clock.now() + timedelta(days=3))
    await office.run(CLOCK, sla.fire_due)
    await office.read(boss, true, ref)


async def test_a_page_costs_few_statements_and_looks_at_no_whole_table(
    office: Office, people: dict[str, Actor]
) -> None:
    """What every page shows comes by a handful of statements; on SQLite each is seen to go by an index.

    Everything, newest first, goes by the key itself, which SQLite calls a scan.
    """

    def plans(work: Work, wanted: TicketFilter, order: Order) -> list[str]:
        said: list[tuple[str, Any]] = []
        bind = work.session.connection()

        def note(_c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
            said.append((statement, values))

        event.listen(bind, "before_cursor_execute", note)
        ticket_list.page(work, wanted, order=order, limit=5)
        event.remove(bind, "before_cursor_execute", note)
        assert len(said) <= 14, [statement for statement, _ in said]
        if not office.sqlite:
            return []
        return [
            str(row[3])
            for statement, values in said
            for row in bind.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    for name, wanted in FILTERS.items():
        for order in Order if name != "all" else ():
            scans = [
                line
                for line in await office.read(people["boss"], plans, wanted, order)
                if line.startswith("SCAN ticket")
            ]
            assert all("USING" in line for line in scans), (name, order, scans)
