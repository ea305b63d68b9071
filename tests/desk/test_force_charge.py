"""Force charge at the desk: who may be charged, what it may cost, and how it is watched to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from desk import board, charge_quote, chargers, charging, force_charge, members, remote_session, runs, tags, wallets
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import ASSISTANT, OPERATOR, Actor, ActorKind, Role
from models.charger import Charger, ChargerState, Connector, Fleet, ProcedureRun, RunKind, RunResult
from models.charging import ChargingTransaction, IdTag, Tariff
from models.contact import Contact
from models.errors import Refusal
from models.force_charge import ForceCharge, ForceState
from models.money import Money
from models.outbox import OutboxItem
from models.ports import MeterReport, StartReport, StopReport
from phrases.catalogue import LANGUAGES
from phrases.say import say
from tests.clock import JumpingClock

AGENT = Actor(ActorKind.MEMBER, "1", "Agent", role=Role.OPS_AGENT)
REPORT = {"door": "whatsapp:+94770000001", "member_id": None, "language": "en"}


@pytest.fixture
async def ready(office: Office) -> Office:
    """A charger with two connectors, the second Available, and a customer with LKR 1,000."""
    await office.run(OPERATOR, _furnish)
    return office


def _furnish(work: Work) -> None:
    chargers.add(work, "100001", connector_count=2)
    work.session.get_one(Charger, "100001").online = True
    for number, state in ((1, ChargerState.CHARGING), (2, ChargerState.AVAILABLE)):
        work.session.get_one(Connector, ("100001", number)).status = state
    work.session.add(Contact(name="Nimal Perera", username="nimal", created_at=work.now))
    work.session.add(Tariff(name="default", price_minor_per_kwh=10_000, currency="LKR", created_at=work.now))
    work.session.flush()
    wallets.credit(work, amount=Money(100_000, "LKR"), note="", key="t", contact_id=1)


def _ask(work: Work, /, customer: str = "nimal", charger: str = "100001", **more: Any) -> dict[str, Any]:
    wanted = {"connector": None, "limit_s": None, "amount": None, **more}
    return charge_quote.quote(work, customer, charger, **wanted).facts()


def _start(work: Work, /, **more: Any) -> int:
    wanted = {"connector": None, "limit_s": None, "amount": None, "report_to": REPORT, **more}
    run, _ = force_charge.start(work, "nimal", "100001", **wanted)
    return run.id


async def _refused(office: Office, **more: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        await office.read(AGENT, _ask, **more)
    return refusal.value.code


async def test_what_it_would_be_is_known_before(ready: Office) -> None:
    facts = await ready.read(AGENT, _ask)
    assert (facts["connector"], facts["customer"], facts["limit_s"]) == (2, "Nimal Perera", 1800)
    assert facts["wallet"] == facts["most"] == {"$money": [100_000, "LKR"]}
    assert facts["payer"] == {"$code": "charge.wallet_pays"}
    amount = await ready.read(AGENT, _ask, amount=Money(50_000, "LKR"))
    assert (amount["limit_s"], amount["limit"]) == (None, {"$money": [50_000, "LKR"]})


async def test_a_fleet_pays_for_its_customers(ready: Office) -> None:
    await ready.run(OPERATOR, _join_fleet, 5_000)
    facts = await ready.read(AGENT, _ask)
    assert (facts["payer"], facts["most"]) == ({"$code": "charge.fleet_pays"}, {"$money": [5_000, "LKR"]})
    assert facts["wallet"] == {"$money": [100_000, "LKR"]}
    assert await _refused(ready, amount=Money(6_000, "LKR")) == "charge.low_balance"


def _join_fleet(work: Work, minor: int) -> None:
    fleet = Fleet(name="Taxis")
    work.session.add(fleet)
    work.session.flush()
    wallets.credit(work, amount=Money(minor, "LKR"), note="", key="f", fleet_id=fleet.id)
    work.session.get_one(Contact, 1).fleet_id = fleet.id


@pytest.mark.parametrize(
    ("change", "more", "code"),
    [
        ("", {"connector": 1}, "charge.not_available"),
        ("", {"connector": 9}, "charge.no_connector"),
        ("", {"customer": "kamal"}, "contact.nobody"),
        ("", {"charger": "100009"}, "charger.unknown"),
        ("", {"limit_s": 30}, "charge.bad_time"),
        ("", {"limit_s": 13 * 3600}, "charge.bad_time"),
        ("", {"amount": Money(100_001, "LKR")}, "charge.low_balance"),
        ("empty", {}, "charge.low_balance"),
        ("inactive", {}, "charge.inactive"),
        ("offline", {}, "run.not_connected"),
        ("out", {}, "run.out_of_service"),
        ("full", {}, "charge.none_available"),
        ("free", {}, "charge.which"),
        ("session", {"connector": 2}, "charge.not_available"),
        ("no_tariff", {}, "charge.no_tariff"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    ready: Office, change: str, more: dict[str, Any], code: str
) -> None:
    await ready.run(OPERATOR, _change, change)
    assert await _refused(ready, **more) == code


def _change(work: Work, what: str) -> None:
    contact, charger = work.session.get_one(Contact, 1), work.session.get_one(Charger, "100001")
    second = work.session.get_one(Connector, ("100001", 2))
    match what:
        case "empty":
            wallets.credit(work, amount=Money(-100_000, "LKR"), note="", key="e", contact_id=1)
        case "inactive":
            contact.account_active = False
        case "offline":
            charger.online = False
        case "out":
            charger.out_of_service_since_at = work.now
        case "full":
            second.status = ChargerState.PREPARING
        case "free":
            work.session.get_one(Connector, ("100001", 1)).status = ChargerState.AVAILABLE
        case "session":
            charging.started(work, "100001", StartReport(5, 2, None, 0, work.now, "s5"))
        case "no_tariff":
            work.session.delete(work.session.scalars(select(Tariff)).one())


async def test_nobody_but_the_desk_may(ready: Office) -> None:
    for role in (Role.INSTALLER, Role.CPO):
        with pytest.raises(Refusal, match=r"access\.not_allowed"):
            await ready.read(Actor(ActorKind.MEMBER, "2", "X", role=role), _ask)


async def test_one_at_a_time(ready: Office) -> None:
    first = await ready.run(AGENT, _start)
    with pytest.raises(Refusal) as refusal:
        await ready.run(AGENT, _start)
    assert (refusal.value.code, refusal.value.facts["run"]) == ("run.already_running", first)


async def test_the_customers_own_tag_is_used_when_it_is_free(ready: Office) -> None:
    await ready.run(OPERATOR, tags.add, "CARD1", contact_id=1)
    await ready.run(OPERATOR, tags.add, "CARD-TOO-LONG-FOR-OCPP-1.6", contact_id=1)
    await ready.run(AGENT, _start)
    assert (await ready.read(OPERATOR, _row)).id_tag == "CARD1"


async def test_without_a_tag_one_is_made_for_a_day(ready: Office, clock: JumpingClock) -> None:
    await ready.run(AGENT, _start)
    row = await ready.read(OPERATOR, _row)
    tag = await ready.read(OPERATOR, lambda work: work.session.scalars(select(IdTag)).one())
    assert (tag.value, tag.contact_id, tag.expires_at) == (row.id_tag, 1, clock.now() + timedelta(hours=24))
    assert len(tag.value) <= 20
    assert (await ready.read(OPERATOR, tags.verdict, tag.value)).status == "Accepted"


# Watching -------------------------------------------------------------------------------------------------------


def _row(work: Work) -> ForceCharge:
    return work.session.scalars(select(ForceCharge)).one()


def _end_run(work: Work, run_id: int, result: RunResult) -> None:
    run = work.session.get_one(ProcedureRun, run_id)
    run.ended_at, run.result, run.facts = work.now, result, {}


def _session(work: Work, number: int = 7) -> None:
    row = _row(work)
    charging.started(work, "100001", StartReport(number, 2, row.id_tag, 0, work.now, f"s{number}"))


def _meter(work: Work, energy_wh: int) -> None:
    charging.metered(work, "100001", [MeterReport(7, None, 2, work.now, energy_wh=energy_wh)])


def _stops(work: Work) -> list[ProcedureRun]:
    return list(work.session.scalars(select(ProcedureRun).where(ProcedureRun.kind == RunKind.STOP_CHARGE)))


async def _charging(office: Office, **more: Any) -> None:
    run_id = await office.run(AGENT, _start, **more)
    await office.run(ASSISTANT, _session)
    await office.run(OPERATOR, _end_run, run_id, RunResult.CHARGE_STARTED)
    await office.run(ASSISTANT, force_charge.sweep)
    assert (await office.read(OPERATOR, _row)).state is ForceState.CHARGING


async def test_it_is_stopped_when_its_time_is_over_and_told(ready: Office, clock: JumpingClock) -> None:
    await _charging(ready, limit_s=600)
    await clock.fast_forward(seconds=590)
    await ready.run(ASSISTANT, _meter, 500)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert await ready.read(OPERATOR, _stops) == []
    await clock.fast_forward(seconds=20)
    await ready.run(ASSISTANT, force_charge.sweep)
    await ready.run(ASSISTANT, force_charge.sweep)
    [stop] = await ready.read(OPERATOR, _stops)
    assert (stop.args["transaction_id"], stop.actor_name) == (7, "Agent")
    await ready.run(ASSISTANT, charging.stopped, "100001", StopReport(7, None, 1_500, clock.now()))
    await ready.run(ASSISTANT, force_charge.sweep)
    row = await ready.read(OPERATOR, _row)
    assert (row.state, row.ended_at) == (ForceState.ENDED, clock.now())
    left = await ready.read(OPERATOR, wallets.balance, 1)
    assert left.wallet == Money(100_000 - 15_000, "LKR")  # paid once, by the session itself
    told = await ready.read(OPERATOR, lambda work: remote_session.outcome(work, 7))
    assert (told["kwh"], told["cost"], told["left"]) == (
        "1.50", {"$money": [15_000, "LKR"]}, {"$money": [85_000, "LKR"]},
    )  # fmt: skip


async def test_it_is_stopped_when_it_has_cost_its_amount(ready: Office, clock: JumpingClock) -> None:
    await _charging(ready, amount=Money(5_000, "LKR"))
    await ready.run(ASSISTANT, _meter, 400)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert await ready.read(OPERATOR, _stops) == []
    await clock.fast_forward(seconds=60)
    await ready.run(ASSISTANT, _meter, 510)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert len(await ready.read(OPERATOR, _stops)) == 1


async def test_by_time_too_it_never_costs_more_than_the_balance(ready: Office) -> None:
    await _charging(ready, limit_s=3600)
    await ready.run(ASSISTANT, _meter, 10_000)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert len(await ready.read(OPERATOR, _stops)) == 1


async def test_a_charger_that_does_not_obey_is_asked_again_and_then_shown(ready: Office, clock: JumpingClock) -> None:
    await _charging(ready, limit_s=60)
    for _ in range(30):
        await clock.fast_forward(seconds=61)
        await ready.run(ASSISTANT, force_charge.sweep)
        for stop in await ready.read(OPERATOR, _stops):
            if stop.ended_at is None:
                await ready.run(OPERATOR, _end_run, stop.id, RunResult.STILL_CHARGING)
    stops = await ready.read(OPERATOR, _stops)
    assert len(stops) > force_charge.MOST_STOPS  # it goes on asking
    alerts = await ready.read(OPERATOR, board.open_alerts)
    assert [alert.code for alert in alerts] == ["charge.cannot_stop"]


async def test_an_offline_charger_is_stopped_when_it_is_back(ready: Office, clock: JumpingClock) -> None:
    await _charging(ready, limit_s=60)
    await ready.run(OPERATOR, _change, "offline")
    await clock.fast_forward(seconds=120)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert await ready.read(OPERATOR, _stops) == []
    await ready.run(OPERATOR, lambda work: setattr(work.session.get_one(Charger, "100001"), "online", True))
    await ready.run(ASSISTANT, force_charge.sweep)
    assert len(await ready.read(OPERATOR, _stops)) == 1


async def test_a_session_that_begins_late_is_watched_all_the_same(ready: Office, clock: JumpingClock) -> None:
    run_id = await ready.run(AGENT, _start, limit_s=600)
    await ready.run(OPERATOR, _end_run, run_id, RunResult.UNKNOWN)
    await clock.fast_forward(minutes=5)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert (await ready.read(OPERATOR, _row)).state is ForceState.STARTING
    await ready.run(ASSISTANT, _session)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert (await ready.read(OPERATOR, _row)).state is ForceState.CHARGING


async def test_one_that_never_begins_is_given_up(ready: Office, clock: JumpingClock) -> None:
    run_id = await ready.run(AGENT, _start)
    await ready.run(OPERATOR, _end_run, run_id, RunResult.CHARGE_NOT_STARTED)
    await clock.fast_forward(minutes=16)
    assert await ready.run(ASSISTANT, force_charge.sweep) == 1
    assert (await ready.read(OPERATOR, _row)).state is ForceState.FAILED
    assert await ready.run(ASSISTANT, force_charge.sweep) == 0


async def test_an_earlier_session_of_the_same_tag_is_not_taken_for_it(ready: Office, clock: JumpingClock) -> None:
    await ready.run(OPERATOR, tags.add, "CARD1", contact_id=1)
    await ready.run(ASSISTANT, _earlier)
    await clock.fast_forward(minutes=5)
    await ready.run(AGENT, _start)
    await ready.run(ASSISTANT, charging.metered, "100001", [MeterReport(3, None, 2, clock.now(), energy_wh=900)])
    await ready.run(ASSISTANT, force_charge.sweep)
    assert (await ready.read(OPERATOR, _row)).transaction_id is None


def _earlier(work: Work) -> None:
    charging.started(work, "100001", StartReport(3, 2, "CARD1", 0, work.now - timedelta(hours=1), "s3"))
    charging.stopped(work, "100001", StopReport(3, None, 800, work.now))


async def test_a_balance_is_promised_once(ready: Office) -> None:
    await ready.run(OPERATOR, _another_charger)
    run_id = await ready.run(AGENT, _start)
    assert await _refused(ready, charger="100002") == "charge.already"
    await ready.run(OPERATOR, _end_run, run_id, RunResult.CHARGE_NOT_STARTED)
    assert (await ready.read(AGENT, _ask, charger="100002"))["connector"] == 1  # nothing came of the first
    again = await ready.run(AGENT, _start)
    rows = await ready.read(OPERATOR, lambda work: list(work.session.scalars(select(ForceCharge))))
    assert [row.state for row in rows] == [ForceState.FAILED, ForceState.STARTING]
    await ready.run(ASSISTANT, _begin_for, rows[-1].id_tag)
    await ready.run(OPERATOR, _end_run, again, RunResult.CHARGE_STARTED)
    assert await _refused(ready, charger="100002") == "charge.already"


def _another_charger(work: Work) -> None:
    chargers.add(work, "100002", connector_count=1)
    work.session.get_one(Charger, "100002").online = True
    work.session.get_one(Connector, ("100002", 1)).status = ChargerState.AVAILABLE


def _begin_for(work: Work, tag: str) -> None:
    charging.started(work, "100001", StartReport(7, 2, tag, 0, work.now, "s7"))


async def test_whoever_started_it_hears_its_end_where_they_asked(
    database_url: str, house: House, clock: JumpingClock, bus: LocalBus
) -> None:
    house = replace(house, team_bot="77", team_account="whatsapp:+94110000000")
    office = Office(database_url, clock=clock, bus=bus, house=house)
    try:
        await office.run(OPERATOR, _furnish)
        member = await office.run(OPERATOR, _hire)
        for number, door in ((1, "team:-1001/5"), (2, "whatsapp:+94770000001"), (3, "api")):
            told = {"door": door, "member_id": member, "language": "en"}
            run_id = await office.run(AGENT, _start, report_to=told)
            await office.run(OPERATOR, _end_run, run_id, RunResult.CHARGE_STARTED)
            await office.run(ASSISTANT, _came_and_went, number)
            await office.run(ASSISTANT, force_charge.sweep)
            await clock.fast_forward(minutes=1)
        items = await office.read(OPERATOR, lambda work: list(work.session.scalars(select(OutboxItem))))
        assert [(item.channel, item.address, item.code, item.intent) for item in items] == [
            ("team", "-1001/5", "charge.summary", "receipt"),
            ("whatsapp", "whatsapp:+94770000001", "charge.summary", "receipt"),
        ]
        for language in LANGUAGES:
            assert "1.00 kWh" in say(items[0].code, items[0].facts, language)
    finally:
        office.close()


def _hire(work: Work) -> int:
    return members.add(
        work, email="a@example.org", name="Ana", role=Role.OPS_AGENT, whatsapp="+94770000001"
    ).id  # fmt: skip


def _came_and_went(work: Work, number: int) -> None:
    row = work.session.scalars(select(ForceCharge).where(ForceCharge.ended_at.is_(None))).one()
    charging.started(work, "100001", StartReport(number, 2, row.id_tag, 0, work.now, f"s{number}"))
    charging.stopped(work, "100001", StopReport(number, None, 1_000, work.now))


# Ending by a member ---------------------------------------------------------------------------------------------


async def test_a_member_ends_it_and_is_told_by_the_run_alone(ready: Office) -> None:
    await _charging(ready, limit_s=600)
    await ready.run(AGENT, remote_session.stop, "100001", None, REPORT)
    row = await ready.read(OPERATOR, _row)
    assert (row.state, row.door) == (ForceState.STOPPING, None)
    await ready.run(ASSISTANT, force_charge.sweep)
    assert len(await ready.read(OPERATOR, _stops)) == 1


async def test_ending_nothing_or_one_of_several_is_refused(ready: Office) -> None:
    with pytest.raises(Refusal, match=r"charge\.nothing_runs"):
        await ready.run(AGENT, remote_session.stop, "100001", None, REPORT)
    await ready.run(ASSISTANT, _two)
    with pytest.raises(Refusal, match=r"charge\.which"):
        await ready.run(AGENT, remote_session.stop, "100001", None, REPORT)
    run = await ready.run(AGENT, remote_session.stop, "100001", 2, REPORT)
    assert run.args["transaction_id"] == 12
    with pytest.raises(Refusal, match=r"run\.already_running"):
        await ready.run(AGENT, remote_session.stop, "100001", 1, REPORT)


def _two(work: Work) -> None:
    for number in (1, 2):
        charging.started(work, "100001", StartReport(10 + number, number, None, 0, work.now, f"t{number}"))


async def test_a_cable_in_use_is_let_go_only_after_a_warning(ready: Office) -> None:
    await ready.run(ASSISTANT, _two)
    with pytest.raises(Refusal, match=r"run\.in_session"):
        await ready.run(AGENT, remote_session.unlock, "100001", 1, REPORT, despite_session=False)
    with pytest.raises(Refusal, match=r"charge\.which"):
        await ready.run(AGENT, remote_session.unlock, "100001", None, REPORT, despite_session=True)
    with pytest.raises(Refusal, match=r"run\.no_connector"):
        await ready.run(AGENT, remote_session.unlock, "100001", 5, REPORT, despite_session=True)
    run = await ready.run(AGENT, remote_session.unlock, "100001", 1, REPORT, despite_session=True)
    assert (run.kind, run.connector) == (RunKind.UNLOCK, 1)


async def test_these_kinds_have_no_other_way_in(ready: Office) -> None:
    for kind in (RunKind.START_CHARGE, RunKind.STOP_CHARGE, RunKind.UNLOCK):
        with pytest.raises(ValueError, match="its own verb"):
            await ready.run(AGENT, runs.start, kind, "100001")
    assert await ready.read(OPERATOR, lambda work: work.session.scalars(select(ChargingTransaction)).all()) == []
