"""The command bar: what may be typed, what it finds, and commands run through the same code as in every chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from commands.command import Command, CommandContext, Outcome, OutcomeKind, answer_line
from commands.press import press
from commands.run import confirm_token, decline, run_text
from commands.table import allowed
from console.pages.page import Visit, page
from desk import find
from models.access import Permission
from models.signed import Press

DOOR = "console"
"""Where a confirmation counts that was asked for in the console, in the bar or on a page."""
MOST_COMMANDS = 12
_PATHS = {"charger": "/console/chargers/", "ticket": "/console/tickets/", "contact": "/console/contacts/",
          "message": "/console/requests/"}  # fmt: skip


@dataclass(frozen=True)
class Hit:
    """A line of the list. `path` leads to a page; `line` is put into the box, `run` says that Enter runs it at once."""

    group: str
    title: str
    detail: str = ""
    tone: str = ""
    path: str | None = None
    line: str | None = None
    run: bool = False


def context(visit: Visit) -> CommandContext:
    """A member at the console's door."""
    return CommandContext(visit.desk, visit.house.chargers, DOOR, visit.language)


def draw(visit: Visit, outcome: Outcome) -> Response:
    """What became of a command: as a part of the page that asked, or as a page of its own."""
    return visit.render(
        "bar/outcome.html", block="outcome", outcome=outcome, kind=outcome.kind.value, lines=_lines(visit, outcome),
        token=outcome.facts.get("token") if outcome.kind is OutcomeKind.CONFIRM else None,
        run_id=outcome.facts.get("run") if outcome.kind is OutcomeKind.STARTED else None,
    )  # fmt: skip


def _lines(visit: Visit, outcome: Outcome) -> list[str]:
    """The sentence by its lines; where a button confirms, without the one that tells what to type."""
    lines = [line for line in visit.say(outcome.code, **outcome.facts).splitlines() if line.strip()]
    if outcome.kind is OutcomeKind.CONFIRM:
        lines = [line for line in lines if f"YES {outcome.facts['code']}" not in line]
    return lines


# Typing -----------------------------------------------------------------------------------------------------------


@page("/console/bar", needs=None)
async def suggestions(visit: Visit) -> Response:
    """What fits to what was typed so far."""
    # A blank at the end says that a word is done, so it is not stripped.
    typed = visit.request.query_params.get("q", "").replace("\x00", "").lstrip()[:300].replace("／", "/")
    if typed.startswith("/"):
        hits = await _commands(visit, typed)
    else:
        hits = [*_pages(visit, typed), *await _found(visit, typed)]
    return visit.render("bar/results.html", block="results", typed=typed, hits=hits)


async def _commands(visit: Visit, typed: str) -> list[Hit]:
    name, space, rest = typed[1:].partition(" ")
    mine = allowed(visit.actor)
    if not space:
        fitting = [item for item in mine if item.name.startswith(name.lower())]
        return [_command(visit, item) for item in fitting[:MOST_COMMANDS]]
    command = next((item for item in mine if item.name == name.lower()), None)
    if command is None:
        return []
    return [_whole(visit, command, typed, rest), *await _arguments(visit, command, rest)]


def _command(visit: Visit, item: Command[Any]) -> Hit:
    """One to go on with: its name is put into the box; one that needs nothing runs at once."""
    tone = "asks" if item.dangerous else ""
    line = f"/{item.name} " if item.arguments else f"/{item.name}"
    return Hit("commands", item.syntax, visit.say(item.help_code), tone, line=line, run=not item.arguments)


def _whole(visit: Visit, command: Command[Any], typed: str, rest: str) -> Hit:
    """The command as it stands, once what it needs is there; before that, what it wants."""
    complete = bool(rest.strip()) or not any(argument.required for argument in command.arguments)
    tone = "asks" if command.dangerous else ""
    if not complete:
        return Hit("commands", command.syntax, visit.say(command.help_code), tone, line=typed)
    return Hit("commands", typed.strip(), visit.say("bar.run_this", syntax=command.syntax), tone, line=typed, run=True)


async def _arguments(visit: Visit, command: Command[Any], rest: str) -> list[Hit]:
    """Chargers or tickets for the first argument, while it is being typed."""
    label = command.arguments[0].kind.label if command.arguments else ""
    look = {"charger-id": find.chargers, "ticket-id": find.tickets}.get(label)
    needs = Permission.VIEW_CHARGERS if label == "charger-id" else Permission.VIEW_TICKETS
    if look is None or " " in rest.strip() or rest.endswith(" ") or not visit.may(needs):
        return []
    found = await visit.desk.read(look, rest.strip(), find.EACH)
    more = len(command.arguments) > 1
    return [
        Hit(one.kind + "s", one.title, one.detail, one.tone, line=f"/{command.name} {one.key}" + (" " if more else ""))
        for one in found
        if one.key != rest.strip()
    ]


def _pages(visit: Visit, typed: str) -> list[Hit]:
    from console.table import sidebar  # noqa: PLC0415 - the table lists the pages, this one among them

    words = typed.casefold()
    named = [(visit.say(entry.code), entry.path) for entry, _ in sidebar(visit)]
    named.append((visit.say("bar.my_page"), "/console/me"))
    return [Hit("pages", name, path=path) for name, path in named if words in name.casefold()]


async def _found(visit: Visit, typed: str) -> list[Hit]:
    found = await visit.desk.read(find.everything, typed)
    return [Hit(one.kind + "s", one.title, one.detail, one.tone, path=_PATHS[one.kind] + one.key) for one in found]


# Running ----------------------------------------------------------------------------------------------------------


@page("/console/bar/run", needs=None, methods=("POST",))
async def run(visit: Visit) -> Response:
    """Run a line; `ask` is the beginning of one that this text completes."""
    form = await visit.form()
    text, ask = form.text("text", most=4_000), form.text("ask", most=200)
    return await run_line(visit, answer_line(ask, text) if ask else text)


async def run_line(visit: Visit, line: str) -> Response:
    """Run it as this member, and draw what came of it."""
    return draw(visit, await run_text(context(visit), line))


@page("/console/bar/confirm", needs=None, methods=("POST",))
async def confirm(visit: Visit) -> Response:
    """Yes to what was asked; the charger is looked at once more before anything is done."""
    form = await visit.form()
    if form.ticked("no"):
        return draw(visit, await decline(context(visit)))
    return draw(visit, await confirm_token(context(visit), form.text("token", most=200)))


@page("/console/bar/press", needs=None, methods=("POST",))
async def pressed(visit: Visit) -> Response:
    """A button that an answer brought along."""
    action, _, rest = (await visit.form()).text("press", most=200).partition(":")
    subject, _, detail = rest.rpartition(":")
    return draw(visit, await press(context(visit), Press(action, subject, visit.now(), detail)))


PAGES = (suggestions, run, confirm, pressed)
