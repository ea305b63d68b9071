"""Chargers as reported: the newest socket wins, silence is told once, faults open incidents, health ends them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from desk import charger_state, chargers, charging, incidents, tags
from desk.charger_state import mark_silent
from desk.office import Office
from desk.work import Work
from models.access import CLOCK, OPERATOR, Actor, ActorKind, Role, charger_actor
from models.charger import Charger, ChargerState, ChargerVariable, Connector, Fleet, Site
from models.contact import Contact
from models.conversation import Conversation
from models.errors import BadInput, NotFound, Refusal
from models.incident import Incident
from models.member import TeamAlert
from models.outbox import OutboxItem
from models.ports import BootReport, FrameRecord, StartReport, StatusReport
from tests.clock import START, JumpingClock

CHARGER = charger_actor("100001")
AVAILABLE, FAULTED = ChargerState.AVAILABLE, ChargerState.FAULTED


@pytest.fixture
async def ready(office: Office) -> Office:
    """Two chargers, the first with two connectors."""

    def seed(work: Work) -> None:
        chargers.add(work, "100001", name="Galle Face 1", connector_count=2, site="Galle Face")
        chargers.add(work, "100002", name="Kandy 1", site="Kandy")

    await office.run(OPERATOR, seed)
    return office


async def _connect(office: Office, at: datetime = START) -> int:
    return await office.run(CHARGER, charger_state.connected, "100001", "1.6", at)


async def _says(
    office: Office, number: int, state: ChargerState, error: str = "NoError", at: datetime = START, **more: Any
) -> None:
    report = StatusReport(number, state, error, reported_at=at, **more)
    await office.run(CHARGER, charger_state.reported, "100001", report, at)


async def _show(office: Office) -> dict[str, Any]:
    return await office.read(OPERATOR, chargers.overview, "100001")


def _alerts(work: Work) -> list[str]:
    return list(work.session.scalars(select(TeamAlert.code).order_by(TeamAlert.id)))


def _incidents(work: Work) -> list[tuple[str, str]]:
    return [(row.cause, row.state.value) for row in work.session.scalars(select(Incident).order_by(Incident.id))]


async def test_the_newest_socket_wins_and_the_old_one_s_close_touches_nothing(ready: Office) -> None:
    first = await _connect(ready)
    second = await _connect(ready, START + timedelta(seconds=5))
    assert second == first + 1
    await ready.run(CHARGER, charger_state.disconnected, "100001", first, START + timedelta(seconds=6))
    assert (await _show(ready))["online"] is True
    await ready.run(CHARGER, charger_state.disconnected, "100001", second, START + timedelta(seconds=7))
    shown = await _show(ready)
    assert (shown["online"], shown["state"]) == (False, "Offline")
    assert {item["state"] for item in shown["connectors"]} == {"Offline"}


async def test_the_overview_has_the_contract_s_shape(ready: Office) -> None:
    await _connect(ready)
    boot = BootReport("ABB", "Terra", serial_number="S1", firmware="1.2")
    await ready.run(CHARGER, charger_state.booted, "100001", boot, START, heartbeat_interval_s=60)
    await _says(ready, 1, AVAILABLE)
    await _says(ready, 2, ChargerState.CHARGING)
    start = StartReport(9, 2, None, 0, START, "k")
    await ready.run(CHARGER, charging.started, "100001", start)
    shown = await _show(ready)
    needed = {"id", "name", "site", "current_type", "state", "connectors", "online", "last_seen_at", "firmware",
              "ocpp_version"}  # fmt: skip
    assert needed <= set(shown)
    assert (shown["site"], shown["state"], shown["firmware"], shown["ocpp_version"]) == (
        "Galle Face", "Charging", "1.2", "1.6",
    )  # fmt: skip
    assert [(one["id"], one["state"], one["error_code"], one["transaction"]) for one in shown["connectors"]] == [
        (1, "Available", "NoError", None), (2, "Charging", "NoError", 9),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ((AVAILABLE, FAULTED), "Faulted"),
        ((AVAILABLE, ChargerState.PREPARING), "Preparing"),
        ((ChargerState.SUSPENDED_EV, AVAILABLE), "SuspendedEV"),
        ((AVAILABLE, ChargerState.UNAVAILABLE), "Available"),
        ((ChargerState.UNAVAILABLE, ChargerState.UNAVAILABLE), "Unavailable"),
    ],
)
async def test_the_shown_state_of_a_charger(ready: Office, states: tuple[ChargerState, ...], shown: str) -> None:
    await _connect(ready)
    for number, state in enumerate(states, 1):
        await _says(ready, number, state)
    assert (await _show(ready))["state"] == shown


async def test_a_fault_opens_one_incident_and_health_everywhere_ends_it(ready: Office) -> None:
    await _connect(ready)
    for _ in range(3):
        await _says(ready, 1, FAULTED, "InternalError")
    await _says(ready, 2, FAULTED, "ReaderFailure")
    assert await ready.read(OPERATOR, _incidents) == [("charger", "open")]
    assert await ready.read(OPERATOR, _alerts) == ["charger.faulted", "charger.faulted"]
    await _says(ready, 1, AVAILABLE)
    assert await ready.read(OPERATOR, _incidents) == [("charger", "open")]
    await _says(ready, 2, AVAILABLE)
    assert await ready.read(OPERATOR, _incidents) == [("charger", "ended")]


async def test_a_safety_fault_pages_the_team(ready: Office) -> None:
    await _connect(ready)
    await _says(ready, 1, FAULTED, "OtherError", vendor_error="Emergency stop")

    def urgent(work: Work) -> list[tuple[str, bool]]:
        return [(row.code, row.urgent) for row in work.session.scalars(select(TeamAlert))]

    assert await ready.read(OPERATOR, urgent) == [("charger.safety_fault", True)]


async def test_a_healthy_charger_is_no_judge_of_what_a_person_saw(ready: Office) -> None:
    await _connect(ready)
    await _says(ready, 1, AVAILABLE)
    await _says(ready, 2, AVAILABLE)
    await ready.run(CHARGER, incidents.join, "100001", conversation_id=None, cause="message")
    await _says(ready, 1, ChargerState.PREPARING)
    assert await ready.read(OPERATOR, _incidents) == [("message", "open")]
    await _says(ready, 1, FAULTED, "InternalError")
    await _says(ready, 1, AVAILABLE)
    assert await ready.read(OPERATOR, _incidents) == [("message", "ended")]


async def test_a_driver_whose_session_is_hit_is_told_once(ready: Office) -> None:
    def seed(work: Work) -> None:
        work.session.add(Contact(id=4, name="Ana", created_at=work.now))
        work.session.flush()
        work.session.add(
            Conversation(
                key="w", contact_id=4, channel="web", account="site", address="x", last_inbound_at=work.now,
                created_at=work.now,
            )
        )  # fmt: skip
        tags.add(work, "ANA", contact_id=4)
        charging.started(work, "100001", StartReport(9, 2, "ana", 0, START, "k"))

    await ready.run(OPERATOR, seed)
    await _connect(ready)
    for error in ("InternalError", "PowerMeterFailure"):
        await _says(ready, 2, FAULTED, error)
    await _says(ready, 1, FAULTED, "InternalError")

    def said(work: Work) -> list[str]:
        return list(work.session.scalars(select(OutboxItem.code)))

    assert await ready.read(OPERATOR, said) == ["session.fault"]
    (session,) = await ready.read(OPERATOR, charging.sessions, charger_id="100001")
    assert session["meter_error"] is True


async def test_silence_makes_a_charger_offline_and_is_told_once(ready: Office, clock: JumpingClock) -> None:
    await _connect(ready)
    await _says(ready, 1, AVAILABLE)
    clock.set(START + timedelta(seconds=630))
    assert await ready.run(CLOCK, mark_silent) == 0
    clock.set(START + timedelta(seconds=631))
    assert await ready.run(CLOCK, mark_silent) == 1
    assert await ready.run(CLOCK, mark_silent) == 0
    assert (await _show(ready))["state"] == "Offline"
    assert await ready.read(OPERATOR, _alerts) == ["charger.silent"]
    assert await ready.read(OPERATOR, _incidents) == [("silence", "open")]


async def test_a_charger_taken_for_silent_that_is_heard_again_is_back(ready: Office, clock: JumpingClock) -> None:
    await _connect(ready)
    for number in (1, 2):
        await _says(ready, number, AVAILABLE)
    clock.set(START + timedelta(seconds=700))
    await ready.run(CLOCK, mark_silent)
    await ready.run(CHARGER, charger_state.seen, {"100001": START + timedelta(seconds=701)})
    assert (await _show(ready))["online"] is True
    assert await ready.read(OPERATOR, _incidents) == [("silence", "ended")]
    clock.set(START + timedelta(seconds=701 + 631))
    assert await ready.run(CLOCK, mark_silent) == 1


async def test_a_late_note_of_being_heard_does_not_bring_back_a_closed_socket(ready: Office) -> None:
    epoch = await _connect(ready)
    await ready.run(CHARGER, charger_state.disconnected, "100001", epoch, START + timedelta(seconds=60))
    await ready.run(CHARGER, charger_state.seen, {"100001": START + timedelta(seconds=59), "nobody": START})
    assert (await _show(ready))["online"] is False


async def test_a_closed_socket_is_told_only_after_a_grace(ready: Office, clock: JumpingClock) -> None:
    epoch = await _connect(ready)
    await ready.run(CHARGER, charger_state.disconnected, "100001", epoch, START)
    clock.set(START + timedelta(seconds=299))
    assert await ready.run(CLOCK, mark_silent) == 0
    clock.set(START + timedelta(seconds=301))
    assert [await ready.run(CLOCK, mark_silent) for _ in range(3)] == [1, 0, 0]
    assert await ready.read(OPERATOR, _incidents) == [("silence", "open")]


async def test_a_charger_that_never_connected_is_not_told_of(ready: Office, clock: JumpingClock) -> None:
    clock.set(START + timedelta(days=1))
    assert await ready.run(CLOCK, mark_silent) == 0


async def test_lists_go_by_cursor_state_and_words(ready: Office) -> None:
    await _connect(ready)
    await _says(ready, 1, AVAILABLE)
    find: Callable[..., Any] = chargers.page

    async def ids(**how: Any) -> list[str]:
        found = await ready.read(OPERATOR, find, **({"limit": 10, "after": None} | how))
        return [item["id"] for item in found]

    assert await ids() == ["100001", "100002"]
    assert await ids(limit=1) == ["100001"]
    assert await ids(after="100001") == ["100002"]
    assert await ids(state="offline") == ["100002"]
    assert await ids(state=AVAILABLE, limit=1) == ["100001"]
    assert await ids(search="kandy") == ["100002"]
    assert await ids(search="%") == []
    with pytest.raises(BadInput):
        await ids(state="sleepy")


async def test_an_owner_sees_only_the_chargers_of_its_fleet(ready: Office) -> None:
    def give(work: Work) -> None:
        work.session.add(Fleet(id=5, name="Owner"))
        work.session.flush()
        work.session.get_one(Charger, "100002").fleet_id = 5

    await ready.run(OPERATOR, give)
    owner = Actor(ActorKind.MEMBER, "1", "Owner", role=Role.CPO, fleet_id=5)
    found = await ready.read(owner, chargers.page, limit=10, after=None)
    assert [item["id"] for item in found] == ["100002"]
    with pytest.raises(NotFound):
        await ready.read(owner, chargers.overview, "100001")
    nobody = Actor(ActorKind.MEMBER, "1", "Owner", role=Role.CPO, fleet_id=None)
    assert await ready.read(nobody, chargers.page, limit=10, after=None) == []


async def test_live_availability_by_words_and_by_distance(ready: Office) -> None:
    def place(work: Work) -> None:
        for name, latitude, longitude in (("Galle Face", 6.927, 79.843), ("Kandy", 7.293, 80.635)):
            site = work.session.scalar(select(Site).where(Site.name == name))
            assert site is not None
            site.latitude, site.longitude, site.address = latitude, longitude, f"{name} Road"

    await ready.run(OPERATOR, place)
    await _connect(ready)
    await _says(ready, 1, AVAILABLE)
    await _says(ready, 2, ChargerState.SUSPENDED_EV)
    (galle,) = await ready.read(OPERATOR, chargers.availability, ["galle"])
    assert galle["types"] == {"AC": {"total": 2, "free": 1, "states": {"Available": 1, "Charging": 1}}}
    near = await ready.read(OPERATOR, chargers.nearest, 7.29, 80.63, 5)
    assert [site["site"] for site in near] == ["Kandy", "Galle Face"]
    assert near[0]["distance_m"] < 1_000
    assert 90_000 < near[1]["distance_m"] < 110_000
    assert near[0]["types"]["AC"]["states"] == {"Offline": 1}
    assert await ready.read(OPERATOR, chargers.availability, ["nowhere"]) == []
    assert len(await ready.read(OPERATOR, chargers.availability, [])) == 2


async def test_registers_know_names_sites_and_tags(ready: Office) -> None:
    await ready.run(OPERATOR, tags.add, "tag-1")
    known = await ready.read(OPERATOR, chargers.registers)
    assert known.chargers == {"100001": "Galle Face 1", "100002": "Kandy 1"}
    assert (known.id_tags, known.default_region, known.currency) == (frozenset({"TAG-1"}), "LK", "LKR")


@pytest.mark.parametrize("bad", ["", "a b", "x" * 49, "a/b", "ü"])
async def test_a_bad_id_is_refused(ready: Office, bad: str) -> None:
    with pytest.raises(BadInput):
        await ready.run(OPERATOR, chargers.add, bad)


async def test_a_known_id_and_a_short_password_are_refused(ready: Office) -> None:
    with pytest.raises(Refusal) as refused:
        await ready.run(OPERATOR, chargers.add, "100001")
    assert refused.value.code == "charger.exists"
    with pytest.raises(BadInput):
        await ready.run(OPERATOR, chargers.set_password, "100001", "short")
    with pytest.raises(BadInput):
        await ready.run(OPERATOR, chargers.add, "100003", password="short")


async def test_frames_and_variables_are_kept(ready: Office) -> None:
    records = [FrameRecord("100001", START, "in", "Heartbeat", f'[2,"{n}","Heartbeat",{{}}]') for n in range(5)]
    await ready.run(CHARGER, charger_state.note_frames, records)
    newest = await ready.read(OPERATOR, chargers.frames, "100001", limit=2, after=None)
    older = await ready.read(OPERATOR, chargers.frames, "100001", limit=9, after=newest[-1]["id"])
    assert [one["frame"][4] for one in newest + older] == ["4", "3", "2", "1", "0"]
    for value in ("30", "60"):
        await ready.run(CHARGER, charger_state.note_variables, "100001", {"HeartbeatInterval": (value, False)}, START)

    def values(work: Work) -> list[tuple[str, str | None]]:
        return [(row.key, row.value) for row in work.session.scalars(select(ChargerVariable))]

    assert await ready.read(OPERATOR, values) == [("HeartbeatInterval", "60")]


async def test_what_a_database_cannot_store_is_left_out(ready: Office) -> None:
    await _connect(ready)
    await _says(ready, 1, FAULTED, "Other\x00Error", info="a\x00b" * 200, vendor_error="v" * 200)

    def row(work: Work) -> tuple[str, int, int]:
        one = work.session.get_one(Connector, ("100001", 1))
        return one.error_code, len(one.info or ""), len(one.vendor_error or "")

    assert await ready.read(OPERATOR, row) == ("OtherError", 200, 80)
