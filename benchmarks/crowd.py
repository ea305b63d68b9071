"""A million messages and a million tickets of two hundred thousand people, as unevenly spread as in life.

The texts are those that the classifier learns from: few sentences make up most of what is written. Each has the number
of a charger and a word of a long tail, so that some words stand in every third message and some in a handful.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select

from benchmarks.bulk import put, without_indexes
from classifiers.dataset import OWN_DATA, read_rows
from models.charger import Charger, Site
from models.member import Member
from models.reading import Category
from models.tally import Counted, Tally
from models.ticket import CATEGORY_DEPARTMENT, NEVER, Ticket

MESSAGES, TICKETS, CONTACTS, CHARGERS, SITES, MEMBERS = 1_000_000, 1_000_000, 200_000, 2_000, 200, 20
START = datetime(2026, 1, 1, tzinfo=UTC)
RARE = "zzyzx"
"""A word that stands in one message of a hundred thousand."""
_FIRST = [
    "Nimal",
    "Kamal",
    "Sunil",
    "Ruwan",
    "Chamari",
    "Dilani",
    "Priya",
    "Kavitha",
    "Mohamed",
    "Fathima",
    "Anura",
    "Lasith",
    "Ana",
    "Luis",
    "Maya",
]
_LAST = [
    "Perera",
    "Silva",
    "Fernando",
    "Bandara",
    "Jayasuriya",
    "Kumar",
    "Rajan",
    "Farook",
    "Wickramasinghe",
    "Herath",
    "Garcia",
    "Dias",
]
_SYLLABLES = ["ka", "ri", "mo", "tu", "la", "ne", "sha", "wi", "po", "de", "gu", "mi", "ra", "to", "ve", "lu"]
_STATES = ("archived", "replied", "bucketed", "needs_review", "unread"), (800, 970, 985, 998, 1000)
_CATEGORIES = ("fault", "billing", "info", "rfid", "install", "complaint", "other"), (40, 60, 75, 83, 90, 96, 100)
_CHANNELS = ("whatsapp", "telegram", "web"), (80, 95, 100)
_LANGUAGES = ("en", "si-Latn", "si", "ta", "es", "ta-Latn"), (50, 70, 85, 95, 99, 100)
_URGENCIES = ("normal", "low", "urgent", "safety"), (900, 970, 997, 1000)
_STATUSES = ("CLOSED", "RESOLVED", "OPEN", "ASSIGNED", "IN_PROGRESS"), (930, 960, 975, 990, 1000)
_PRIORITIES = ("normal", "low", "high", "critical"), (70, 85, 97, 100)
_TIERS = ("standard", "silver", "gold", "platinum"), (80, 92, 98, 100)


def fill(connection: Connection) -> None:
    """Everything, by bulk; the same for the same version."""
    dice = random.Random(7)
    tables = ("message", "ticket", "contact", "contact_identity", "conversation", "sla_clock", "ticket_event")
    _chargers(connection)
    with without_indexes(connection, tables):
        put(connection, "contact", ("id", "name", "sort_name", "email", "organisation", "tier", "account_active",
            "created_at"), _contacts(dice))  # fmt: skip
        put(connection, "contact_identity", ("id", "contact_id", "kind", "value", "backwards", "account", "created_at"),
            _identities(dice))  # fmt: skip
        put(connection, "conversation", ("id", "key", "contact_id", "channel", "account", "address", "created_at"), (
            (i, f"whatsapp:a:{i}", i, "whatsapp", "a", str(i), START) for i in range(1, CONTACTS + 1)
        ))  # fmt: skip
        put(connection, "message", ("id", "conversation_id", "contact_id", "direction", "kind", "channel", "sender",
            "text", "category", "confidence", "needs_review", "urgency", "language", "summary", "state",
            "received_at"), _messages(dice))  # fmt: skip
        put(connection, "ticket", ("id", "status", "priority", "category", "department", "summary", "description",
            "charger_id", "contact_id", "conversation_id", "assignee_id", "tier_rank", "next_due_at", "risk_at",
            "created_at", "updated_at"), _tickets(dice))  # fmt: skip
        put(connection, "sla_clock", ("id", "ticket_id", "kind", "seq", "target_s", "started_at", "consumed_s",
            "state", "gen"), (
            (i, i, "resolution", 1, 259_200, START, 0, "met", 1) for i in range(1, TICKETS + 1)
        ))  # fmt: skip
        put(connection, "ticket_event", ("id", "ticket_id", "kind", "note", "by_kind", "by_id", "by_name", "at"), (
            (i, i, "opened", "", "assistant", "assistant", "Assistant", START) for i in range(1, TICKETS + 1)
        ))  # fmt: skip
    _sums(connection)


def _sums(connection: Connection) -> None:
    """What the house keeps as it goes."""
    counted = select(Ticket.status, func.count()).group_by(Ticket.status)
    connection.execute(
        insert(Tally),
        [
            {"what": Counted.TICKETS, "key": status.value, "change": count}
            for status, count in connection.execute(counted)
        ],
    )


def _chargers(connection: Connection) -> None:
    """And who works there."""
    members = [{"id": i, "email": f"m{i}@example.org", "name": f"Member {i}", "role": "dispatcher", "created_at": START}
               for i in range(1, MEMBERS + 1)]  # fmt: skip
    connection.execute(insert(Member), members)
    connection.execute(insert(Site), [{"id": i, "name": f"Site {i}"} for i in range(1, SITES + 1)])
    connection.execute(insert(Charger), [
        {"id": str(100_000 + i), "name": f"Charger {i}", "site_id": i % SITES + 1, "created_at": START}
        for i in range(CHARGERS)
    ])  # fmt: skip


def _contacts(dice: random.Random) -> Iterator[Sequence[Any]]:
    for i in range(1, CONTACTS + 1):
        name = f"{dice.choice(_FIRST)} {dice.choice(_LAST)} {_tail(dice)}" if dice.random() < 0.9 else ""
        organisation = f"Fleet {int(dice.paretovariate(1)) % 2000}" if i % 5 == 0 else None
        yield (i, name, name.casefold(), f"p{i}@example.org", organisation, _one(dice, _TIERS), True, _at(i, CONTACTS))


def _identities(dice: random.Random) -> Iterator[Sequence[Any]]:
    numbers = dice.sample(range(700_000_000, 790_000_000), CONTACTS)
    for i, number in enumerate(numbers, start=1):
        yield i, i, "phone", f"+94{number}", f"+94{number}"[::-1], "", _at(i, CONTACTS)


def _messages(dice: random.Random) -> Iterator[Sequence[Any]]:
    for i, said in enumerate(_sayings(dice, MESSAGES), start=1):
        person = _person(dice)
        if i % 3 == 0:
            yield (i, person, person, "outbound", "text", _one(dice, _CHANNELS), "us", said, None, None, False, None,
                   None, None, "replied", _at(i, MESSAGES))  # fmt: skip
            continue
        state = _one(dice, _STATES)
        yield (i, person, person, "inbound", "text", _one(dice, _CHANNELS), f"+94{person}", said,
               _one(dice, _CATEGORIES), 0.9, state == "needs_review", _one(dice, _URGENCIES), _one(dice, _LANGUAGES),
               said[:80], state, _at(i, MESSAGES))  # fmt: skip


def _tickets(dice: random.Random) -> Iterator[Sequence[Any]]:
    for i, said in enumerate(_sayings(dice, TICKETS), start=1):
        status, person, at = _one(dice, _STATUSES), _person(dice), _at(i, TICKETS)
        category = Category(_one(dice, _CATEGORIES))
        live = status in {"OPEN", "ASSIGNED", "IN_PROGRESS"}
        assignee = None if status == "OPEN" else int(dice.paretovariate(1)) % MEMBERS + 1
        due = START + timedelta(days=400, minutes=dice.randrange(10_000)) if live else NEVER
        yield (i, status, _one(dice, _PRIORITIES), category.value, CATEGORY_DEPARTMENT[category].value, said[:200],
               said,
               str(100_000 + int(dice.paretovariate(0.7)) % CHARGERS), person, person, assignee, dice.randrange(4), due,
               due, at, at)  # fmt: skip


def _sayings(dice: random.Random, count: int) -> Iterator[str]:
    texts = [row.text for row in read_rows(OWN_DATA)]
    dice.shuffle(texts)
    weights = list(itertools.accumulate(1 / (rank + 1) ** 0.8 for rank in range(len(texts))))
    for i in range(count):
        said = texts[bisect.bisect(weights, dice.random() * weights[-1])]
        yield f"{said} {100_000 + int(dice.paretovariate(0.7)) % CHARGERS} {RARE if i % 100_000 == 7 else _tail(dice)}"


def _tail(dice: random.Random) -> str:
    """A word: some are frequent, most are not."""
    number, word = int(dice.paretovariate(0.5)) % 60_000, ""
    for _ in range(4):
        number, at = divmod(number, len(_SYLLABLES))
        word += _SYLLABLES[at]
    return word


def _person(dice: random.Random) -> int:
    return int(dice.paretovariate(0.6)) % CONTACTS + 1


def _one(dice: random.Random, choice: tuple[Sequence[str], Sequence[int]]) -> str:
    values, upto = choice
    return values[bisect.bisect(upto, dice.random() * upto[-1])]


def _at(i: int, of: int) -> datetime:
    return START + timedelta(seconds=int(i / of * 300 * 86_400))
