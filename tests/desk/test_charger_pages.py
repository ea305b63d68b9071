"""What the console asks about chargers: lists by cursor, cards, maps, frames, one charger whole, advice by symptom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from desk import charger_detail, charger_list, charger_state, chargers, charging, frame_log, tickets
from desk.charger_list import Order, Shown, Wanted
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, Actor, ActorKind, Role, charger_actor
from models.charger import ChargerState, Connector, CurrentType, Fleet
from models.errors import BadInput, NotAllowed, NotFound
from models.incident import Incident, IncidentState
from models.ports import FrameRecord, MeterReport, StartReport, StatusReport, StopReport
from models.reading import Category
from tests.clock import START, JumpingClock

OWNER = Actor(ActorKind.MEMBER, "1", "Owner", role=Role.CPO, fleet_id=5)
AGENT = Actor(ActorKind.MEMBER, "1", "Agent", role=Role.OPS_AGENT)
INSTALLER = Actor(ActorKind.MEMBER, "1", "Installer", role=Role.INSTALLER)
STATES = {
    "01": ChargerState.AVAILABLE, "02": ChargerState.CHARGING, "03": ChargerState.FAULTED,
    "04": ChargerState.PREPARING, "05": ChargerState.SUSPENDED_EV, "06": ChargerState.FAULTED,
    "07": ChargerState.UNAVAILABLE, "08": ChargerState.AVAILABLE, "09": ChargerState.RESERVED,
}  # fmt: skip


@pytest.fixture
async def network(office: Office) -> Office:
    """Ten chargers in all kinds of states: 06 is away, 08 out of service, 10 never said a word."""
    await office.run(OPERATOR, _network)
    return office


def _network(work: Work) -> None:
    work.session.add(Fleet(id=5, name="Owner"))
    work.session.flush()
    for number in range(1, 11):
        key = f"{number:02}"
        charger = chargers.add(
            work, f"1000{key}", name=f"Bay {key}", site="Galle Face" if number < 6 else "Kandy",
            current_type=CurrentType.DC if number % 2 else CurrentType.AC, connector_count=2,
        )  # fmt: skip
        charger.online = key not in ("06", "10")
        charger.last_seen_at = work.now - timedelta(minutes=number)
        charger.fleet_id = 5 if key in ("03", "07") else None
        if key in STATES:
            connector = work.session.get_one(Connector, (charger.id, 1))
            connector.status, connector.received_at = STATES[key], work.now - timedelta(hours=1)
            connector.error_code = "InternalError" if STATES[key] is ChargerState.FAULTED else "NoError"
        if key == "08":
            charger.out_of_service_since_at, charger.out_of_service_why = work.now, "smoke"
    for site in ("Galle Face", "Kandy"):
        chargers.site_named(work, site).address = f"{site} Road"
    chargers.site_named(work, "Galle Face").latitude = 6.9
    chargers.site_named(work, "Galle Face").longitude = 79.8


async def _ids(office: Office, limit: int = 50, actor: Actor = OPERATOR, **wanted: Any) -> list[str]:
    """The whole list, page by page, by the last two digits."""
    found: list[str] = []
    after: str | None = None
    while True:
        cards, after = await office.read(actor, charger_list.page, Wanted(**wanted), limit=limit, after=after)
        found += [card["id"][-2:] for card in cards]
        assert len(cards) <= limit
        if after is None:
            return found


async def test_the_worst_come_first_and_pages_of_any_size_give_the_same(network: Office) -> None:
    worst = ["03", "06", "10", "07", "08", "01", "02", "04", "05", "09"]
    for limit in (1, 2, 3, 5, 50):
        assert await _ids(network, limit) == worst
    assert await _ids(network, 3, order=Order.ID) == sorted(worst)


async def test_every_filter_by_state_agrees_with_the_state_that_is_shown(network: Office) -> None:
    cards, _ = await network.read(OPERATOR, charger_list.page, Wanted(), limit=50)
    groups: dict[str, list[str]] = {}
    for card in cards:
        shown = "Charging" if card["state"] in ("SuspendedEV", "SuspendedEVSE", "Finishing") else card["state"]
        groups.setdefault(shown, []).append(card["id"][-2:])
    for state in Shown:
        expected = groups.get(state.value, [])
        if state is Shown.IN_ERROR:
            expected = [*groups["Faulted"], *groups["Offline"]]
        assert sorted(await _ids(network, 2, state=state)) == sorted(expected), state
    assert sorted(groups) == ["Available", "Charging", "Faulted", "Offline", "Preparing", "Reserved", "Unavailable"]


async def test_words_are_looked_for_in_id_name_and_site_together_with_filters(network: Office) -> None:
    assert await _ids(network, search="100003") == ["03"]
    assert await _ids(network, search="galle bay", order=Order.ID) == ["01", "02", "03", "04", "05"]
    assert await _ids(network, search="kandy", current_type=CurrentType.DC, order=Order.ID) == ["07", "09"]
    assert await _ids(network, search="%") == []
    site = next(one["id"] for one in await network.read(OPERATOR, charger_list.site_names) if one["name"] == "Kandy")
    assert await _ids(network, site_id=site, state=Shown.IN_ERROR) == ["06", "10"]


@pytest.mark.parametrize("after", ["", "x", "9.100001", "1", "--1.100001", "1." + "x" * 49])
async def test_a_broken_cursor_is_refused(network: Office, after: str) -> None:
    with pytest.raises(BadInput):
        await network.read(OPERATOR, charger_list.page, Wanted(), limit=5, after=after)


async def test_a_card_tells_the_last_event_the_ticket_the_incident_and_healing(network: Office) -> None:
    def trouble(work: Work) -> None:
        tickets.open_ticket(work, category=Category.FAULT, summary="Red light", charger_id="100003")
        tickets.open_ticket(work, category=Category.FAULT, summary="Again", charger_id="100003")
        work.session.add(Incident(charger_id="100003", cause="charger", error_code="InternalError", opened_at=work.now))
        chargers.switch_auto_heal(work, "100003", False)

    await network.run(OPERATOR, trouble)
    card = await network.read(AGENT, charger_list.card, "100003")
    assert (card["ticket"], card["incident"]["error_code"], card["heals"]) == ("TKT-000002", "InternalError", False)
    assert (card["address"], card["last_event"]["kind"], card["last_event"]["connector"]) == (
        "Galle Face Road", "status", 1,
    )  # fmt: skip
    away = await network.read(AGENT, charger_list.card, "100006")
    assert (away["last_event"]["kind"], away["heals"], away["ticket"]) == ("heard", True, None)
    own = await network.read(OWNER, charger_list.card, "100003")
    assert (own["ticket"], own["incident"]) == (None, None)


async def test_a_page_takes_as_many_statements_for_one_charger_as_for_ten(network: Office) -> None:
    def counted(work: Work, limit: int) -> int:
        said: list[str] = []
        engine = work.session.get_bind()
        listen = lambda *given: said.append(given[2])  # noqa: E731 - the listener must be the same to be taken off
        event.listen(engine, "before_cursor_execute", listen)
        charger_list.page(work, Wanted(order=Order.ID), limit=limit)
        event.remove(engine, "before_cursor_execute", listen)
        return len(said)

    assert await network.read(AGENT, counted, 2) == await network.read(AGENT, counted, 10)


async def test_an_owner_finds_its_own_chargers_only_everywhere(network: Office) -> None:
    assert await _ids(network, actor=OWNER) == ["03", "07"]
    assert await _ids(network, actor=OWNER, state=Shown.OFFLINE) == []
    assert [one["name"] for one in await network.read(OWNER, charger_list.site_names)] == ["Galle Face", "Kandy"]
    (place,) = await network.read(OWNER, charger_list.on_map)
    assert [one["id"] for one in place["chargers"]] == ["100003"]
    for verb in (charger_list.card, charger_detail.status, charger_detail.about, charger_detail.history):
        with pytest.raises(NotFound):
            await network.read(OWNER, verb, "100001")
    mine = await network.read(OWNER, charger_detail.status, "100003")
    assert (mine["sessions"], mine["run"], mine["advice"]) == (None, None, [])
    assert set((await network.read(OWNER, charger_detail.history, "100003")).values()) == {None}
    about = await network.read(OWNER, charger_detail.about, "100003")
    assert about["tariff"] is None
    assert "boots" not in about
    hidden: tuple[Callable[..., Any], ...] = (
        charger_detail.last_sessions, charger_detail.configuration, frame_log.actions,
    )  # fmt: skip
    for refused in hidden:
        with pytest.raises(NotAllowed):
            await network.read(OWNER, refused, "100003")
    with pytest.raises(NotAllowed):
        await network.read(INSTALLER, charger_list.page, Wanted(), limit=5)


async def test_the_map_shows_placed_sites_with_what_stands_there(network: Office) -> None:
    (place,) = await network.read(AGENT, charger_list.on_map)
    assert (place["name"], place["latitude"], place["address"]) == ("Galle Face", 6.9, "Galle Face Road")
    assert [(one["id"], one["type"], one["state"], one["online"]) for one in place["chargers"]][:3] == [
        ("100001", "DC", "Available", True), ("100002", "AC", "Charging", True), ("100003", "DC", "Faulted", True),
    ]  # fmt: skip


# Frames -----------------------------------------------------------------------------------------------------------


def _frames(*actions: str, charger_id: str = "100001") -> list[FrameRecord]:
    return [
        FrameRecord(charger_id, START + timedelta(seconds=n), "in" if n % 2 else "out", action, f'[2,"{n}"]')
        for n, action in enumerate(actions)
    ]


async def test_frames_go_back_by_cursor_and_grow_from_where_one_watches(network: Office) -> None:
    actor = charger_actor("100001")
    await network.run(actor, charger_state.note_frames, _frames(*["Heartbeat"] * 5, "StatusNotification"))
    await network.run(actor, charger_state.note_frames, _frames("BootNotification", charger_id="100002"))
    first = await network.read(AGENT, frame_log.page, "100001", limit=4)
    rest = await network.read(AGENT, frame_log.page, "100001", limit=4, before=first.older)
    assert [len(first.rows), len(rest.rows), rest.older] == [4, 2, None]
    assert first.rows[0]["action"] == "StatusNotification"
    nothing = await network.read(AGENT, frame_log.since, "100001", after=first.newest, limit=50)
    assert (nothing.rows, nothing.newest) == ([], first.newest)
    await network.run(actor, charger_state.note_frames, _frames("MeterValues", "Heartbeat"))
    new = await network.read(AGENT, frame_log.since, "100001", after=first.newest, limit=50)
    assert [row["action"] for row in new.rows] == ["Heartbeat", "MeterValues"]
    only = await network.read(AGENT, frame_log.since, "100001", after=first.newest, limit=50, action="MeterValues")
    assert [row["action"] for row in only.rows] == ["MeterValues"]
    assert only.newest == new.newest
    assert await network.read(AGENT, frame_log.actions, "100001") == ["Heartbeat", "MeterValues", "StatusNotification"]


async def test_a_rare_action_is_found_by_looks_of_bounded_length(
    network: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_log, "LOOK_BACK", 3)
    records = _frames("BootNotification", *["Heartbeat"] * 7)
    await network.run(charger_actor("100001"), charger_state.note_frames, records)
    before: int | None = None
    found: list[str] = []
    for _ in range(4):
        look = await network.read(AGENT, frame_log.page, "100001", limit=5, before=before, action="BootNotification")
        found += [row["action"] for row in look.rows]
        before = look.older
        if before is None:
            break
    assert (found, before) == (["BootNotification"], None)
    out = await network.read(AGENT, frame_log.page, "100001", limit=5, direction="out")
    assert {row["direction"] for row in out.rows} == {"out"}


# One charger whole ------------------------------------------------------------------------------------------------


async def test_the_last_sessions_come_with_what_they_sum_to(network: Office) -> None:
    def charge(work: Work) -> None:
        for number in range(1, 23):
            begun = START - timedelta(hours=number)
            start = StartReport(number, 1, None, 0, begun, f"k{number}")
            charging.started(work, "100001", start)
            charging.stopped(work, "100001", StopReport(number, None, 1_500, begun + timedelta(minutes=30)))

    await network.run(OPERATOR, charge)
    last = await network.read(AGENT, charger_detail.last_sessions, "100001")
    assert (len(last["rows"]), last["kwh"], last["elapsed_s"], last["amounts"]) == (20, "30.00", 36_000, [])
    assert last["rows"][0]["id"] == 22


async def test_a_charger_s_pulse_is_read_from_its_frames(network: Office, clock: JumpingClock) -> None:
    late = [FrameRecord("100001", START + timedelta(seconds=500 * n), "in", "Heartbeat", "[]") for n in range(1, 13)]
    boots = [FrameRecord("100001", START, "in", "BootNotification", "[]")]
    await network.run(charger_actor("100001"), charger_state.note_frames, [*boots, *late])
    about = await network.read(AGENT, charger_detail.about, "100001")
    assert (about["heartbeat_mean_s"], about["late"], about["boots"]) == (500.0, True, 1)
    clock.leap(90_000)
    assert (await network.read(AGENT, charger_detail.about, "100001"))["boots"] == 0


# Advice -----------------------------------------------------------------------------------------------------------


async def _advice(office: Office, charger_id: str) -> list[tuple[str, str | None]]:
    found = await office.read(AGENT, charger_detail.status, charger_id)
    return [(one["code"].rpartition(".")[2], one["command"]) for one in found["advice"]]


async def _says(office: Office, error: str, **more: Any) -> None:
    report = StatusReport(1, ChargerState.FAULTED, error, **more)
    await office.run(charger_actor("100001"), charger_state.reported, "100001", report, START)


async def test_advice_follows_the_class_of_the_fault_and_danger_silences_the_rest(network: Office) -> None:
    assert await _advice(network, "100001") == []
    assert await _advice(network, "100006") == [("offline", None)]
    assert await _advice(network, "100008") == [("restore", "restore")]
    for error, expected in (
        ("InternalError", ("clear", "clear")), ("ConnectorLockFailure", ("unlock", "unlock")),
        ("OverVoltage", ("grid", None)), ("WeakSignal", ("radio", None)), ("Strange", ("unknown", None)),
        ("GroundFailure", ("safety", None)),
    ):  # fmt: skip
        await _says(network, error)
        assert await _advice(network, "100001") == [expected]
    await _says(network, "OtherError", info="emergency stop pressed")
    assert await _advice(network, "100001") == [("safety", None)]


async def test_a_session_that_draws_nothing_any_more_wants_a_reset(network: Office, clock: JumpingClock) -> None:
    start = StartReport(9, 1, None, 0, START, "k")
    await network.run(OPERATOR, charging.started, "100002", start)

    async def reads(wh: int) -> None:
        report = MeterReport(9, None, 1, clock.now(), energy_wh=wh)
        await network.run(OPERATOR, charging.metered, "100002", [report])

    clock.leap(1_300)
    await reads(5_000)
    assert await _advice(network, "100002") == []
    clock.leap(60)
    await reads(5_000)
    assert await _advice(network, "100002") == [("reset", "reset")]
    clock.leap(60)
    await reads(5_100)
    assert await _advice(network, "100002") == []
    clock.leap(1_250)
    assert await _advice(network, "100002") == []
    for _ in range(2):
        await reads(5_100)
        clock.leap(10)
    assert await _advice(network, "100002") == [("reset", "reset")]


async def test_a_charger_that_comes_and_goes_wants_a_reboot(network: Office, clock: JumpingClock) -> None:
    async def connects(charger_id: str) -> None:
        await network.run(charger_actor(charger_id), charger_state.connected, charger_id, "1.6", clock.now())

    for _ in range(2):
        await connects("100001")
        clock.leap(600)
    assert await _advice(network, "100001") == []
    await connects("100001")
    assert await _advice(network, "100001") == [("reboot", "reboot")]
    assert (await network.read(OWNER, charger_detail.status, "100003"))["weak"] is False
    assert (await network.read(AGENT, charger_detail.status, "100001"))["weak"] is True
    clock.leap(3_700)
    assert await _advice(network, "100001") == []

    def silent_twice(work: Work) -> None:
        for hours in (2, 5):
            at = work.now - timedelta(hours=hours)
            work.session.add(
                Incident(
                    charger_id="100001", cause="silence", state=IncidentState.ENDED, opened_at=at,
                    ended_at=at + timedelta(minutes=20),
                )
            )  # fmt: skip

    await network.run(OPERATOR, silent_twice)
    assert await _advice(network, "100001") == [("reboot", "reboot")]
