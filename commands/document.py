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

What staff type: in the team's Telegram chats, from an enrolled WhatsApp number, in the console's command bar or by
`POST /api/v1/commands`. This file is written from `commands/table.py` by `make docs`; a test holds it to the table.

- Spaces, letter case, typographic quotes and `/status@BotName` are forgiven; names with spaces go in quotes.
- A ticket may be written `TKT-000042`, `tkt-42`, `#42` or `42`.
- Commands marked *asks first* show how the charger stands and do nothing until the same member confirms at the same
  door within two minutes: a button or `YES 4821` in chat, `{"confirm": token}` by API. Each question is answered once;
  five wrong codes drop it. The charger and the permission are looked at again when it is confirmed; a session that
  began meanwhile is asked about anew. In a room of several members only the one who was asked can answer.
- `/config` asks only where a value is given. Keys that hold secrets are neither shown nor set.
- `/charge` takes a time (`30m`, the default, up to 12 hours) or an amount (`500`, `LKR 500`). The fleet's credit pays
  for a customer of a fleet, else the wallet; it ends at its limit, at the end of that balance, or by `/stopcharge`, and
  whoever started it hears energy, time and cost. A number up to 99 after the charger is the connector.
- `/oncall set` takes a member, a begin and an end in the house's time zone: `tonight`, `18:00 08:00`,
  `mon 18:00 tue 08:00`, `2026-12-24 18:00 06:00`. `swap` and `clear` take the number that `/oncall` shows.
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
