"""What the API answers with: the contract's shapes. Further fields may be added; none is taken away."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from models.charger import ChargerState, CurrentType
from models.message import Direction, MessageState
from models.reading import Category, Urgency
from models.sla import ClockKind, ClockState
from models.ticket import ClaimClass, Priority, TicketStatus

T = TypeVar("T")


class Shape(BaseModel):
    """What a row looks like outside; fields that a verb adds pass through."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` goes into `after` for the part that follows."""

    items: list[T]
    next: str | None = None


class ErrorBody(Shape):
    """`incident` is the number under which our own mistake is in the log."""

    code: str
    text: str
    incident: str | None = None
    facts: dict[str, Any] | None = None


class Problem(BaseModel):
    """Every answer that is not a success."""

    error: ErrorBody


class MediaShape(Shape):
    """A file that came with a message."""

    id: int
    content_type: str
    size: int | None
    state: str


class DeliveryShape(Shape):
    """What became of an outgoing message: our state and the provider's word."""

    state: str
    status: str | None
    repeated: bool
    error_code: str | None
    sent_at: datetime | None


class MessageShape(Shape):
    """A message. `entities` is the Reading's."""

    id: int
    direction: Direction
    channel: str
    sender: str = Field(alias="from")
    conversation_id: int
    contact_id: int
    text: str | None
    media: list[MediaShape]
    category: Category | None
    second_category: Category | None
    confidence: float | None
    needs_review: bool
    urgency: Urgency | None
    language: str | None
    summary: str | None
    entities: dict[str, Any] | None
    state: MessageState
    received_at: datetime
    delivery: DeliveryShape | None


class MemberName(Shape):
    """Somebody of the team."""

    id: int
    name: str


class ClockShape(Shape):
    """A service-level clock. `target_s` seconds; `due_at` is null while it does not run."""

    kind: ClockKind
    target_s: int
    due_at: datetime | None
    state: ClockState


class IncidentShape(Shape):
    """The trouble that a ticket belongs to."""

    id: int
    charger_id: str
    state: str


class NoteShape(Shape):
    """A note of a ticket."""

    id: int
    text: str
    by: str
    at: datetime


class EventShape(Shape):
    """A line of a ticket's history."""

    id: int
    kind: str
    was: str | None
    now: str | None
    note: str
    by: dict[str, str]
    at: datetime


class TicketShape(Shape):
    """A ticket."""

    ref: str
    status: TicketStatus
    priority: Priority
    claim_class: ClaimClass | None = Field(alias="class")
    category: Category
    department: str
    summary: str
    description: str
    charger_id: str | None
    contact_id: int | None
    assignee: MemberName | None
    scheduled_visit_at: datetime | None
    created_at: datetime
    clocks: list[ClockShape]
    incident: IncidentShape | None
    notes: list[NoteShape]
    history: list[EventShape]


class ConnectorShape(Shape):
    """A connector; `transaction` is the key of the session that runs there."""

    id: int
    state: ChargerState
    error_code: str | None
    transaction: int | None


class ChargerShape(Shape):
    """A charger."""

    id: str
    name: str
    site: str | None
    current_type: CurrentType
    state: ChargerState
    connectors: list[ConnectorShape]
    online: bool
    last_seen_at: datetime | None
    firmware: str | None
    ocpp_version: str | None


class FrameShape(Shape):
    """A frame of the OCPP log, secrets blanked. `direction`: `in` from the charger, `out` to it."""

    id: int
    at: datetime
    direction: Literal["in", "out"]
    action: str | None
    frame: str


class ContactShape(Shape):
    """A customer."""

    id: int
    name: str
    username: str | None
    email: str | None
    phone: str | None
    organisation: str | None
    language: str | None
    tier: str
    account_active: bool
    created_at: datetime


class ConversationShape(Shape):
    """A conversation with its messages, newest first."""

    id: int
    channel: str
    contact_id: int
    language: str | None
    human_since_at: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    created_at: datetime
    messages: Page[MessageShape]


class AttachmentShape(BaseModel):
    """A text file that goes with an answer."""

    name: str
    content_type: str
    text: str


class ChoiceShape(BaseModel):
    """A button: `id` is what pressing it sends, `text` its label."""

    id: str
    text: str


class CommandShape(BaseModel):
    """`code` is `confirm` for a question, `started` for a procedure, else the answer's phrase code. Some answers bring
    a file, or choices."""

    code: str
    facts: dict[str, Any]
    text: str
    attachment: AttachmentShape | None = None
    choices: list[ChoiceShape] = []


class ProcedureShape(Shape):
    """A procedure. `state`: waiting, running, ended; `result` once it has ended; `steps` are the evidence."""

    id: int
    kind: str
    charger_id: str
    connector: int | None
    state: str
    step: str
    steps: list[Any]
    result: str | None
    facts: dict[str, Any]
    created_at: datetime
    ended_at: datetime | None


class AuditShape(Shape):
    """A row of the audit trail."""

    id: int
    at: datetime
    actor: dict[str, str]
    action: str
    target: str
    facts: dict[str, Any]
