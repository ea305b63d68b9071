"""`python -m migrations.new "what changes"`: write the next revision from the difference of tables and history."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bot import migrate


def main() -> int:
    """Compare on a fresh SQLite database at the newest revision; the file still wants a reader's eye."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.stderr.write('Say what changes: make migration M="tickets have a colour"\n')
        return 2
    with tempfile.TemporaryDirectory() as folder:
        path = migrate.write_revision(f"sqlite:///{Path(folder) / 'schema.db'}", sys.argv[1].strip())
    sys.stdout.write(f"Wrote {path}; read it, then run make test.\n" if path else "The history fits the tables.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
