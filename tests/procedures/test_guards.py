"""Whether a procedure may start: every refusal by its code, and who is exempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from desk import charger_state, chargers, charging, orders, run_steps, runs
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Actor, ActorKind, Role, charger_actor
from models.charger import ChargerState, OrderKind, OrderOutcome, ProcedureRun, RunKind, RunResult, Site
from models.contact import Contact
from models.conversation import Conversation
from models.errors import NotAllowed, Refusal
from models.ports import OrderAnswer, StartReport, StatusReport
from tests.clock import START, JumpingClock

CHARGER = charger_actor("100001")
CLEAR, REBOOT, OUT = RunKind.CLEAR_FAULT, RunKind.REBOOT, RunKind.TAKE_OUT_OF_SERVICE
FAULTED, AVAILABLE = ChargerState.FAULTED, ChargerState.AVAILABLE
MEMBER = Actor(ActorKind.MEMBER, "1", "Tara", role=Role.OPS_AGENT)


@pytest.fixture
async def ready(office: Office) -> Office:
    """Three chargers with a clearable fault, connected; a person with a conversation."""

    def seed(work: Work) -> None:
        for charger_id in ("100001", "100002", "100003", "100004"):
            chargers.add(work, charger_id, connector_count=2, site="Galle Face")
            charger_state.connected(work, charger_id, "1.6", work.now)
            charger_state.reported(work, charger_id, StatusReport(1, FAULTED, "InternalError"), work.now)
            charger_state.reported(work, charger_id, StatusReport(2, AVAILABLE), work.now)
        work.session.add(Contact(id=1, name="Ana", created_at=work.now))
        work.session.flush()
        for number in (1, 2):
            work.session.add(
                Conversation(
                    id=number, key=f"c{number}", contact_id=1, channel="web", account="site", address=str(number),
                    created_at=work.now,
                )
            )  # fmt: skip

    await office.run(OPERATOR, seed)
    return office


async def _refusal(
    office: Office, kind: RunKind = CLEAR, charger_id: str = "100001", actor: Actor = ASSISTANT, **more: Any
) -> str | None:
    try:
        await office.run(actor, runs.start, kind, charger_id, **more)
    except Refusal as refusal:
        return refusal.code
    return None


async def _ends(office: Office, result: RunResult = RunResult.STILL_FAULTED) -> None:
    """Whatever runs ends at once."""

    def end(work: Work) -> None:
        for claimed in run_steps.claim(work, "w:1", 60, 100):
            run_steps.end(work, claimed.id, "w:1", result, {})

    await office.run(ASSISTANT, end)


async def _says(office: Office, number: int, state: ChargerState, error: str = "NoError", **more: Any) -> None:
    report = StatusReport(number, state, error, **more)
    await office.run(CHARGER, charger_state.reported, "100001", report, office.clock.now())


async def test_a_clearable_fault_may_be_cleared_at_the_connector_that_has_it(ready: Office) -> None:
    run = await ready.run(ASSISTANT, runs.start, CLEAR, "100001", conversation_id=1)
    assert (run.connector, run.kind, run.result) == (1, CLEAR, None)
    shown = await ready.read(OPERATOR, runs.get, run.id)
    assert (shown["state"], shown["steps"], shown["by"]) == ("waiting", [], "Assistant")


async def test_an_unknown_charger_and_an_unknown_connector(ready: Office) -> None:
    assert await _refusal(ready, charger_id="999999") == "charger.unknown"
    assert await _refusal(ready, connector=7) == "run.no_connector"


async def test_one_at_a_time(ready: Office) -> None:
    assert await _refusal(ready) is None
    assert await _refusal(ready) == "run.already_running"
    assert await _refusal(ready, REBOOT, actor=OPERATOR) == "run.already_running"
    await _ends(ready)
    assert await _refusal(ready) is None


async def test_a_charger_that_is_away(ready: Office) -> None:
    await ready.run(CHARGER, charger_state.disconnected, "100001", 1, START)
    for kind in RunKind:
        assert await _refusal(ready, kind) == "run.not_connected"


async def test_the_assistant_needs_a_fault_that_the_charger_itself_reports(ready: Office) -> None:
    await _says(ready, 1, AVAILABLE)
    assert await _refusal(ready) == "run.no_fault"
    assert await _refusal(ready, connector=2) == "run.no_fault"
    assert await _refusal(ready, actor=MEMBER) is None


@pytest.mark.parametrize("actor", [ASSISTANT, MEMBER, OPERATOR])
@pytest.mark.parametrize("kind", [CLEAR, REBOOT])
@pytest.mark.parametrize(("error", "info"), [("GroundFailure", None), ("OtherError", "E-stop pressed")])
async def test_safety_is_refused_to_everybody(
    ready: Office, actor: Actor, kind: RunKind, error: str, info: str | None
) -> None:
    await _says(ready, 2, FAULTED, error, info=info)
    assert await _refusal(ready, kind, actor=actor, connector=1 if kind is CLEAR else None) == "run.safety"


async def test_a_session_at_the_connector_refuses_and_one_elsewhere_only_a_reboot(ready: Office) -> None:
    start = StartReport(9, 2, None, 0, START, "k")
    await ready.run(CHARGER, charging.started, "100001", start)
    assert await _refusal(ready, CLEAR, connector=2, actor=MEMBER) == "run.in_session"
    assert await _refusal(ready, REBOOT) == "run.in_session"
    assert await _refusal(ready, REBOOT, args={"force": True}) == "run.in_session"
    assert await _refusal(ready, CLEAR) is None
    await _ends(ready)
    assert await _refusal(ready, REBOOT, actor=MEMBER) == "run.in_session"
    assert await _refusal(ready, REBOOT, actor=MEMBER, args={"force": True}) is None


@pytest.mark.parametrize("where", ["charger", "site", "network"])
async def test_each_switch_stops_the_assistant_and_nobody_else(ready: Office, where: str) -> None:
    def switch(work: Work) -> None:
        if where == "charger":
            chargers.switch_auto_heal(work, "100001", False)
        elif where == "site":
            work.session.query(Site).one().auto_heal = False
        else:
            runs.switch_network(work, False)

    await ready.run(OPERATOR, switch)
    for kind in (CLEAR, REBOOT):
        assert await _refusal(ready, kind) == "run.switched_off"
    assert await _refusal(ready, OUT) is None
    await _ends(ready)
    assert await _refusal(ready, actor=MEMBER) is None
    if where == "network":
        await ready.run(OPERATOR, runs.switch_network, True)
        assert await _refusal(ready, charger_id="100002") is None


async def test_ten_minutes_between_resets(ready: Office, clock: JumpingClock) -> None:
    def reset(work: Work) -> None:
        command = orders.place(work, "100001", OrderKind.RESET, {"hard": False})
        assert orders.begin(work, command.id, "node") is not None
        orders.finish(work, command.id, OrderAnswer(OrderOutcome.ANSWERED, "Accepted"))

    await ready.run(OPERATOR, reset)
    clock.set(START + timedelta(seconds=599))
    assert await _refusal(ready) == "run.too_soon"
    assert await _refusal(ready, REBOOT) == "run.too_soon"
    assert await _refusal(ready, REBOOT, actor=MEMBER) is None
    await _ends(ready)
    clock.set(START + timedelta(seconds=601))
    assert await _refusal(ready) is None


async def test_three_remedies_a_connector_in_a_day(ready: Office, clock: JumpingClock) -> None:
    for _ in range(3):
        assert await _refusal(ready) is None
        await _ends(ready)
    assert await _refusal(ready) == await _refusal(ready, actor=MEMBER) == "run.too_many"
    assert await _refusal(ready, charger_id="100002") is None
    clock.set(START + timedelta(hours=24, seconds=1))
    assert await _refusal(ready) is None


async def test_a_run_that_did_nothing_does_not_count(ready: Office) -> None:
    for result in (RunResult.REFUSED, RunResult.NOT_CONNECTED, RunResult.ALREADY_CLEAR, RunResult.STOPPED):
        assert await _refusal(ready) is None
        await _ends(ready, result)
    assert await _refusal(ready) is None


async def test_three_remedies_a_contact_in_an_hour_over_all_its_conversations(ready: Office) -> None:
    for charger_id, conversation_id in (("100001", 1), ("100002", 2), ("100003", 1)):
        assert await _refusal(ready, charger_id=charger_id, conversation_id=conversation_id) is None
    assert await _refusal(ready, charger_id="100004", conversation_id=2) == "run.too_many"
    assert await _refusal(ready, charger_id="100004") is None


async def test_ten_remedies_in_the_network_in_ten_minutes(ready: Office, clock: JumpingClock) -> None:
    def past(work: Work) -> None:
        for _ in range(10):
            run = runs.make(
                work, CLEAR, "100002", connector=2, args={}, conversation_id=None, message_id=None, incident_id=None
            )
            run.ended_at, run.result = work.now, RunResult.CLEARED
            work.session.flush()

    await ready.run(ASSISTANT, past)
    assert await _refusal(ready) == "run.too_many"
    assert await _refusal(ready, actor=MEMBER) is None
    await _ends(ready)
    clock.set(START + timedelta(seconds=601))
    assert await _refusal(ready) is None


async def test_taking_out_is_limited_for_the_assistant(ready: Office, clock: JumpingClock) -> None:
    assert await _refusal(ready, OUT, "100001", conversation_id=1) is None
    assert await _refusal(ready, OUT, "100002", conversation_id=2) == "run.too_many"
    assert await _refusal(ready, OUT, "100002") is None
    assert await _refusal(ready, OUT, "100003") is None
    assert await _refusal(ready, OUT, "100004") == "run.too_many"
    assert await _refusal(ready, OUT, "100004", actor=MEMBER) is None
    await _ends(ready, RunResult.OUT_OF_SERVICE)
    clock.set(START + timedelta(seconds=601))
    assert await _refusal(ready, OUT, "100001", conversation_id=1) == "run.too_many"


async def test_the_word_of_people_who_prove_nothing_takes_out_one_charger(ready: Office, clock: JumpingClock) -> None:
    await ready.run(OPERATOR, _visitors)
    assert await _refusal(ready, OUT, "100001", conversation_id=11) is None
    assert await _refusal(ready, OUT, "100002", conversation_id=12) == "run.unproven", "another visitor, or the same"
    assert await _refusal(ready, OUT, "100002", conversation_id=13) is None, "who wrote by WhatsApp has a number"
    await _ends(ready, RunResult.OUT_OF_SERVICE)
    for number in (1, 2):
        clock.set(START + timedelta(minutes=11 * number))
        assert await _refusal(ready, OUT, "100001", conversation_id=13 + number) is None
        await _ends(ready, RunResult.OUT_OF_SERVICE)
    clock.set(START + timedelta(minutes=40))
    assert await _refusal(ready, OUT, "100003", conversation_id=12) == "run.unproven", "three in a day"
    assert await _refusal(ready, OUT, "100003", actor=MEMBER, conversation_id=12) is None
    await _ends(ready, RunResult.OUT_OF_SERVICE)
    clock.set(START + timedelta(hours=24, minutes=1))
    assert await _refusal(ready, OUT, "100004", conversation_id=12) is None


def _visitors(work: Work) -> None:
    """Each somebody else by their own account; 13 wrote by WhatsApp."""
    for number in (11, 12, 13, 14, 15):
        work.session.add(Contact(id=number, created_at=work.now))
        work.session.flush()
        work.session.add(
            Conversation(
                id=number, key=f"v{number}", contact_id=number, channel="whatsapp" if number == 13 else "web",
                account="site", address=str(number), created_at=work.now,
            )
        )  # fmt: skip


async def test_what_is_out_of_service_is_left_alone(ready: Office) -> None:
    await ready.run(ASSISTANT, chargers.take_out, "100001", "smoke")
    for kind in (CLEAR, RunKind.REBOOT, OUT):
        assert await _refusal(ready, kind) == "run.out_of_service"
    assert await _refusal(ready, CLEAR, actor=MEMBER) == "run.out_of_service"


async def test_who_may_not_command_may_not_start(ready: Office) -> None:
    for actor in (CHARGER, Actor(ActorKind.CONTACT, "1", "Ana"), Actor(ActorKind.MEMBER, "2", "O", role=Role.CPO)):
        with pytest.raises(NotAllowed):
            await ready.run(actor, runs.start, CLEAR, "100001")


async def test_a_run_is_reported_once(ready: Office) -> None:
    assert await _refusal(ready, conversation_id=1) is None
    assert await _refusal(ready, charger_id="100002") is None
    assert await ready.read(ASSISTANT, runs.unreported) == []
    await _ends(ready)
    (run,) = await ready.read(ASSISTANT, runs.unreported)
    assert isinstance(run, ProcedureRun)
    await ready.run(ASSISTANT, runs.reported, run.id)
    assert await ready.read(ASSISTANT, runs.unreported) == []


async def test_a_bare_reset_is_refused_while_somebody_charges(ready: Office) -> None:
    await ready.run(CHARGER, charging.started, "100001", StartReport(9, 2, None, 0, START, "k"))
    for kind, args in ((OrderKind.RESET, {"hard": True}), (OrderKind.UNLOCK, {"connector": 2})):
        with pytest.raises(Refusal) as refused:
            await ready.run(MEMBER, orders.place, "100001", kind, args)
        assert refused.value.code == "run.in_session"
    await ready.run(MEMBER, orders.place, "100001", OrderKind.UNLOCK, {"connector": 1})
