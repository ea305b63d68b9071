"""What the live page shows of people."""

from __future__ import annotations

import pytest

from console.live import mask


@pytest.mark.parametrize(
    "number", ["+94771234567", "+94 77 123 4567", "0771234567", "077 123 4567", "(077) 123-4567", "94771234567"]
)
def test_a_phone_number_keeps_its_last_three_digits(number: str) -> None:
    shown = mask(f"call me on {number} please")
    assert shown.startswith("call me on …")
    assert shown.endswith("567 please")
    assert len(shown) <= len("call me on (…567 please")


@pytest.mark.parametrize(
    "text", ["100003 100004 100005", "TKT-000042 since 2026-03-02 08:15", "charger 100003, 3450.00 LKR", "100003-1"]
)
def test_what_is_no_phone_number_stays(text: str) -> None:
    assert mask(text) == text
