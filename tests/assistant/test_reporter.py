"""Outcomes: whoever waits hears them once; a remedy that failed is a ticket with its evidence."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from bot.reporter import Reporter, report
from desk import charger_state, incidents, runs
from desk.work import Work
from integrations.bus import LocalBus
from models.access import Actor, ActorKind, Role
from models.charger import ChargerState, Connector, ProcedureRun, RunKind, RunResult
from models.incident import Incident
from models.member import Member
from models.reading import Category
from models.ticket import TicketStatus
from tests.assistant.conftest import Network, reading

FAULT = reading(Category.FAULT, charger_id=("100002",), summary="100002 shows a red light")


def _end(network: Network, run_id: int, result: RunResult, *, settle: bool = False) -> None:
    def verb(work: Work) -> None:
        run = work.session.get_one(ProcedureRun, run_id)
        run.ended_at, run.result, run.facts = work.now, result, {"tries": 2}
        run.steps = [{"at": work.now.isoformat(), "step": "reset", "outcome": "Accepted"}]
        if settle:
            for number in (1, 2):
                row = work.session.get_one(Connector, (run.charger_id, number))
                row.status, row.error_code = ChargerState.AVAILABLE, "NoError"
            work.session.flush()
            work.wake("runs.ended")
            charger_state.settle(work, run.charger_id, healed=True)

    network.run(verb)


def _told(network: Network) -> list[str]:
    return [item.code for item in network.said()]


@pytest.mark.parametrize(
    "result",
    [
        RunResult.STILL_FAULTED, RunResult.CLEARED_UNSTABLE, RunResult.UNVERIFIED, RunResult.REFUSED,
        RunResult.NOT_CONNECTED, RunResult.RESET_IGNORED, RunResult.NOT_BACK_ONLINE, RunResult.UNKNOWN,
    ],
)  # fmt: skip
def test_a_remedy_that_failed_is_told_and_becomes_a_ticket(network: Network, result: RunResult) -> None:
    network.hears("100002 red light", FAULT)
    message = network.message()
    _end(network, network.runs()[0].id, result)
    assert network.run(report, network.runs()[0].id) is True
    assert network.run(report, network.runs()[0].id) is False
    assert _told(network) == ["fault.checking", "fault.failed"]
    (ticket,) = network.tickets()
    assert ticket.charger_id == "100002"
    assert ticket.created_at == message.received_at
    assert ticket.incident_id == network.rows(Incident)[0].id
    assert ticket.evidence is not None
    assert ticket.evidence["run"]["result"] == result.value
    assert ticket.evidence["run"]["steps"][0]["step"] == "reset"
    assert ticket.summary == "100002 shows a red light"
    assert network.hears("100002 still red", FAULT) == ["case.added"]
    network.all_can_be_said()


def test_good_news_is_told_once_when_the_incident_already_told_it(network: Network) -> None:
    network.hears("100002 red light", FAULT)
    network.hears("100002 red light", FAULT, who="+94770000002")
    _end(network, network.runs()[0].id, RunResult.CLEARED, settle=True)
    network.run(report, network.runs()[0].id)
    told = _told(network)[2:]
    assert told == ["incident.healed", "incident.healed"]
    assert network.tickets() == []
    assert network.runs()[0].reported_at is not None


def test_good_news_is_told_where_the_incident_still_stands(network: Network) -> None:
    network.hears("100002 red light", FAULT)
    _end(network, network.runs()[0].id, RunResult.CLEARED)
    network.run(report, network.runs()[0].id)
    assert _told(network) == ["fault.checking", "fault.healed"]
    assert network.run(incidents.open_for, "100002") is not None
    network.all_can_be_said()


@pytest.mark.parametrize(
    ("kind", "result", "code"),
    [
        (RunKind.TAKE_OUT_OF_SERVICE, RunResult.OUT_OF_SERVICE, "safety.taken_out"),
        (RunKind.TAKE_OUT_OF_SERVICE, RunResult.NOT_CONNECTED, "safety.still_live"),
        (RunKind.CLEAR_FAULT, RunResult.STOPPED, "fault.stopped"),
    ],
)
def test_what_safety_did_is_told_without_a_ticket(
    network: Network, kind: RunKind, result: RunResult, code: str
) -> None:
    network.hears("100002 red light", FAULT)
    network.change(ProcedureRun, network.runs()[0].id, kind=kind)
    _end(network, network.runs()[0].id, result)
    network.run(report, network.runs()[0].id)
    assert _told(network)[-1] == code
    assert network.tickets() == []
    network.all_can_be_said()


def test_a_ticket_that_is_there_gets_the_outcome_as_a_note(network: Network) -> None:
    network.hears("100002 red light", FAULT)
    run = network.runs()[0]
    from desk import tickets

    contact = network.conversation().contact_id
    ticket = network.run(
        tickets.open_ticket, category=Category.FAULT, summary="x", charger_id="100002", contact_id=contact
    )
    network.as_operator(tickets.resolve, ticket.ref, "done")
    _end(network, run.id, RunResult.STILL_FAULTED)
    network.run(report, run.id)
    (only,) = network.tickets()
    assert only.status is not TicketStatus.RESOLVED


def _member_run(network: Network, **args: Any) -> int:
    member = network.rows(Member)[0]
    actor = Actor(ActorKind.MEMBER, str(member.id), member.name, role=Role.ADMIN)

    def verb(work: Work) -> int:
        told = {"member_id": member.id, "language": "si", **args}
        return runs.start(work, RunKind.CLEAR_FAULT, "100002", args=told).id

    return network.office.submit(actor, verb).result(30)


def test_a_member_hears_the_outcome_at_the_door_of_the_command(network: Network) -> None:
    run_id = _member_run(network, door="whatsapp:+94110000001")
    _end(network, run_id, RunResult.STILL_FAULTED)
    network.run(report, run_id)
    (item,) = network.said()
    assert (item.code, item.language, item.address) == ("run.result.still_faulted", "si", "whatsapp:+94110000001")
    assert network.tickets() == []


@pytest.mark.parametrize("door", ["api", "whatsapp:+94119999999", "telegram:5"])
def test_a_door_that_is_no_chat_of_that_member_hears_nothing(network: Network, door: str) -> None:
    run_id = _member_run(network, door=door)
    _end(network, run_id, RunResult.CLEARED)
    assert network.run(report, run_id) is True
    assert network.said() == []


async def test_the_worker_tells_what_ends_and_sleeps_otherwise(network: Network, bus: LocalBus) -> None:
    reporter = Reporter(network.office, bus, network.clock)
    await asyncio.to_thread(network.hears, "100002 red light", FAULT)
    assert await reporter.tell_all() == 0
    task = asyncio.create_task(reporter.run())
    await asyncio.sleep(0.05)
    await asyncio.to_thread(_end, network, 1, RunResult.STILL_FAULTED)
    bus.announce("runs.ended")
    async with asyncio.timeout(10):
        while "fault.failed" not in await asyncio.to_thread(_told, network):
            await asyncio.sleep(0.02)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await reporter.tell_all() == 0
