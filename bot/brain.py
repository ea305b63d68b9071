"""Which brain reads messages in this installation: our own, or one that was chosen and has passed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.settings import Settings
from classifiers.brains.agreement import limits_of
from classifiers.errors import DataError
from classifiers.registry import Classifier
from classifiers.registry import load as load_classifier
from console.verdict import sentences
from models.ports import MessageClassifier


@dataclass(frozen=True)
class Serving:
    """Who reads, by what name, and from which probability on a message needs no human, by category."""

    reader: MessageClassifier
    label: str
    limits: dict[str, float]


def own(settings: Settings) -> Classifier:
    """Our own classifier with this installation's threshold. Raises DataError."""
    return load_classifier(review_threshold=settings.review_threshold)


def serving(settings: Settings) -> Serving:
    """The brain of this installation. Raises DataError for one that may not serve, with the command to run."""
    classifier = own(settings)
    if settings.classifier_brain is None:
        return Serving(classifier, classifier.model.label, limits_of(classifier))
    from classifiers.brains.check import NotPassedError, load_checked  # noqa: PLC0415 - only where another brain was chosen

    try:
        brain = load_checked(
            settings.classifier_brain, classifier, settings.brains_dir, review_threshold=settings.review_threshold
        )  # fmt: skip
    except NotPassedError as failed:
        why = "; ".join(said for good, said in sentences(failed.verdict, "en") if not good)
        raise DataError(failed.path, f"{failed.name} did not pass: {why}; mend it, then {failed.again}") from None
    return Serving(brain, brain.label, brain.limits())
