"""How a command is declared: its arguments are a frozen dataclass, from which syntax, parser and help derive."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from commands.words import Kind, kind_of
from desk.office import Desk
from models.access import Permission
from models.ports import Chargers
from models.reply import Choice

A = TypeVar("A")


class OutcomeKind(StrEnum):
    """How a command ended."""

    DONE = "done"
    CONFIRM = "confirm"  # dangerous: nothing happened yet
    STARTED = "started"  # a procedure runs; it reports by itself
    REFUSED = "refused"


@dataclass(frozen=True)
class Attachment:
    """A text file that goes with an answer."""

    name: str
    content_type: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """What a door tells the member: a phrase `code` and its `facts`. `status` is the HTTP status that it means.

    `choices` are buttons, whose ids come back by commands/press.py. `ask` begins a command line that the member's
    answer to this very message completes (`answer_line`).
    """

    kind: OutcomeKind
    code: str
    facts: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    attachment: Attachment | None = None
    choices: tuple[Choice, ...] = ()
    ask: str | None = None


def answer_line(ask: str, text: str) -> str:
    """The command line that an answer to `Outcome.ask` makes."""
    return f"{ask} {' '.join(text.split())}"


def done(code: str, **facts: Any) -> Outcome:
    """It is done, or this is what was asked for."""
    return Outcome(OutcomeKind.DONE, code, facts)


def started(code: str, **facts: Any) -> Outcome:
    """It takes time; `run` is the procedure's key."""
    return Outcome(OutcomeKind.STARTED, code, facts)


def plain_press(action: str, subject: str, detail: str) -> str:
    """A button's id where nobody but the member could press it."""
    return ":".join((action, subject, detail))


@dataclass(frozen=True)
class CommandContext:
    """From whom and where a command came.

    `desk` acts as the member. `door` names the place (`api`, `whatsapp:+94…`): a confirmation counts only there.
    `language` is the one that the place is answered in. `seen` holds the warnings that the member has confirmed.
    `sign` makes a button's id (models/signed.py: action, subject, detail); a door that shows buttons in a room gives
    its own. `reply`, by the keys of models.reply.Extra, names the message there that results answer or replace.
    """

    desk: Desk
    chargers: Chargers
    door: str
    language: str = "en"
    seen: frozenset[str] = frozenset()
    sign: Callable[[str, str, str], str] = plain_press
    reply: dict[str, Any] = field(default_factory=dict)

    def report_to(self) -> dict[str, Any]:
        """What a procedure keeps of who started it, so that its result is told there."""
        told = {"door": self.door, "member_id": self.desk.actor.member_id, "language": self.language}
        return {**told, "reply": self.reply} if self.reply else told


@dataclass(frozen=True)
class Argument:
    """A field of an arguments class."""

    name: str
    kind: Kind
    required: bool

    @property
    def shown(self) -> str:
        """`<charger-id>`, `[command]`."""
        label = self.name if self.kind.label == "text" else self.kind.label
        return f"<{label}>" if self.required else f"[{label}]"


Handler = Callable[[CommandContext, A], Awaitable[Outcome]]
Look = Callable[[CommandContext, A], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Command(Generic[A]):
    """A declared command. `needs` None: every member may. `look` is what a dangerous one shows before it acts,
    where `asks_when` says that these arguments make it dangerous.

    `look` gives facts; its `warnings` (a list of phrase codes) are what a member must have seen to confirm.
    """

    name: str
    needs: Permission | None
    takes: type[A]
    arguments: tuple[Argument, ...]
    handler: Handler[A]
    look: Look[A] | None
    asks_when: Callable[[A], bool]
    summary: str

    @property
    def dangerous(self) -> bool:
        """Whether it asks before it acts."""
        return self.look is not None

    @property
    def syntax(self) -> str:
        """`/note <ticket-id> <note>`."""
        return " ".join([f"/{self.name}", *(argument.shown for argument in self.arguments)])

    @property
    def help_code(self) -> str:
        """The phrase that says in one line what it does."""
        return f"command.help.{self.name}"


def command(
    *, needs: Permission | None, look: Look[A] | None = None, asks_when: Callable[[A], bool] | None = None
) -> Callable[[Handler[A]], Command[A]]:
    """Declare a command from its handler: the name is the function's, the help its docstring's first line.

    With `look` the command is dangerous: the member sees what `look` gives and confirms before the handler runs;
    always, unless `asks_when` says for which arguments.
    Nothing is registered: commands/table.py lists them.
    """

    def declare(handler: Handler[A]) -> Command[A]:
        name = getattr(handler, "__name__", "").rstrip("_")
        takes = get_type_hints(handler)["args"]
        summary = (inspect.getdoc(handler) or "").partition("\n")[0]
        if not summary:
            raise TypeError(f"/{name} has no docstring to be its help")
        when = asks_when or (lambda _: look is not None)
        return Command(name, needs, takes, _arguments(takes), handler, look, when, summary)

    return declare


def _arguments(takes: type[Any]) -> tuple[Argument, ...]:
    hints = get_type_hints(takes)
    found = []
    for item in dataclasses.fields(takes):
        required = item.default is dataclasses.MISSING
        found.append(Argument(item.name, kind_of(_without_none(hints[item.name])), required))
    for before, after in pairwise(found):
        if before.kind.whole_rest or (after.required and not before.required):
            raise TypeError(f"{takes.__name__}: {before.name} leaves nothing for {after.name}")
    return tuple(found)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        [only] = [part for part in get_args(annotation) if part is not type(None)]
        return only
    return annotation
