"""What the classifier says of a message. Plain values, the same for every classifier behind the shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypedDict


class Category(StrEnum):
    """What a message is about (source: the operations ERP's seven buckets)."""

    FAULT = "fault"
    BILLING = "billing"
    RFID = "rfid"
    INFO = "info"
    INSTALL = "install"
    COMPLAINT = "complaint"
    OTHER = "other"


TIE_ORDER: tuple[Category, ...] = (
    Category.FAULT,
    Category.BILLING,
    Category.RFID,
    Category.INSTALL,
    Category.COMPLAINT,
    Category.INFO,
    Category.OTHER,
)
"""Which category comes first when two fit equally."""


class Urgency(StrEnum):
    """How soon somebody must act; separate from the category."""

    SAFETY = "safety"
    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"


class AmountEntity(TypedDict):
    """A sum of money named in a text: decimal digits as written, ISO 4217 currency."""

    value: str
    currency: str


class EntitiesJson(TypedDict):
    """Entities in their wire form."""

    charger_id: list[str]
    ticket_ref: list[str]
    phone: list[str]
    amount: list[AmountEntity]
    id_tag: list[str]
    connector: list[int]
    error_code: list[str]
    serial_number: list[str]


class ReadingJson(TypedDict):
    """A Reading in its wire form (the contract's `Reading`)."""

    category: str
    second_category: str | None
    confidence: float
    needs_review: bool
    urgency: str
    language: str
    summary: str
    entities: EntitiesJson
    scores: dict[str, float]
    model: str


@dataclass(frozen=True)
class Entities:
    """Things a text names. Phones are E.164, references upper case, in order of appearance, without repeats."""

    charger_id: tuple[str, ...] = ()
    ticket_ref: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    amount: tuple[AmountEntity, ...] = ()
    id_tag: tuple[str, ...] = ()
    connector: tuple[int, ...] = ()
    error_code: tuple[str, ...] = ()
    serial_number: tuple[str, ...] = ()

    def as_json(self) -> EntitiesJson:
        """The wire form."""
        return {
            "charger_id": list(self.charger_id),
            "ticket_ref": list(self.ticket_ref),
            "phone": list(self.phone),
            "amount": list(self.amount),
            "id_tag": list(self.id_tag),
            "connector": list(self.connector),
            "error_code": list(self.error_code),
            "serial_number": list(self.serial_number),
        }


@dataclass(frozen=True)
class Registers:
    """What the desk knows by name, so that a mention can be matched against it.

    `chargers` maps a charger's id to its name, `sites` to the name of its site; `id_tags` are the known tags.
    """

    chargers: dict[str, str] = field(default_factory=dict)
    id_tags: frozenset[str] = frozenset()
    default_region: str = "LK"
    currency: str = "LKR"
    sites: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """A message understood: category with calibrated probability, urgency, language, entities, one-line summary.

    `language` is `en`, `si`, `si-Latn`, `ta`, `ta-Latn`, `es`, another ISO 639-1 code, or `und`.
    `confidence` is the probability of `category` (0 to 1); `scores` holds one for each category.
    """

    category: Category
    confidence: float
    needs_review: bool
    urgency: Urgency
    language: str
    summary: str
    entities: Entities
    scores: dict[Category, float]
    model: str
    second_category: Category | None = None

    def as_json(self) -> ReadingJson:
        """The wire form."""
        return {
            "category": self.category.value,
            "second_category": self.second_category.value if self.second_category else None,
            "confidence": round(self.confidence, 4),
            "needs_review": self.needs_review,
            "urgency": self.urgency.value,
            "language": self.language,
            "summary": self.summary,
            "entities": self.entities.as_json(),
            "scores": {category.value: round(p, 4) for category, p in self.scores.items()},
            "model": self.model,
        }


@dataclass(frozen=True)
class Neighbour:
    """A labelled message that is near in meaning; `similarity` is a cosine, at most 1."""

    text: str
    category: Category
    similarity: float


@dataclass(frozen=True)
class Phrase:
    """Words of the message that spoke for a category; `weight` is their share of its score, greatest first."""

    words: str
    category: Category
    weight: float


@dataclass(frozen=True)
class Evidence:
    """Why a message was read as it was, for the person who decides.

    `guesses` are the two most probable categories with their probabilities. `reason` says why a person must look:
    `low_confidence`, `out_of_scope`, `near_danger`, `shortened`, `no_words`, or empty where nobody must.
    """

    guesses: tuple[tuple[Category, float], ...]
    neighbours: tuple[Neighbour, ...]
    phrases: tuple[Phrase, ...]
    reason: str
    model: str
