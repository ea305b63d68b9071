"""From an error that was foreseen to the one line that a person reads."""

from __future__ import annotations

import json
from typing import Any

from bot.migrate import SchemaError
from bot.settings import SettingsError
from classifiers.errors import DataError
from models.errors import Refusal, Unavailable


def explain(error: Exception) -> str | None:
    """What to print; None for an error that nobody foresaw."""
    match error:
        case SettingsError():
            return "\n".join(error.lines)
        case Refusal():
            return refusal(error.code, error.facts)
        case SchemaError() | DataError():
            return str(error)
        case Unavailable():
            return f"the database is not available: {str(error).splitlines()[0] if str(error) else 'no answer'}"
        case FileNotFoundError():
            return f"there is no file {error.filename}"
        case OSError():
            return f"{error.filename or 'input or output'}: {error.strerror or error}"
        case UnicodeDecodeError():
            return "the input is not UTF-8 text"
        case _:
            return None


def refusal(code: str, facts: dict[str, Any]) -> str:
    """A refusal in words; the bare code and its facts where the phrase book lacks it."""
    from phrases.say import say  # noqa: PLC0415

    try:
        return say(code, facts, "en")
    except (KeyError, ValueError):
        return f"{code} {json.dumps(facts, default=str, ensure_ascii=False)}"
