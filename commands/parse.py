"""From a line of text to a command with its arguments, or a refusal that says what is wrong and how it goes."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from commands.command import Argument, Command
from models.errors import BadInput

LONGEST = 2_000
"""Characters of a command line."""

_QUOTED = re.compile(r"[\"“”„‟«]([^\"“”„‟«»]*)[\"“”‟»]")
_WORD = re.compile(r"\S+")
_NAME = re.compile(r"/\s?([A-Za-z_]{1,40})(?:@(\w{1,64}))?(?=\s|$)")
_LOOKS = re.compile(r"\s*[/／]\s?[^\W\d_]")
_EDGES = "'‘’`´"
_STRAY_JOINER = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
"""Joiners shape Sinhala, Tamil and emoji; beside plain letters they are dirt."""


@dataclass(frozen=True)
class Parsed:
    """A command and its arguments, an instance of `command.takes`."""

    command: Command[Any]
    args: Any


def is_command(text: str) -> bool:
    """Whether a line is meant as a command, right or wrong."""
    return _LOOKS.match(clean(text)) is not None


def parse(text: str, commands: Iterable[Command[Any]], bot_name: str | None = None) -> Parsed:
    """Read a line. `/status@OtherBot` is refused when `bot_name` is given and differs.

    Raises BadInput: command.empty, command.too_long, command.not_a_command, command.other_bot, command.unknown
    (with the nearest name), command.missing, command.too_much, or what an argument's kind says, with the usage.
    """
    known = tuple(commands)
    line = clean(text)
    if not line:
        raise BadInput("command.empty")
    if len(line) > LONGEST:
        raise BadInput("command.too_long", most=LONGEST)
    found = _NAME.match(line.replace("／", "/", 1) if line[0] == "／" else line)
    if found is None:
        raise BadInput("command.not_a_command", text=line[:60])
    if bot_name is not None and found[2] is not None and found[2].lower() != bot_name.lstrip("@").lower():
        raise BadInput("command.other_bot", bot=found[2])
    command = next((item for item in known if item.name == found[1].lower()), None)
    if command is None:
        raise _unknown(found[1].lower(), known)
    return Parsed(command, _arguments(command, line[found.end() :]))


def clean(text: str) -> str:
    """Without what cannot be seen: direction marks, zero-width characters, control characters other than breaks."""
    text = _STRAY_JOINER.sub("", text)
    shown = (c for c in text if c in "\n\t\u200c\u200d" or unicodedata.category(c) not in ("Cf", "Cc", "Cs"))
    return "".join(" " if unicodedata.category(c) == "Zs" else c for c in shown).strip()


def _unknown(name: str, known: tuple[Command[Any], ...]) -> BadInput:
    near = difflib.get_close_matches(name, [item.name for item in known], n=1, cutoff=0.5)
    if near:
        return BadInput("command.unknown_near", name=name, nearest=near[0])
    return BadInput("command.unknown", name=name)


def _arguments(command: Command[Any], rest: str) -> Any:
    values: dict[str, Any] = {}
    for argument in command.arguments:
        word, rest = _next(argument, rest)
        if word == "":
            if argument.required:
                raise BadInput("command.missing", what=argument.shown, usage=command.syntax)
            continue
        values[argument.name] = _read(argument, word, command)
    if rest.strip():
        raise BadInput("command.too_much", extra=rest.strip()[:60], usage=command.syntax)
    return command.takes(**values)


def _next(argument: Argument, rest: str) -> tuple[str, str]:
    """The next word (or quoted words, or all the rest) and what follows it."""
    rest = rest.strip()
    if argument.kind.verbatim:
        return rest, ""
    quoted = _QUOTED.match(rest)
    if quoted is not None:
        if _gives_way(argument, quoted[1].strip()):
            return "", rest
        return quoted[1].strip(), rest[quoted.end() :]
    if argument.kind.whole_rest:
        return rest.strip(_EDGES), ""
    word = _WORD.match(rest)
    if word is None:
        return "", ""
    found = word[0].strip(_EDGES)
    return ("", rest) if _gives_way(argument, found) else (found, rest[word.end() :])


def _gives_way(argument: Argument, word: str) -> bool:
    """Whether a word that an optional argument cannot be is left to the next one."""
    return not argument.required and argument.kind.fits is not None and not argument.kind.fits(word)


def _read(argument: Argument, word: str, command: Command[Any]) -> Any:
    try:
        return argument.kind.read(word)
    except BadInput as refusal:
        raise BadInput(refusal.code, usage=command.syntax, **refusal.facts) from None
