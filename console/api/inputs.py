"""What the API takes: bodies and filters. What is not named here is refused, not passed over."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from models.access import Department
from models.base import HIGHEST_KEY
from models.charger import ChargerState
from models.message import Direction, MessageState
from models.reading import Category, Urgency
from models.ticket import Priority, TicketStatus

PAGE = 50
LONGEST_PAGE = 200


def _storable(text: str) -> str:
    """Both engines can keep it."""
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


def _text(least: int, most: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


Word = Annotated[str, _text(1, 100), AfterValidator(_storable)]
Line = Annotated[str, _text(1, 300), AfterValidator(_storable)]
Prose = Annotated[str, _text(1, 8_000), AfterValidator(_storable)]
Key = Annotated[int, Field(ge=1, le=HIGHEST_KEY)]
ChargerKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*\-_=:+|@.]{1,48}$")]

KeyInPath = Annotated[int, Path(ge=1, le=HIGHEST_KEY)]
ChargerInPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9*\-_=:+|@.]{1,48}$")]
RefInPath = Annotated[str, Path(pattern=r"^(?:[Tt][Kk][Tt]-?)?[0-9]{1,18}$")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cut(_Given):
    """Which part of a list: at most `limit` rows after the cursor `after`."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE
    after: Annotated[str, Field(max_length=200)] | None = None


class MessageFilter(Cut):
    """Which messages. `words`: all of them stand in the text; the last may be a beginning."""

    state: MessageState | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    direction: Direction | None = None
    channel: Word | None = None
    contact_id: Key | None = None
    conversation_id: Key | None = None
    needs_review: bool | None = None
    language: Word | None = None
    words: Annotated[str, _text(1, 200), AfterValidator(_storable)] | Literal[""] = ""


class TicketFilter(Cut):
    """Which tickets. `unassigned`: OPEN with nobody on it."""

    status: TicketStatus | None = None
    priority: Priority | None = None
    category: Category | None = None
    department: Department | None = None
    assignee_id: Key | None = None
    charger_id: ChargerKey | None = None
    contact_id: Key | None = None
    unassigned: bool = False


class ChargerFilter(Cut):
    """Which chargers; `search` in id, name and site."""

    state: ChargerState | None = None
    search: Word | None = None


class ContactFilter(Cut):
    """Which contacts; `search`: words of name, username, email and organisation (the last may be a beginning) or the
    last digits of a number; `phone` from its beginning (`+94…`)."""

    search: Word | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,15}$")] | None = None


class AuditFilter(Cut):
    """Which rows: those about one thing, such as `charger:100003`."""

    target: Annotated[str, _text(1, 120), AfterValidator(_storable)] | None = None


class CategoryInput(_Given):
    """A correction. What is left out stays as it was read."""

    category: Category
    urgency: Urgency | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")] | None = None
    why: Annotated[str, _text(0, 500), AfterValidator(_storable)] = ""


class TicketInput(_Given):
    """A new ticket. `assignee` is a member's number or email."""

    summary: Line
    category: Category
    priority: Priority | None = None
    description: Annotated[str, _text(0, 8_000), AfterValidator(_storable)] = ""
    charger_id: ChargerKey | None = None
    contact_id: Key | None = None
    assignee: Key | Word | None = None
    scheduled_visit_at: AwareDatetime | None = None


class TicketChange(_Given):
    """What to change. `assignee` null puts the ticket back into the unassigned queue."""

    status: TicketStatus | None = None
    priority: Priority | None = None
    assignee: Key | Word | None = None
    note: Prose | None = None


class NoteInput(_Given):
    """A note."""

    text: Prose


class ReplyInput(_Given):
    """A member's own words."""

    text: Annotated[str, _text(1, 4_000), AfterValidator(_storable)]


class CommandInput(_Given):
    """Either a line such as `/status 100001`, or the token of a question."""

    text: Annotated[str, Field(min_length=1, max_length=4_000), AfterValidator(_storable)] | None = None
    confirm: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_storable)] | None = None

    @model_validator(mode="after")
    def _one(self) -> CommandInput:
        if (self.text is None) == (self.confirm is None):
            raise ValueError("give either text or confirm")
        return self


Messages = Annotated[MessageFilter, Query()]
Tickets = Annotated[TicketFilter, Query()]
Chargers = Annotated[ChargerFilter, Query()]
Contacts = Annotated[ContactFilter, Query()]
Audit = Annotated[AuditFilter, Query()]
Cuts = Annotated[Cut, Query()]
