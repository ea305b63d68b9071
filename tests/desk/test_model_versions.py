"""Versions of the model on both engines: one is trained at a time, one serves, and there is always a way back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from desk import model_versions
from desk.office import Office
from models.access import OPERATOR, Actor, ActorKind, Role
from models.audit import AuditRow
from models.errors import Busy, NotAllowed, NotFound, Refusal
from models.teaching import ModelVersion, VersionState
from tests.clock import JumpingClock
from tests.lessons import ARTEFACT, SHIPPED, make_version

BOSS = Actor(ActorKind.MEMBER, "1", "Boss", Role.MANAGER)
AGENT = Actor(ActorKind.MEMBER, "2", "Agent", Role.OPS_AGENT)


async def state(office: Office, version: ModelVersion) -> VersionState:
    return (await office.read(OPERATOR, model_versions.by_id, version.id)).state


async def serving(office: Office) -> str | None:
    row = await office.read(OPERATOR, model_versions.serving)
    return row.label if row is not None else None


async def audited(office: Office) -> list[tuple[str, dict[str, Any]]]:
    rows = await office.read(
        OPERATOR,
        lambda work: work.session.scalars(
            select(AuditRow).where(AuditRow.action.startswith("model.")).order_by(AuditRow.id)
        ).all(),
    )
    return [(row.action, row.facts or {}) for row in rows]


async def test_a_version_is_trained_promoted_and_taken_back(office: Office, tmp_path: Path) -> None:
    first = await make_version(office, tmp_path)
    assert (first.label, await state(office, first)) == ("team@1", VersionState.CANDIDATE)
    await office.run(BOSS, model_versions.promote, first.id, instead_of=ARTEFACT)
    second = await make_version(office, tmp_path, against="team@1")
    await office.run(BOSS, model_versions.promote, second.id, instead_of="team@1")
    assert await serving(office) == "team@2"
    assert await state(office, first) is VersionState.RETIRED
    for expected in ("team@1", None):
        before = await office.run(BOSS, model_versions.roll_back)
        assert (before.label if before else None) == expected
        assert await serving(office) == expected
    with pytest.raises(Refusal, match="nothing_to_roll_back"):
        await office.run(BOSS, model_versions.roll_back)
    told = await audited(office)
    assert [action for action, _ in told].count("model.promoted") == 2
    assert [facts["to"] for action, facts in told if action == "model.rolled_back"] == ["team@1", "shipped"]


async def test_the_way_to_the_shipped_model_is_one_step(office: Office, tmp_path: Path) -> None:
    first = await make_version(office, tmp_path)
    second = await make_version(office, tmp_path)
    for version in (first, second, first):
        now = await serving(office)
        force = "" if now is None else "measured by hand"
        await office.run(BOSS, model_versions.promote, version.id, instead_of=now or ARTEFACT, force=force)
    assert await office.run(BOSS, model_versions.roll_back, to_shipped=True) is None
    assert await serving(office) is None


async def test_a_verdict_decides_unless_somebody_says_why(office: Office, tmp_path: Path) -> None:
    poor = await make_version(office, tmp_path, passed=False)
    assert await state(office, poor) is VersionState.REFUSED
    with pytest.raises(Refusal, match="not_passed"):
        await office.run(BOSS, model_versions.promote, poor.id, instead_of=ARTEFACT, force="   ")
    good = await make_version(office, tmp_path)
    with pytest.raises(Refusal, match="judged_against_another"):
        await office.run(BOSS, model_versions.promote, good.id, instead_of="team@9")
    older = await make_version(office, tmp_path, against=f"{SHIPPED.label}+0ddba115")
    with pytest.raises(Refusal, match="judged_against_another"):  # a release brought another under the same label
        await office.run(BOSS, model_versions.promote, older.id, instead_of=ARTEFACT)
    assert await serving(office) is None
    await office.run(BOSS, model_versions.promote, poor.id, instead_of=ARTEFACT, force="it knows our prices")
    assert (await audited(office))[-1] == (
        "model.promoted", {"instead_of": ARTEFACT, "passed": False, "forced": "it knows our prices"},
    )  # fmt: skip
    with pytest.raises(Refusal, match="serves_already"):
        await office.run(BOSS, model_versions.promote, poor.id, instead_of=poor.label, force="again")
    verdict = {"serving": poor.label, "passed": True, "reasons": []}
    await office.run(BOSS, model_versions.judged, good.id, verdict)
    await office.run(BOSS, model_versions.promote, good.id, instead_of=poor.label)
    assert await serving(office) == good.label


async def test_two_trainings_at_once_are_refused_however_they_race(office: Office) -> None:
    asked = await asyncio.gather(
        *(office.run(BOSS, model_versions.ask_training) for _ in range(4)), return_exceptions=True
    )
    made = [one for one in asked if isinstance(one, ModelVersion)]
    assert len(made) == 1
    assert all(isinstance(one, Busy) for one in asked if one is not made[0])
    claims = await asyncio.gather(
        *(office.run(OPERATOR, model_versions.claim_training, f"node{number}") for number in range(4))
    )
    assert len([one for one in claims if one is not None]) == 1


async def test_a_training_that_was_killed_leaves_nothing_that_could_serve(office: Office, clock: JumpingClock) -> None:
    dead = await office.run(BOSS, model_versions.ask_training)
    assert await office.run(OPERATOR, model_versions.claim_training, "a") is not None
    clock.set(clock.now() + timedelta(seconds=60))
    assert await office.run(OPERATOR, model_versions.still_training, dead.id, "a")
    with pytest.raises(Busy):
        await office.run(BOSS, model_versions.ask_training)
    clock.set(clock.now() + timedelta(seconds=model_versions.LEASE_S + 1))
    again = await office.run(BOSS, model_versions.ask_training)
    assert again.label == "team@2"
    claimed = await office.run(OPERATOR, model_versions.claim_training, "b")
    assert claimed is not None
    assert claimed.id == again.id
    taught = model_versions.Taught("a" * 64, "b" * 64, 0, passed=True, verdict={"passed": True}, figures={})
    assert await office.run(OPERATOR, model_versions.trained, dead.id, "a", taught) is None
    await office.run(OPERATOR, model_versions.gave_up, again.id, "b", "no room on the disk")
    assert await office.run(OPERATOR, model_versions.claim_training, "c") is None
    for version in (dead, again):
        assert await state(office, version) is VersionState.FAILED
        for verb in (model_versions.start_shadow, model_versions.promote):
            more = {"instead_of": ARTEFACT, "force": "now"} if verb is model_versions.promote else {}
            with pytest.raises(Refusal):
                await office.run(BOSS, verb, version.id, **more)  # type: ignore[arg-type]
    assert not await office.read(OPERATOR, model_versions.training_waits)


async def test_one_version_stands_in_the_shadow(office: Office, tmp_path: Path) -> None:
    first, second = await make_version(office, tmp_path), await make_version(office, tmp_path, passed=False)
    await office.run(BOSS, model_versions.start_shadow, first.id)
    await office.run(BOSS, model_versions.start_shadow, first.id)
    await office.run(BOSS, model_versions.start_shadow, second.id)
    assert [await state(office, one) for one in (first, second)] == [VersionState.CANDIDATE, VersionState.SHADOW]
    await office.run(BOSS, model_versions.stop_shadow)
    assert await state(office, second) is VersionState.REFUSED
    with pytest.raises(Refusal, match="no_shadow"):
        await office.run(BOSS, model_versions.stop_shadow)
    await office.run(BOSS, model_versions.promote, first.id, instead_of=ARTEFACT)
    with pytest.raises(Refusal, match="cannot_shadow"):
        await office.run(BOSS, model_versions.start_shadow, first.id)


async def test_versions_are_named_and_managers_alone_decide(office: Office, tmp_path: Path) -> None:
    version = await make_version(office, tmp_path)
    for words in ("team@1", "1"):
        assert (await office.read(AGENT, model_versions.named, words)).id == version.id
    for words in ("", "team@", "team@2", "other@1", "team@x", "9" * 40):
        with pytest.raises(NotFound):
            await office.read(AGENT, model_versions.named, words)
    for call in (
        office.run(AGENT, model_versions.ask_training),
        office.run(AGENT, model_versions.promote, version.id, instead_of=ARTEFACT),
        office.run(AGENT, model_versions.roll_back),
        office.run(AGENT, model_versions.start_shadow, version.id),
        office.run(AGENT, model_versions.stop_shadow),
        office.run(AGENT, model_versions.judged, version.id, {}),
    ):
        with pytest.raises(NotAllowed):
            await call
