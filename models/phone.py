"""Phone numbers: how one is stored, whatever way it was written."""

from __future__ import annotations

import phonenumbers


def e164(text: str, region: str) -> str | None:
    """The number as E.164, None for what cannot be one. `region` (ISO 3166) is whose numbers need no country code."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
