"""One turn of a talk: what was written, by whom, what is known, and how something is said back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from desk import contacts, messages, outbox, talk, tickets
from desk.knowledge import Index
from desk.work import Work
from models.contact import Contact
from models.conversation import Conversation
from models.message import Message, MessageState
from models.reading import Category, Entities, Reading, Urgency
from models.reply import Choice, Reply
from models.ticket import Ticket
from phrases.catalogue import spoken


@dataclass(frozen=True)
class Context:
    """What the assistant works with besides the desk."""

    knowledge: Index


@dataclass
class Turn:
    """A message and everything around it, within one transaction. `reading` is None where there was no text."""

    work: Work
    message: Message
    conversation: Conversation
    contact: Contact
    reading: Reading | None
    context: Context

    @property
    def text(self) -> str:
        """What was written, without space around it."""
        return (self.message.text or "").strip()

    @property
    def entities(self) -> Entities:
        """What the text names."""
        return self.reading.entities if self.reading else Entities()

    @property
    def language(self) -> str:
        """The language of the answer."""
        return spoken(self.conversation.language)

    @property
    def summary(self) -> str:
        """One line for staff; never empty."""
        written = self.reading.summary if self.reading else ""
        return (written or self.text or self.message.kind.value)[:300]

    @property
    def urgent(self) -> bool:
        """Somebody is stranded, or locked to a cable."""
        return self.reading is not None and self.reading.urgency is Urgency.URGENT

    @property
    def who(self) -> Any:
        """Who wrote, as a fact for staff: name, else phone; a web visitor has neither."""
        known = self.contact.name or contacts.phone_of(self.work, self.contact.id)
        return known or {"$code": "assistant.a_visitor"}

    def say(
        self, code: str, facts: dict[str, Any] | None = None, choices: tuple[Choice, ...] = (), *,
        what: str | None = None, extra: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Say something, once for each message and `what` (the code where not given)."""
        key = f"msg:{self.message.id}:{what or code}"
        outbox.say(self.work, self.conversation, Reply(code, facts or {}, choices, extra=extra or {}), key=key)
        messages.replied(self.work, self.message)

    def open_ticket(self, category: Category, **more: Any) -> Ticket:
        """Open a ticket for this person; its clocks run from when the message came."""
        given: dict[str, Any] = {
            "summary": self.summary, "description": self.text, "contact_id": self.contact.id,
            "conversation_id": self.conversation.id, "message_id": self.message.id,
            "started_at": self.message.received_at, "urgency": self.reading.urgency if self.reading else None,
        }  # fmt: skip
        return tickets.open_ticket(self.work, category=category, **{**given, **more})

    def add_to(self, ticket: Ticket, *, still_broken: bool | None = None) -> bool:
        """Put what was written into a ticket's history; tells whether that reopened it."""
        text = self.text or self.summary
        return tickets.customer_said(self.work, ticket, text, self.message.id, still_broken=still_broken)

    def review(self) -> None:
        """This message wants a human."""
        messages.wants_review(self.work, self.message)

    def settled(self) -> None:
        """Nobody has to look at this message for its own sake."""
        self.message.needs_review = False
        self.message.move(MessageState.BUCKETED)

    def start_dialogue(self, state: dict[str, Any]) -> None:
        """Questions begin or go on."""
        talk.set_dialogue(self.work, self.conversation, state)

    def end_dialogue(self) -> None:
        """No question is under way."""
        talk.set_dialogue(self.work, self.conversation, None)
