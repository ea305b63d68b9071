"""Write the pages that are made from code, or check that they are fresh: .env.example and pages under docs/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bot.cli import parser  # noqa: E402
from bot.cli_table import COMMANDS  # noqa: E402
from bot.settings import PREFIX, TABLE, example  # noqa: E402
from commands import document  # noqa: E402


def settings_page() -> str:
    """docs/settings.md."""
    rows = "".join(
        f"| `{PREFIX}{entry.name}` | {f'`{entry.default}`' if entry.default else ''} | {entry.about} |\n"
        for entry in TABLE
    )
    return (
        "# Settings\n\n"
        "Set in the environment or in `.env` in the folder of the clone; the environment wins. An empty value means\n"
        "not set. An unknown or malformed name stops the start with one line for each. Relative paths start at\n"
        "`CHARGEHAND_DATA_DIR`; `var/` at their head means that folder. `chargehand doctor` checks them all.\n\n"
        f"| name | default | |\n|---|---|---|\n{rows}"
    )


def command_line_page() -> str:
    """docs/command-line.md. Not argparse's own help text, which differs between versions of Python."""
    head = "# Command line\n\n`.venv/bin/chargehand`, or `python -m bot`; `--help` after any command shows the same.\n"
    parts = [
        head,
        "Exit status: 0 done, 1 refused or failed, 2 misused. Each trouble is one line on standard error.\n",
    ]
    for command in COMMANDS:
        parts.append(f"\n## `chargehand {command.words}`\n\n{command.about}.\n\n")
        rows = [f"| `{_shape(action)}` | {action.help or ''} |\n" for action in _actions(command.words)]
        parts += ["| | |\n|---|---|\n", *rows, "\n"] if rows else []
        parts.append("```\n" + "\n".join(command.examples) + "\n```\n")
    return "".join(parts)


def _actions(words: str) -> list[argparse.Action]:
    found = parser()
    for word in words.split():
        action = next(item for item in found._actions if isinstance(item, argparse._SubParsersAction))
        found = action.choices[word]
    return [action for action in found._actions if "--help" not in action.option_strings]


def _shape(action: argparse.Action) -> str:
    value = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else "")
    shape = " ".join(part for part in (action.option_strings[-1] if action.option_strings else "", str(value)) if part)
    return shape.replace("|", "\\|") if action.required else f"[{shape}]"


PAGES = {
    ".env.example": example,
    "docs/settings.md": settings_page,
    "docs/command-line.md": command_line_page,
    "docs/commands.md": document.commands_page,
    "docs/roles.md": document.roles_page,
}


def main() -> int:
    """0 when the pages are written, or fresh."""
    check = "--check" in sys.argv
    stale = []
    for name, page in PAGES.items():
        path = ROOT / name
        text = page()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"stale: {', '.join(stale)}; run make docs", file=sys.stderr)
        return 1
    print("docs: fresh" if check else f"written: {', '.join(PAGES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
