"""Nothing of a person is left in what goes to another brain; what a category hangs on stays."""

from __future__ import annotations

import pytest

from classifiers.brains.private import readable
from models.reading import Registers

KNOWN = Registers(chargers={"100234": "Galle", "GF-07": "Fort"}, id_tags=frozenset({"NIMAL7"}))
SECRETS = {
    "my number is 077 123 4567": ("077", "4567"),
    "call +94 (77) 123-4567 or 0094771234567": ("77", "4567"),
    "charger 100234 and GF-07 do nothing": ("100234", "GF-07"),
    "card NIMAL7, tag 04A1B2C3D4E5F6 and 04:A1:B2:C3": ("NIMAL7", "04A1", "A1:B2"),
    "ticket TKT-000123, s/n AB12345678": ("000123", "AB12345678"),
    "mail sunil.f+ev@mail.example.com now": ("sunil", "mail.example"),
    "see https://x.example/u/7?t=abc and bit.ly/2abcd or www.me.example": ("x.example", "bit.ly", "me.example"),
    "my name is Nimal Perera and I wait": ("Nimal", "Perera"),
    "mi nombre es Juan Pérez, me llamo Juan": ("Juan", "Pérez"),
    "mage nama Kasun, මගේ නම කසුන්": ("Kasun", "කසුන්"),
    "என் பெயர் குமார்": ("குமார்",),
    "this is Kamal speaking": ("Kamal",),
    "Thanks,\nSunil Fernando": ("Sunil", "Fernando"),
    "Mr. Silva told me": ("Silva",),
    "my car is WP CAB-1234, id 941234567V": ("CAB", "1234", "941234567"),
    "paid with 4111 1111 1111 1111, 4111111111111111 rupees": ("4111",),
    "write to @nimal_p": ("nimal_p",),
    "the account of amalkantha is empty": ("amalkantha",),
}


@pytest.mark.parametrize("text", list(SECRETS))
def test_what_names_somebody_is_taken_out(text: str) -> None:
    shown = readable(text, KNOWN, names=("Amalkantha",))
    assert [word for word in SECRETS[text] if word in shown] == []
    assert "[" in shown


@pytest.mark.parametrize("text", [
    "the screen shows error E04 at connector 2", "I paid LKR 1500 twice", "I am not happy, this is the third time",
    "price is 54.50 per kWh, 22kW since 2026", "වැඩ කරන්නේ නැහැ", "வேலை செய்யவில்லை", "¿cuánto cuesta?",
])  # fmt: skip
def test_what_a_category_hangs_on_stays(text: str) -> None:
    assert readable(text, KNOWN) == text


def test_any_text_is_bounded_and_signs_that_nobody_sees_are_gone() -> None:
    assert len(readable("a" * 100_000, KNOWN)) < 4_000
    assert readable("\uf000\uf001 x\u202ey \x00", KNOWN) == "xy"
    assert readable("error E04 " * 900, KNOWN).startswith("error E04 error E04")
