"""How soon somebody must act: words of danger and the trained head weighed together; neither silences the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import exp, log

from classifiers.entities import MASKS
from classifiers.lexicon import hazards
from models.reading import Category, Urgency

CRY_WORDS = 6
_NEEDS_DEVICE = frozenset({"hot", "wet", "bare"})
_DOUBTFUL = frozenset({"crash"})  # a dent is no danger, what stands open behind it is


class Alarm(Enum):
    """What the words alone say."""

    NONE = 0
    CHECK = 1
    DANGER = 2


@dataclass(frozen=True)
class Words:
    """Evidence in the words of a text. A `cry` is short, and names a danger beside a device: nothing more is asked."""

    alarm: Alarm
    urgent: bool
    cry: bool = False


@dataclass(frozen=True)
class Limits:
    """How words and head speak together: a logistic regression over the head's log-odds of danger and the words.

    From `alarm` on the message is a danger; from `doubt` on, or after any word of danger, it goes to a human.
    """

    head: float
    danger: float
    check: float
    bias: float
    alarm: float
    doubt: float


def log_odds(share: float) -> float:
    """Log-odds of a probability, kept within what can be told apart."""
    held = min(max(share, 1e-6), 1.0 - 1e-6)
    return log(held / (1.0 - held))


def danger_share(words: Words, head: float, limits: Limits) -> float:
    """How probable a danger is, from the words and the head's probability of it; 0 to 1."""
    if words.cry:
        return 1.0
    told = limits.danger * (words.alarm is Alarm.DANGER) + limits.check * (words.alarm is Alarm.CHECK)
    return 1.0 / (1.0 + exp(-(limits.head * log_odds(head) + told + limits.bias)))


def read_words(folded: str) -> Words:
    """Look for words of danger; one inside a guard phrase ("spark ev", "no smoke") is doubtful, not harmless."""
    found = hazards().hits(folded)
    guards = [hit for hit in found if hit.meaning == "guard"]
    beside_device = MASKS["charger"] in folded or any(hit.meaning == "device" for hit in found)
    alarm = Alarm.NONE
    for hit in found:
        if hit.meaning in _DOUBTFUL and beside_device:
            alarm = max(alarm, Alarm.CHECK, key=lambda one: one.value)
        if hit.meaning == "danger" or hit.meaning in _NEEDS_DEVICE:
            guarded = any(guard.start < hit.end and hit.start < guard.end for guard in guards)
            certain = not guarded and (hit.meaning == "danger" or beside_device)
            alarm = max(alarm, Alarm.DANGER if certain else Alarm.CHECK, key=lambda one: one.value)
    cry = alarm is Alarm.DANGER and beside_device and len(folded.split()) <= CRY_WORDS
    return Words(alarm, any(hit.meaning == "urgent" for hit in found), cry)


def is_hazard(words: Words, head: float, limits: Limits) -> bool:
    """Whether the message speaks of danger to people; `head` is the head's probability of it."""
    return danger_share(words, head, limits) >= limits.alarm


def is_doubtful(words: Words, head: float, limits: Limits) -> bool:
    """Whether a message that raised no alarm needs human eyes: a word of danger without a guard is not passed over."""
    return words.alarm is Alarm.DANGER or danger_share(words, head, limits) >= limits.doubt


def level(words: Words, head: dict[str, float], category: Category) -> Urgency:
    """The urgency of a message that is no danger, from its words, the head's probabilities and its category."""
    urgent = head.get("urgent", 0.0)
    if urgent >= 0.5 or (words.urgent and (category is Category.FAULT or urgent >= 0.2)):
        return Urgency.URGENT
    return Urgency.LOW if head.get("low", 0.0) > head.get("normal", 0.0) else Urgency.NORMAL
