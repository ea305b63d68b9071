"""The JSON card in the folder of a model or of an encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classifiers.errors import DataError


def read_json_card(path: Path, kind: str, wanted: int, again: str) -> dict[str, Any]:
    """The card of a `kind`, written in the format `wanted`.

    Raises DataError where it is missing, no JSON, or of another format: there `again` says how to make it anew.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(path, f"no {kind} here: {error.strerror}") from error
    except ValueError as error:
        raise DataError(path, f"no {kind} card") from error
    if not isinstance(card, dict) or card.get("format") != wanted:
        raise DataError(path, f"no {kind} of format {wanted}; {again}")
    return card
