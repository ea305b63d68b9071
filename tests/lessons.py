"""Versions of the model without a minute of training: the shipped one under another name, changed as a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from classifiers import registry
from classifiers.dataset import OWN_DATA, read_rows
from classifiers.encoder import GRAPH
from classifiers.fusion import Fusion
from classifiers.lesson import folder_sha256
from classifiers.model import Model, Question
from classifiers.model_files import artefact, save
from desk import model_versions
from desk.model_versions import Taught
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR
from models.teaching import ModelVersion

SHIPPED = registry.load().model
ARTEFACT = artefact(SHIPPED)


def few_rows(folder: Path) -> Path:
    """A file with few of the project's rows and their categories alone: a lesson on it takes seconds."""
    path = folder / "few.jsonl"
    rows = read_rows(OWN_DATA)[::20]
    path.write_text("".join(json.dumps({"text": row.text, "category": row.category}) + "\n" for row in rows))
    return path


def same(model: Model) -> Model:
    """As it is."""
    return model


def leaning(question: Question, name: str, by: float) -> Question:
    """A question whose answers lean towards one class, by this much in logits."""
    at = question.names.index(name)

    def leant(fusion: Fusion) -> Fusion:
        shift = [by if place == at else 0.0 for place in range(len(question.names))]
        return Fusion({
            group: replace(scales, bias=tuple(a + b for a, b in zip(scales.bias, shift, strict=True)))
            for group, scales in fusion.groups.items()
        })  # fmt: skip

    return replace(
        question, alone=leant(question.alone), together=leant(question.together) if question.together else None
    )


def always(category: str) -> Callable[[Model], Model]:
    """A model that sees one category everywhere."""

    def change(model: Model) -> Model:
        return replace(model, category=leaning(model.category, category, 60.0))

    return change


def older_release(model: Model) -> Model:
    """A model that was trained beside an encoder of which this release has another."""
    assert model.encoder is not None
    card = {**model.encoder.card, "sha256": {**model.encoder.card["sha256"], GRAPH: "0" * 64}}
    return replace(model, encoder=replace(model.encoder, card=card))


def placed(
    work: Work, models: Path, change: Callable[[Model], Model] = same, *, passed: bool = True,
    against: str = ARTEFACT,
) -> ModelVersion:  # fmt: skip
    """A version that has been trained and judged; its folder is there."""
    asked = model_versions.ask_training(work)
    folder = models / asked.folder
    save(change(replace(SHIPPED, name=asked.name, version=str(asked.version))), folder)
    verdict = {
        "serving": against.partition("+")[0], "against": against, "candidate": asked.label, "passed": passed,
        "frozen_rows": 562, "newest_rows": 0,
        "reasons": [{"code": "better" if passed else "not_better", "good": passed,
                     "facts": {"difference": 0.021, "low": 0.004, "high": 0.04}}],
    }  # fmt: skip
    told = Taught(folder_sha256(folder), "d" * 64, 7, passed, verdict, {})
    assert model_versions.claim_training(work, "test") is asked
    done = model_versions.trained(work, asked.id, "test", told)
    assert done is not None
    return done


async def make_version(
    office: Office, models: Path, change: Callable[[Model], Model] = same, *, passed: bool = True,
    against: str = ARTEFACT,
) -> ModelVersion:  # fmt: skip
    """The same, by an office."""
    return await office.run(OPERATOR, placed, models, change, passed=passed, against=against)
