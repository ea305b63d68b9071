"""The versions of the model: trained, judged, served, taken back. One serves; where none does, the shipped one does.

What a version is lies in a folder on disk, which its row names and whose hash it holds (bot/serving.py checks it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from desk import audit
from desk.work import Work
from models.access import Permission
from models.errors import Busy, NotFound, Refusal
from models.message import Message
from models.teaching import TEAM_MODEL, ModelVersion, VersionState

TOPIC = "model"
LEASE_S = 120
SHOWN = 30
_LOCK = 0x6D6F64656C
_STANDS_BEHIND = (VersionState.CANDIDATE, VersionState.REFUSED, VersionState.RETIRED)


# Looking ----------------------------------------------------------------------------------------------------------


def serving(work: Work) -> ModelVersion | None:
    """The version that serves; None: the shipped model does."""
    return _the(work, VersionState.SERVING)


def in_shadow(work: Work) -> ModelVersion | None:
    """The version that reads along, if any."""
    return _the(work, VersionState.SHADOW)


def under_way(work: Work) -> ModelVersion | None:
    """The training that is under way, if any; one whose process died is not."""
    return next((row for row in _all(work, VersionState.TRAINING) if not _dead(work, row)), None)


def page(work: Work) -> list[ModelVersion]:
    """The latest versions, newest first."""
    work.require(Permission.CORRECT_MESSAGES)
    return list(work.session.scalars(select(ModelVersion).order_by(ModelVersion.id.desc()).limit(SHOWN)))


def named(work: Work, words: str) -> ModelVersion:
    """A version by its label (`team@3`) or its number alone."""
    work.require(Permission.CORRECT_MESSAGES)
    name, _, number = words.rpartition("@")
    found = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        wanted = select(ModelVersion).where(ModelVersion.version == int(number))
        found = work.session.scalar(wanted.where(ModelVersion.name == (name or TEAM_MODEL)))
    if found is None:
        raise NotFound("model.unknown", label=words[:60])
    return found


def by_id(work: Work, version_id: int) -> ModelVersion:
    """A version by its key."""
    work.require(Permission.CORRECT_MESSAGES)
    found = work.session.get(ModelVersion, version_id)
    if found is None:
        raise NotFound("model.unknown", label=f"#{version_id}")
    return found


def _the(work: Work, state: VersionState) -> ModelVersion | None:
    return next(iter(_all(work, state)), None)


def _all(work: Work, state: VersionState) -> list[ModelVersion]:
    return list(
        work.session.scalars(select(ModelVersion).where(ModelVersion.state == state).order_by(ModelVersion.id.desc()))
    )


# Training ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taught:
    """What training made. `verdict` and `figures` are plain values (classifiers/promotion.py, figures.py)."""

    sha256: str
    data_sha256: str
    rows: int
    passed: bool
    verdict: dict[str, Any]
    figures: dict[str, Any]


def ask_training(work: Work) -> ModelVersion:
    """A new version shall be trained; whoever trains claims it. Refuses while another is under way."""
    work.require(Permission.MANAGE_MODEL)
    _lock(work)
    running = under_way(work)
    if running is not None:
        raise Busy("model.busy", label=running.label)
    last = work.session.scalar(select(func.max(ModelVersion.version)).where(ModelVersion.name == TEAM_MODEL)) or 0
    made = ModelVersion(
        name=TEAM_MODEL, version=last + 1, state=VersionState.TRAINING, folder=f"{TEAM_MODEL}@{last + 1}",
        by=work.actor.name[:120], asked_at=work.now,
    )  # fmt: skip
    work.session.add(made)
    work.session.flush()
    audit.record(work, "model.training", f"model:{made.label}")
    _wake(work)
    return made


def is_training(work: Work) -> bool:
    """Whether a training is under way, here or elsewhere."""
    return under_way(work) is not None


def training_waits(work: Work) -> bool:
    """Whether a training wants to be claimed, or the death of its process to be written down."""
    return any(row.lease_owner is None or _dead(work, row) for row in _all(work, VersionState.TRAINING))


def claim_training(work: Work, owner: str) -> ModelVersion | None:
    """Take the training that nobody has taken; what a dead process left is marked as failed."""
    _lock(work)
    rows = _all(work, VersionState.TRAINING)
    for row in rows:
        if _dead(work, row):
            _fail(work, row, "interrupted")
    free = next((row for row in rows if row.state is VersionState.TRAINING and row.lease_owner is None), None)
    if free is not None:
        free.lease_owner, free.lease_until_at = owner, work.now + timedelta(seconds=LEASE_S)
        _wake(work)
    return free


def still_training(work: Work, version_id: int, owner: str) -> bool:
    """Renew the lease; False: it is not ours any more, so stop."""
    row = _ours(work, version_id, owner)
    if row is not None:
        row.lease_until_at = work.now + timedelta(seconds=LEASE_S)
    return row is not None


def trained(work: Work, version_id: int, owner: str, taught: Taught) -> ModelVersion | None:
    """It is there, and judged: a candidate, or refused by its verdict. None where the lease was lost."""
    row = _ours(work, version_id, owner)
    if row is None:
        return None
    row.sha256, row.data_sha256, row.rows = taught.sha256, taught.data_sha256, taught.rows
    row.verdict, row.figures, row.trained_at = taught.verdict, taught.figures, work.now
    row.lease_owner = row.lease_until_at = None
    row.move(VersionState.CANDIDATE if taught.passed else VersionState.REFUSED)
    audit.record(
        work, "model.trained", f"model:{row.label}", rows=taught.rows, passed=taught.passed, asked_by=row.by,
        sha256=taught.sha256,
    )  # fmt: skip
    _wake(work)
    return row


def gave_up(work: Work, version_id: int, owner: str, why: str) -> None:
    """Training failed; nothing can serve from it."""
    row = _ours(work, version_id, owner)
    if row is not None:
        _fail(work, row, why)


def _fail(work: Work, row: ModelVersion, why: str) -> None:
    row.error, row.lease_owner, row.lease_until_at = why[:300], None, None
    row.move(VersionState.FAILED)
    audit.record(work, "model.failed", f"model:{row.label}", asked_by=row.by)
    _wake(work)


def _dead(work: Work, row: ModelVersion) -> bool:
    """Claimed by a process that has not been heard of since its lease ended."""
    return row.lease_until_at is not None and row.lease_until_at < work.now


def _ours(work: Work, version_id: int, owner: str) -> ModelVersion | None:
    row = work.lock(ModelVersion, version_id)
    return row if row is not None and row.state is VersionState.TRAINING and row.lease_owner == owner else None


# Serving ----------------------------------------------------------------------------------------------------------


def judged(work: Work, version_id: int, verdict: dict[str, Any]) -> ModelVersion:
    """A new verdict, against the model that serves now."""
    work.require(Permission.MANAGE_MODEL)
    _lock(work)
    row = by_id(work, version_id)
    _must_exist(row)
    row.verdict = verdict
    if row.state in (VersionState.CANDIDATE, VersionState.REFUSED):
        row.move(VersionState.CANDIDATE if row.passed else VersionState.REFUSED)
    audit.record(work, "model.judged", f"model:{row.label}", against=verdict.get("serving"), passed=row.passed)
    _wake(work)
    return row


def promote(work: Work, version_id: int, *, instead_of: str, force: str = "") -> ModelVersion:
    """Let a version serve. `instead_of` is the very model that serves now, against which it must have been judged.

    Refuses without a passed verdict, unless `force` says why; the reason stands in the audit trail.
    """
    work.require(Permission.MANAGE_MODEL)
    _lock(work)
    row, now_serving = by_id(work, version_id), serving(work)
    _must_exist(row)
    if row.state is VersionState.SERVING:
        raise Refusal("model.serves_already", label=row.label)
    against = row.judged_against
    if not force.strip():
        if not row.passed:
            raise Refusal("model.not_passed", label=row.label)
        if against != instead_of:
            raise Refusal("model.judged_against_another", label=row.label, against=against, serving=instead_of)
    _serve(work, row, now_serving)
    row.replaced_id = now_serving.id if now_serving is not None else None
    audit.record(
        work, "model.promoted", f"model:{row.label}", instead_of=instead_of, passed=row.passed, forced=force[:500]
    )  # fmt: skip
    return row


def roll_back(work: Work, *, to_shipped: bool = False) -> ModelVersion | None:
    """The version that served before serves again; None: the shipped model does, as it does `to_shipped` at once."""
    work.require(Permission.MANAGE_MODEL)
    _lock(work)
    now_serving = serving(work)
    if now_serving is None:
        raise Refusal("model.nothing_to_roll_back")
    before = None
    if now_serving.replaced_id is not None and not to_shipped:
        before = work.session.get(ModelVersion, now_serving.replaced_id)
    _serve(work, before, now_serving)
    audit.record(
        work, "model.rolled_back", f"model:{now_serving.label}", to=before.label if before is not None else "shipped"
    )  # fmt: skip
    return before


def _serve(work: Work, row: ModelVersion | None, instead_of: ModelVersion | None) -> None:
    if instead_of is not None:
        instead_of.move(VersionState.RETIRED)
        work.session.flush()
    if row is not None:
        row.move(VersionState.SERVING)
        row.served_at = work.now
    _wake(work)


def _must_exist(row: ModelVersion) -> None:
    if row.state in (VersionState.TRAINING, VersionState.FAILED):
        raise Refusal("model.not_there", label=row.label)


# The shadow -------------------------------------------------------------------------------------------------------


def start_shadow(work: Work, version_id: int) -> ModelVersion:
    """Let a version read along from the next message on; the one that did until now steps back."""
    work.require(Permission.MANAGE_MODEL)
    _lock(work)
    row = by_id(work, version_id)
    if row.state not in (*_STANDS_BEHIND, VersionState.SHADOW):
        raise Refusal("model.cannot_shadow", label=row.label)
    if row.state is VersionState.SHADOW:
        return row
    _end_shadow(work)
    row.move(VersionState.SHADOW)
    row.shadow_from_id = row.shadow_seen_id = work.session.scalar(select(func.max(Message.id))) or 0
    audit.record(work, "model.shadow", f"model:{row.label}")
    _wake(work)
    return row


def stop_shadow(work: Work) -> None:
    """Nobody reads along any more."""
    work.require(Permission.MANAGE_MODEL)
    _lock(work)
    row = _end_shadow(work)
    if row is None:
        raise Refusal("model.no_shadow")
    audit.record(work, "model.shadow_ended", f"model:{row.label}")
    _wake(work)


def _end_shadow(work: Work) -> ModelVersion | None:
    row = in_shadow(work)
    if row is not None:
        row.move(VersionState.CANDIDATE if row.passed else VersionState.REFUSED)
        work.session.flush()
    return row


def _lock(work: Work) -> None:
    """One at a time decides about versions; SQLite has one writer anyway."""
    if work.postgresql:
        work.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _wake(work: Work) -> None:
    work.wake(TOPIC)
    work.wake("live.model.all")
