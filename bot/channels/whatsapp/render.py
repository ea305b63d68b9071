"""From a parcel to what WhatsApp can show: parts of a bearable length, buttons, a list, or numbered lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.message_text import cut, size, whole
from models.outbox import Parcel
from phrases.say import say, spell

PART_LIMIT = 1_500
"""UTF-16 units in one message. Twilio allows 1,600 and may count a character more than once."""
MAX_PARTS = 6
BUTTONS, BUTTON_TITLE = 3, 20
ROWS, ROW_TITLE = 10, 24
INTERACTIVE_BODY, CHOICE_ID = 1_024, 200


@dataclass(frozen=True)
class Option:
    """A choice with its label in the person's language."""

    id: str
    label: str


@dataclass(frozen=True)
class Rendered:
    """What is to be said, before it is known how the choices can be shown."""

    text: str
    options: tuple[Option, ...]

    @property
    def numbered(self) -> str:
        """The text with the choices as numbered lines: what anybody can answer with a digit."""
        if not self.options:
            return self.text
        lines = "\n".join(f"{n}. {option.label}" for n, option in enumerate(self.options, 1))
        return f"{self.text}\n\n{lines}"

    @property
    def menu(self) -> dict[str, str]:
        """Which digit stands for which choice."""
        return {str(n): option.id for n, option in enumerate(self.options, 1)}

    @property
    def content_kind(self) -> str | None:
        """How the choices fit WhatsApp: as buttons, as a list, or (None) only as numbered lines."""
        ids, labels = {option.id for option in self.options}, [size(option.label) for option in self.options]
        plain = len(ids) == len(labels) and all(0 < len(each) <= CHOICE_ID for each in ids)
        if not labels or not plain or size(self.text) > INTERACTIVE_BODY or min(labels) == 0:
            return None
        if len(labels) <= BUTTONS and max(labels) <= BUTTON_TITLE:
            return "twilio/quick-reply"
        if len(labels) <= ROWS and max(labels) <= ROW_TITLE:
            return "twilio/list-picker"
        return None


def render(parcel: Parcel, timezone: str) -> Rendered:
    """The words of a parcel in its language. Raises KeyError or ValueError for a phrase that cannot be said."""
    text = (
        parcel.text if parcel.text is not None else say(parcel.code, parcel.facts, parcel.language, timezone=timezone)
    )
    if parcel.repeated:
        text = say("delivery.repeated", {"text": text}, parcel.language)
    options = tuple(
        Option(choice["id"], whole(say(choice["code"], choice["facts"], parcel.language, timezone=timezone)))
        for choice in parcel.choices
    )
    return Rendered(whole(text), options)


def words(parcel: Parcel, names: Sequence[str], timezone: str) -> dict[str, str]:
    """The facts of a parcel that a template asks for, in words; one that it lacks is left out."""
    return {
        name: whole(spell(parcel.facts[name], parcel.language, timezone=timezone))
        for name in names
        if name in parcel.facts
    }


def actions(parcel: Parcel) -> dict[str, str]:
    """The ids of a parcel's choices by what they do: the last word of their labels' codes."""
    return {choice["code"].rpartition(".")[2]: choice["id"] for choice in parcel.choices}


def parts(text: str) -> list[str]:
    """The text as one message if it fits, else as few as possible, cut at line breaks or spaces; at most MAX_PARTS."""
    found: list[str] = []
    rest = text
    while size(rest) > PART_LIMIT and len(found) < MAX_PARTS - 1:
        head = cut(rest, PART_LIMIT)
        found.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    if size(rest) > PART_LIMIT:
        rest = cut(rest, PART_LIMIT - 1).rstrip() + "…"
    return [*found, rest]
