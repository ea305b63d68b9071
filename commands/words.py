"""The kinds of words that commands take: how each is named in a syntax line, and how it is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NewType

from models.errors import BadInput
from models.ticket import ticket_ref

ChargerId = NewType("ChargerId", str)
TicketRef = NewType("TicketRef", str)
PhoneOrUsername = NewType("PhoneOrUsername", str)
MemberRef = NewType("MemberRef", str)
CommandName = NewType("CommandName", str)
FreeText = NewType("FreeText", str)

_CHARGER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,47}")
_TICKET = re.compile(r"(?:TKT)?[\s\-_]*(\d{1,12})", re.IGNORECASE)
_LONGEST_NAME = 100
_LONGEST_TEXT = 1_500


@dataclass(frozen=True)
class Kind:
    """A kind of argument. `label` stands in the syntax line; `whole_rest`: it takes what is left of the line.

    `read` raises BadInput for what it cannot be.
    """

    label: str
    read: Callable[[str], Any]
    whole_rest: bool = False


def plain_digits(text: str) -> str:
    """Digits of any script as ASCII ones, full-width letters as plain ones."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)


def _charger(text: str) -> ChargerId:
    word = plain_digits(text).lstrip("#")
    if not _CHARGER.fullmatch(word):
        raise BadInput("command.bad_charger", text=text[:60])
    return ChargerId(word)


def _ticket(text: str) -> TicketRef:
    found = _TICKET.fullmatch(plain_digits(text).lstrip("#"))
    if found is None or int(found[1]) == 0:
        raise BadInput("command.bad_ticket", text=text[:60])
    return TicketRef(ticket_ref(int(found[1])))


def _person(text: str) -> PhoneOrUsername:
    if len(text) > _LONGEST_NAME:
        raise BadInput("command.bad_person", text=text[:60])
    return PhoneOrUsername(" ".join(plain_digits(text).split()))


def _member(text: str) -> MemberRef:
    if len(text) > _LONGEST_NAME:
        raise BadInput("command.bad_person", text=text[:60])
    return MemberRef(" ".join(plain_digits(text).split()))


def _command_name(text: str) -> CommandName:
    return CommandName(text.lstrip("/").lower()[:40])


def _free(text: str) -> FreeText:
    if len(text) > _LONGEST_TEXT:
        raise BadInput("command.text_too_long", most=_LONGEST_TEXT)
    return FreeText(text)


def _whole_number(text: str) -> int:
    word = plain_digits(text)
    if not re.fullmatch(r"[+-]?\d{1,9}", word):
        raise BadInput("command.bad_number", text=text[:60])
    return int(word)


KINDS: dict[Any, Kind] = {
    ChargerId: Kind("charger-id", _charger),
    TicketRef: Kind("ticket-id", _ticket),
    PhoneOrUsername: Kind("phone or username", _person, whole_rest=True),
    MemberRef: Kind("member", _member, whole_rest=True),
    CommandName: Kind("command", _command_name),
    FreeText: Kind("text", _free, whole_rest=True),
    int: Kind("number", _whole_number),
}
"""What a field of an arguments class may be, beside an Enum of words."""


def kind_of(annotation: Any) -> Kind:
    """The kind for a field's type; a field of no known kind is a mistake of whoever declared it."""
    if annotation in KINDS:
        return KINDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(annotation)
    raise TypeError(f"a command cannot take {annotation!r}")


def _choice(words: type[Enum]) -> Kind:
    by_word = {str(item.value).lower(): item for item in words}

    def read(text: str) -> Enum:
        item = by_word.get(text.lower().replace("-", "_"))
        if item is None:
            raise BadInput("command.bad_choice", text=text[:60], choices=", ".join(by_word))
        return item

    return Kind("|".join(by_word), read)
