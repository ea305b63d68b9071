"""`chargehand model …`: what the team taught, from the command line, beside a running server or without one."""

from __future__ import annotations

import argparse
import contextlib
import os
from datetime import datetime
from typing import TYPE_CHECKING

from bot import settings
from bot.cli import FAILED, Trouble
from bot.cli_desk import work_at
from bot.settings import Settings
from console.verdict import sentences
from desk import model_versions, teaching
from desk.work import Work
from models.teaching import Labelled, ModelVersion

if TYPE_CHECKING:
    from classifiers.lesson import Learnt

RENEW_S = 20.0
_OFF = "off"


def listing(_: argparse.Namespace) -> None:
    """Every version, newest first, and what serves."""
    rows, serves = work_at(settings.load(), lambda work: (model_versions.page(work), model_versions.serving(work)))
    print(f"serving: {serves.label if serves is not None else 'the shipped model'}")
    for row in rows:
        when = f"{row.trained_at or row.asked_at:%Y-%m-%d %H:%M}"
        said = "" if row.verdict is None else "  passed" if row.passed else "  not passed"
        print(f"  {row.label:10} {row.state.value:10} {when}  {row.rows:5d} rows of the team  by {row.by}{said}")


def train(_: argparse.Namespace) -> None:
    """Train a candidate, judge it, say how it went."""
    chosen = settings.load()
    owner = f"cli:{os.getpid()}"
    version, labelled, serves = work_at(chosen, lambda work: _begin(work, owner))
    print(f"{version.label}: training on {len(labelled)} labelled messages beside the project's own", flush=True)
    try:
        learnt = _learn(chosen, version, labelled, serves, owner)
    except BaseException as error:
        why = str(error) if isinstance(error, Trouble) else f"{type(error).__name__}: {error}"
        work_at(chosen, lambda work: model_versions.gave_up(work, version.id, owner, why))
        raise
    from bot.teacher import taught  # noqa: PLC0415 - imports numpy

    done = work_at(chosen, lambda work: model_versions.trained(work, version.id, owner, taught(learnt)))
    if done is None:
        raise Trouble(f"{version.label} was given up meanwhile: another process took it for dead")
    print(_told(done))


def _begin(work: Work, owner: str) -> tuple[ModelVersion, list[Labelled], ModelVersion | None]:
    version = model_versions.ask_training(work)
    work.session.flush()
    claimed = model_versions.claim_training(work, owner)
    assert claimed is version, "nobody else can have claimed what is not committed"
    return version, teaching.labelled(work), model_versions.serving(work)


def _learn(
    chosen: Settings, version: ModelVersion, labelled: list[Labelled], serves: ModelVersion | None, owner: str
) -> Learnt:
    """In a process of its own, so that the lease can be renewed meanwhile, and Ctrl-C ends it at once."""
    from bot.lesson_process import LessonProcess  # noqa: PLC0415 - imports numpy
    from bot.teacher import lesson_for  # noqa: PLC0415

    with LessonProcess(lesson_for(chosen.models_dir, version, labelled, serves, version.asked_at)) as under_way:
        while not under_way.ended(RENEW_S):
            if not work_at(chosen, lambda work: model_versions.still_training(work, version.id, owner)):
                raise Trouble("the training was given up meanwhile: another one began, or this one took too long")
        outcome = under_way.outcome()
    if isinstance(outcome, str):
        raise Trouble(f"nothing was learnt: {outcome}")
    return outcome


def judge(given: argparse.Namespace) -> int:
    """Compare a version with what serves now, on the frozen and the newest messages."""
    from bot.serving import open_version  # noqa: PLC0415 - imports numpy
    from bot.teacher import lesson_for  # noqa: PLC0415
    from classifiers import promotion  # noqa: PLC0415
    from classifiers.model_files import load_model  # noqa: PLC0415

    chosen = settings.load()
    version, labelled, serves = work_at(
        chosen,
        lambda work: (
            model_versions.named(work, given.version), teaching.labelled(work), model_versions.serving(work)
        ),
    )  # fmt: skip
    candidate = open_version(chosen.models_dir, version).model
    lesson = lesson_for(chosen.models_dir, version, labelled, serves, _now(chosen))
    made = promotion.judge(
        load_model(lesson.serving), candidate, promotion.frozen_rows(), lesson.newest
    ).as_json()  # fmt: skip
    done = work_at(chosen, lambda work: model_versions.judged(work, version.id, made))
    print(_told(done))
    return 0 if done.passed else FAILED


def promote(given: argparse.Namespace) -> None:
    """Let a version serve; every node changes over by itself."""
    chosen = settings.load()
    force = (given.force or "").strip()
    if given.force is not None and not force:
        raise Trouble("--force needs a reason; it stands in the audit trail")

    def act(work: Work) -> ModelVersion:
        version = model_versions.named(work, given.version)
        return model_versions.promote(work, version.id, instead_of=_in_service(chosen, work), force=force)

    label = work_at(chosen, act).label
    if chosen.classifier_brain is not None:
        print(f"{label} would serve, but while CHARGEHAND_CLASSIFIER_BRAIN is set that brain does")
    else:
        print(f"{label} serves; running servers change over within seconds")


def _in_service(chosen: Settings, work: Work) -> str:
    """What serves now, as verdicts name it: the shipped model where the version that should serve cannot."""
    from bot.serving import open_version  # noqa: PLC0415 - imports numpy
    from classifiers.errors import DataError  # noqa: PLC0415
    from classifiers.model_files import artefact  # noqa: PLC0415
    from classifiers.registry import load  # noqa: PLC0415

    serves = model_versions.serving(work)
    if serves is not None:
        with contextlib.suppress(DataError):
            return artefact(open_version(chosen.models_dir, serves).model)
    return artefact(load(review_threshold=chosen.review_threshold).model)


def rollback(given: argparse.Namespace) -> None:
    """Back to what served before."""
    before = work_at(settings.load(), lambda work: model_versions.roll_back(work, to_shipped=given.to_shipped))
    print(f"{before.label if before is not None else 'the shipped model'} serves again")


def shadow(given: argparse.Namespace) -> None:
    """Let a version read along, or nobody."""
    chosen = settings.load()
    if given.version == _OFF:
        work_at(chosen, model_versions.stop_shadow)
        print("no version reads along any more")
        return
    version = work_at(
        chosen, lambda work: model_versions.start_shadow(work, model_versions.named(work, given.version).id)
    )
    print(f"{version.label} reads along from the next message on; the console shows where it differs")


def _now(chosen: Settings) -> datetime:
    return work_at(chosen, lambda work: work.now)


def _told(version: ModelVersion) -> str:
    """A verdict in words."""
    given = version.verdict or {}
    head = f"{version.label}: {'passed' if version.passed else 'not passed'}, against {given.get('serving')}"
    rows = f"{given.get('frozen_rows', 0)} frozen messages, {given.get('newest_rows', 0)} of the newest month"
    reasons = [f"  {'+' if good else '-'} {said}" for good, said in sentences(given, "en")]
    return "\n".join([f"{head}, on {rows}", *reasons])
