"""The pages docs/commands.md and docs/roles.md as the tables have them; `make docs` writes them."""

from __future__ import annotations

from pathlib import Path

from commands.command import Command
from commands.help import may_use
from commands.table import COMMANDS
from models.access import GRANTS, OWN_CHARGERS_ONLY, OWN_TICKETS_ONLY, Actor, ActorKind, Permission, Role

DOCS = Path(__file__).parent.parent / "docs"

_COMMANDS_HEAD = """\
# Commands

What staff type, from an enrolled WhatsApp number or by `POST /api/v1/commands`. This file is written from
`commands/table.py` by `make docs`; a test holds it to the table.

- Spaces, letter case, typographic quotes and `/status@BotName` are forgiven; names with spaces go in quotes.
- A ticket may be written `TKT-000042`, `tkt-42`, `#42` or `42`.
- Commands marked *asks first* show how the charger stands and do nothing until the same member confirms at the same
  door within two minutes: `YES 4821` in chat, `{"confirm": token}` by API. Each question is answered once; five wrong
  codes drop it. The charger and the permission are looked at again when it is confirmed; a session that began
  meanwhile is asked about anew.
- A command that waited longer than ten minutes before it was handled is asked again, not executed.
- Every change, and every command refused for want of permission, leaves a row in the audit trail.

"""

_ROLES_HEAD = """\
# Roles

One table, `models/access.py`, decides in chat, in the console and in the API. This file is written from it by
`make docs`; a test holds it to the table.

Rulings where the sources are silent: an installer sees and works on the tickets assigned to it and no others; a CPO
sees only the chargers of its own fleet, without transactions, frame logs or commands. Whoever resolves a ticket says
what was done; a manager, dispatcher or admin confirms that the customer is satisfied and closes.

"""


def commands_page() -> str:
    """docs/commands.md."""
    rows = [
        _row(f"`{item.syntax}`".replace("|", "\\|"), _what(item), ", ".join(_roles(item)) or "nobody")
        for item in COMMANDS
    ]
    return _COMMANDS_HEAD + "\n".join([_row("command", "does", "who may"), "|---|---|---|", *rows]) + "\n"


def roles_page() -> str:
    """docs/roles.md."""
    head = _row("permission", *(role.value for role in Role))
    rows = [_row(item.value, *("yes" if item in GRANTS[role] else "" for role in Role)) for item in Permission]
    limits = [
        f"- Only the tickets assigned to them: {', '.join(sorted(OWN_TICKETS_ONLY))}.",
        f"- Only their own fleet's chargers: {', '.join(sorted(OWN_CHARGERS_ONLY))}.",
    ]
    return _ROLES_HEAD + "\n".join([head, "|---" * (len(Role) + 1) + "|", *rows, "", *limits]) + "\n"


def _what(item: Command[object]) -> str:
    return item.summary + (" *Asks first.*" if item.dangerous else "")


def _roles(item: Command[object]) -> list[str]:
    return [role.value for role in Role if may_use(Actor(ActorKind.MEMBER, "0", "", role=role), item)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
