"""`python -m benchmarks [name …]`, the names those of `ALL`: each figure beside its limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from benchmarks import chargers, classification, command, console, databases, kill, pipeline, sweep, webhook

ALL: dict[str, Callable[[dict[str, str]], None]] = {
    "webhook": webhook.run,
    "classification": classification.run,
    "pipeline": pipeline.run,
    "command": command.run,
    "sweep": sweep.run,
    "console": console.run,
    "chargers": chargers.run,
    "kill": kill.run,
}


def main(names: list[str]) -> int:
    """Run those named, or all. 2 for a name that is none."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    for name in names or list(ALL):
        with databases.fresh(os.environ.get("TEST_DATABASE_URL")) as addresses:
            ALL[name](addresses)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
