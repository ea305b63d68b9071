"""What the house knows: topics with sample questions, keywords and answers, and the search over them.

A Knowledge is a value; reading the file that an operator edits is somebody else's. The format is TOML:

    [[topic]]
    id = "hours"
    live = "hours"                      # optional: availability, prices, hours
    keywords = ["open", "24 hours"]
    questions = ["When are you open?"]
    answer = { en = "…", si = "…" }     # en is a must, the others fall back to it
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LIVE_KINDS = frozenset({"availability", "prices", "hours"})
DEFAULT_THRESHOLD = 0.36
_KNOWN_KEYS = frozenset({"id", "live", "keywords", "questions", "answer"})
_LINE = re.compile(r"\(at line (\d+)")
_KEYWORD_WORTH = 0.45
_END_OF_DOCUMENT = re.compile(r"\(at end of document\)")

Fold = Callable[[str], str]
"""Brings spellings and scripts together; given by whoever searches, so that this room needs no classifier."""


class KnowledgeError(ValueError):
    """The text cannot be used; the message names the line."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


@dataclass(frozen=True)
class Topic:
    """One thing people ask. `live` names what the desk adds to the answer from its own tables."""

    id: str
    answer: Mapping[str, str]
    keywords: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    live: str | None = None

    def said(self, language: str) -> str:
        """The answer in a language, or in English."""
        return self.answer.get(language) or self.answer["en"]


@dataclass(frozen=True)
class Knowledge:
    """All topics; a question that scores below `threshold` (0 to 1) is not answered."""

    topics: tuple[Topic, ...] = ()
    threshold: float = DEFAULT_THRESHOLD


@dataclass(frozen=True)
class Found:
    """The best topic for a question and how well it fits (0 to 1)."""

    topic: Topic
    score: float


def parse(text: str) -> Knowledge:
    """Read the TOML form. KnowledgeError names the first line that is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise KnowledgeError(_END_OF_DOCUMENT.sub("", str(error)).split(" (at")[0].strip(), line) from error
    headers = [n for n, line in enumerate(text.splitlines(), start=1) if line.strip().startswith("[[topic]]")]
    raw = data.get("topic", [])
    if not isinstance(raw, list) or len(raw) != len(headers):
        raise KnowledgeError("topics are written as [[topic]]", 1)
    topics = tuple(_topic(item, line) for item, line in zip(raw, headers, strict=True))
    ids = Counter(topic.id for topic in topics)
    for topic, line in zip(topics, headers, strict=True):
        if ids[topic.id] > 1:
            raise KnowledgeError(f"the id {topic.id!r} stands there twice", line)
    return Knowledge(topics, _threshold(data.get("threshold", DEFAULT_THRESHOLD)))


def _threshold(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise KnowledgeError("threshold is a number above 0, at most 1", 1)
    return float(value)


def _topic(raw: Mapping[str, Any], line: int) -> Topic:
    if unknown := sorted(set(raw) - _KNOWN_KEYS):
        raise KnowledgeError(f"unknown key {unknown[0]!r}", line)
    name, answer, live = raw.get("id"), raw.get("answer"), raw.get("live")
    if not isinstance(name, str) or not name.strip():
        raise KnowledgeError("a topic needs an id", line)
    if not isinstance(answer, dict) or not all(isinstance(a, str) and a.strip() for a in answer.values()):
        raise KnowledgeError(f"{name}: answer is a table of language and text", line)
    if "en" not in answer:
        raise KnowledgeError(f"{name}: an answer in en is a must", line)
    if live is not None and live not in LIVE_KINDS:
        raise KnowledgeError(f"{name}: live is one of {', '.join(sorted(LIVE_KINDS))}", line)
    keywords, questions = (_texts(raw.get(key, []), f"{name}: {key}", line) for key in ("keywords", "questions"))
    if not keywords and not questions:
        raise KnowledgeError(f"{name}: give keywords or questions, or nobody finds it", line)
    return Topic(name.strip(), {k: a.strip() for k, a in answer.items()}, keywords, questions, live)


def _texts(value: Any, what: str, line: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise KnowledgeError(f"{what} is a list of texts", line)
    return tuple(value)


# Searching ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    topic: Topic
    keywords: tuple[str, ...]
    grams: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class Index:
    """A Knowledge folded once, to be searched often."""

    knowledge: Knowledge
    fold: Fold
    entries: tuple[_Entry, ...]
    weight: Mapping[str, float] = field(repr=False)

    @classmethod
    def of(cls, knowledge: Knowledge, fold: Fold) -> Index:
        """Fold every keyword and question."""
        asked = [[_grams(fold(question)) for question in topic.questions] for topic in knowledge.topics]
        counts = Counter(gram for questions in asked for gram in set().union(*questions))
        weight = {gram: 1 + math.log((1 + len(asked)) / (1 + n)) for gram, n in counts.items()}
        entries = tuple(
            _Entry(topic, tuple(_folded(topic.keywords, fold)), tuple(_vector(grams, weight) for grams in questions))
            for topic, questions in zip(knowledge.topics, asked, strict=True)
        )
        return cls(knowledge, fold, entries, weight)

    def search(self, text: str) -> Found | None:
        """The topic that fits best; None where none fits well enough."""
        folded = self.fold(text)
        vector = _vector(_grams(folded), self.weight)
        found = [Found(entry.topic, _score(entry, folded, vector)) for entry in self.entries]
        best = max(found, key=lambda item: item.score, default=None)
        return best if best is not None and best.score >= self.knowledge.threshold else None


def _folded(texts: Iterable[str], fold: Fold) -> Iterable[str]:
    return filter(None, dict.fromkeys(fold(text) for text in texts))


def _score(entry: _Entry, folded: str, vector: Mapping[str, float]) -> float:
    """Similar questions and keywords, each making the other's doubt smaller."""
    padded = f" {folded} "
    hits = sum(1 for keyword in entry.keywords if _stands_in(keyword, padded))
    alike = max((_cosine(vector, grams) for grams in entry.grams), default=0.0)
    return 1 - (1 - alike) * (1 - _KEYWORD_WORTH) ** min(hits, 3)


def _stands_in(keyword: str, padded: str) -> bool:
    """From the start of a word; short keywords as whole words only."""
    return (f" {keyword} " if len(keyword) < 4 else f" {keyword}") in padded


def _grams(folded: str) -> Counter[str]:
    """Words and runs of four letters."""
    words = folded.split()
    grams = Counter(f"={word}" for word in words)
    padded = f" {folded} "
    grams.update(padded[i : i + 4] for i in range(len(padded) - 3))
    return grams


def _vector(grams: Mapping[str, int], weight: Mapping[str, float]) -> dict[str, float]:
    rare = max(weight.values(), default=1.0)
    vector = {gram: n * weight.get(gram, rare) for gram, n in grams.items()}
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {gram: value / length for gram, value in vector.items()} if length else {}


def _cosine(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    return sum(value * large.get(gram, 0.0) for gram, value in small.items())
