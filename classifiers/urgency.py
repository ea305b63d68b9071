"""How soon somebody must act: words of danger and the trained head together, neither able to silence the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from classifiers.entities import MASKS
from classifiers.lexicon import hazards
from models.reading import Category, Urgency

_NEEDS_DEVICE = frozenset({"hot", "wet", "bare", "crash"})


class Alarm(Enum):
    """What the words alone say."""

    NONE = 0
    CHECK = 1
    DANGER = 2


@dataclass(frozen=True)
class Words:
    """Evidence in the words of a text."""

    alarm: Alarm
    urgent: bool


@dataclass(frozen=True)
class Limits:
    """Probabilities of `safety` from which the head alone (`alone`) or after a doubtful word (`checked`) raises it.

    From `doubt` on, a doubtful word that did not raise it still sends the message to a human.
    """

    alone: float
    checked: float
    doubt: float


def read_words(folded: str) -> Words:
    """Look for words of danger; one inside a guard phrase ("spark ev", "no smoke") is doubtful, not harmless."""
    found = hazards().hits(folded)
    guards = [hit for hit in found if hit.meaning == "guard"]
    beside_device = MASKS["charger"] in folded or any(hit.meaning == "device" for hit in found)
    alarm = Alarm.NONE
    for hit in found:
        if hit.meaning == "danger" or hit.meaning in _NEEDS_DEVICE:
            guarded = any(guard.start < hit.end and hit.start < guard.end for guard in guards)
            certain = not guarded and (hit.meaning == "danger" or beside_device)
            alarm = max(alarm, Alarm.DANGER if certain else Alarm.CHECK, key=lambda one: one.value)
    return Words(alarm, any(hit.meaning == "urgent" for hit in found))


def is_hazard(words: Words, safety: float, limits: Limits) -> bool:
    """Whether the message speaks of danger to people; `safety` is the head's probability."""
    if words.alarm is Alarm.DANGER:
        return True
    return safety >= (limits.checked if words.alarm is Alarm.CHECK else limits.alone)


def decide(words: Words, head: dict[str, float], category: Category, limits: Limits) -> Urgency:
    """The urgency of a message from its words, the head's probabilities by name, and its category."""
    if is_hazard(words, head.get("safety", 0.0), limits):
        return Urgency.SAFETY
    urgent = head.get("urgent", 0.0)
    if urgent >= 0.5 or (words.urgent and (category is Category.FAULT or urgent >= 0.2)):
        return Urgency.URGENT
    return Urgency.LOW if head.get("low", 0.0) > head.get("normal", 0.0) else Urgency.NORMAL
