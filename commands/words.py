"""The kinds of words that commands take: how each is named in a syntax line, and how it is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, NewType

from models.errors import BadInput
from models.reading import Urgency
from models.ticket import ticket_ref

ChargerId = NewType("ChargerId", str)
TicketRef = NewType("TicketRef", str)
PhoneOrUsername = NewType("PhoneOrUsername", str)
MemberRef = NewType("MemberRef", str)
CommandName = NewType("CommandName", str)
FreeText = NewType("FreeText", str)
Customer = NewType("Customer", str)
Phone = NewType("Phone", str)
ConnectorId = NewType("ConnectorId", int)
Seconds = NewType("Seconds", int)
Escalation = NewType("Escalation", str)
AlertId = NewType("AlertId", int)
OutboxId = NewType("OutboxId", int)
MessageId = NewType("MessageId", int)
Tag = NewType("Tag", str)
ConfigKey = NewType("ConfigKey", str)
ConfigValue = NewType("ConfigValue", str)
IncidentRef = NewType("IncidentRef", str)
Place = NewType("Place", str)
Duty = NewType("Duty", str)

_CHARGER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,47}")
_TICKET = re.compile(r"(?:TKT)?[\s\-_]*(\d{1,12})", re.IGNORECASE)
_DURATION = re.compile(r"(?:(\d{1,3})\s*d)?\s*(?:(\d{1,3})\s*h)?\s*(?:(\d{1,4})\s*m(?:in)?)?", re.IGNORECASE)
_AMOUNT = re.compile(r"(?:LKR|Rs\.?)?\s*(\d{1,7}(?:[.,]\d{1,2})?)\s*(?:LKR|Rs\.?)?", re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d ()\-.]{6,24}")
_KEY = re.compile(r"[A-Za-z0-9_.\-\[\]#:]{1,120}")
_LONGEST_NAME = 100
_LONGEST_TEXT = 1_500
_LONGEST_VALUE = 500


@dataclass(frozen=True)
class Kind:
    """A kind of argument. `label` stands in the syntax line; `whole_rest`: it takes what is left of the line, and
    `verbatim` with its quotes. An optional one that has `fits` lets a word that does not fit be the next one's.

    `read` raises BadInput for what it cannot be.
    """

    label: str
    read: Callable[[str], Any]
    whole_rest: bool = False
    verbatim: bool = False
    fits: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Limit:
    """Where a charge that staff start ends: after a time, or when it has cost an amount."""

    seconds: int | None = None
    amount: Decimal | None = None


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


def _customer(text: str) -> Customer:
    return Customer(_person(text))


def _phone(text: str) -> Phone:
    word = plain_digits(text).strip()
    if not _PHONE.fullmatch(word):
        raise BadInput("command.bad_phone", text=text[:60])
    return Phone(word)


def _is_connector(text: str) -> bool:
    return re.fullmatch(r"#?\d{1,2}", plain_digits(text)) is not None


def _connector(text: str) -> ConnectorId:
    number = int(plain_digits(text).lstrip("#")) if _is_connector(text) else 0
    if not number:
        raise BadInput("command.bad_connector", text=text[:60])
    return ConnectorId(number)


def _duration(text: str) -> int | None:
    found = _DURATION.fullmatch(plain_digits(text).strip())
    if found is None:
        return None
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 3600 + minutes * 60 or None


def _seconds(text: str) -> Seconds:
    seconds = _duration(text)
    if seconds is None:
        raise BadInput("command.bad_duration", text=text[:60])
    return Seconds(seconds)


def _limit(text: str) -> Limit:
    seconds = _duration(text)
    if seconds is not None:
        return Limit(seconds=seconds)
    found = _AMOUNT.fullmatch(plain_digits(text).strip())
    amount = Decimal(found[1].replace(",", ".")) if found is not None else Decimal(0)
    if not amount:
        raise BadInput("command.bad_limit", text=text[:60])
    return Limit(amount=amount)


def _escalation(text: str) -> Escalation:
    return Escalation(_free(text))


def _alert(text: str) -> AlertId:
    return AlertId(_row_key(text))


def _outbox(text: str) -> OutboxId:
    return OutboxId(_row_key(text))


def _message(text: str) -> MessageId:
    try:
        return MessageId(_row_key(text))
    except BadInput:
        raise BadInput("command.bad_message", text=text[:60]) from None


def _row_key(text: str) -> int:
    word = plain_digits(text).lstrip("#")
    if not re.fullmatch(r"\d{1,15}", word) or int(word) == 0:
        raise BadInput("command.bad_number", text=text[:60])
    return int(word)


def _tag(text: str) -> Tag:
    if not 1 <= len(text) <= 36 or not text.isprintable():
        raise BadInput("command.bad_tag", text=text[:60])
    return Tag(text)


def _config_key(text: str) -> ConfigKey:
    if not _KEY.fullmatch(text):
        raise BadInput("command.bad_key", text=text[:60])
    return ConfigKey(text)


def _config_value(text: str) -> ConfigValue:
    if len(text) > _LONGEST_VALUE:
        raise BadInput("command.text_too_long", most=_LONGEST_VALUE)
    return ConfigValue(text)


def _incident(text: str) -> IncidentRef:
    word = plain_digits(text)
    if not _CHARGER.fullmatch(word.lstrip("#")):
        raise BadInput("command.bad_incident", text=text[:60])
    return IncidentRef(word)


def _place(text: str) -> Place:
    return Place(_person(text))


def _duty(text: str) -> Duty:
    return Duty(_free(plain_digits(text)))


KINDS: dict[Any, Kind] = {
    ChargerId: Kind("charger-id", _charger),
    TicketRef: Kind("ticket-id", _ticket),
    PhoneOrUsername: Kind("phone or username", _person, whole_rest=True),
    MemberRef: Kind("member", _member, whole_rest=True),
    CommandName: Kind("command", _command_name),
    FreeText: Kind("text", _free, whole_rest=True, verbatim=True),
    Customer: Kind("customer", _customer),
    Phone: Kind("phone", _phone),
    ConnectorId: Kind("connector", _connector, fits=_is_connector),
    Seconds: Kind("duration", _seconds, whole_rest=True),
    Limit: Kind("30m or 500", _limit, whole_rest=True),
    Escalation: Kind("tried; failed; needed", _escalation, whole_rest=True, verbatim=True),
    AlertId: Kind("alert-id", _alert),
    OutboxId: Kind("outbox-id", _outbox),
    MessageId: Kind("message-id", _message),
    Tag: Kind("tag", _tag),
    ConfigKey: Kind("key", _config_key),
    ConfigValue: Kind("value", _config_value, whole_rest=True),
    IncidentRef: Kind("incident or charger-id", _incident),
    Place: Kind("charger-id, site or network", _place, whole_rest=True),
    Duty: Kind("member from to, or number", _duty, whole_rest=True, verbatim=True),
    int: Kind("number", _whole_number),
}
"""What a field of an arguments class may be, beside an Enum of words."""


_GIVES_WAY: frozenset[type[Enum]] = frozenset({Urgency})
"""Choices that stand before free text: a word that is none of them is the text's first."""


def kind_of(annotation: Any) -> Kind:
    """The kind for a field's type; a field of no known kind is a mistake of whoever declared it."""
    if annotation in KINDS:
        return KINDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(annotation)
    raise TypeError(f"a command cannot take {annotation!r}")


def _choice(words: type[Enum]) -> Kind:
    by_word = {str(item.value).lower(): item for item in words}

    def fits(text: str) -> bool:
        return text.lower().replace("-", "_") in by_word

    def read(text: str) -> Enum:
        item = by_word.get(text.lower().replace("-", "_"))
        if item is None:
            raise BadInput("command.bad_choice", text=text[:60], choices=", ".join(by_word))
        return item

    return Kind("|".join(by_word), read, fits=fits if words in _GIVES_WAY else None)
