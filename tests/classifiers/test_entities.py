"""What a text names."""

from __future__ import annotations

import pytest

from classifiers.entities import MASKS, collect, find_mentions, masked
from classifiers.money import plain_number
from classifiers.ngrams import message_features
from models.reading import AmountEntity, Entities, Registers

REGISTERS = Registers(
    chargers={str(100000 + n): f"Demo {n}" for n in range(1, 13)} | {"GAL-01": "Galle Fort West"},
    id_tags=frozenset({"ABC123", "04A2B3C4D5E6F0"}),
)


def entities(text: str, registers: Registers = REGISTERS) -> Entities:
    return collect(text, find_mentions(text, registers), registers)


def money(value: str, currency: str = "LKR") -> AmountEntity:
    return AmountEntity(value=value, currency=currency)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("charger 100003 is not starting", ("100003",)),
        ("100003 and 100004 both dead", ("100003", "100004")),
        ("100234 eka wada na", ("100234",)),
        ("10003 not working", ("100003",)),
        ("1000003 red light", ("100003",)),
        ("gal-01 is dark", ("GAL-01",)),
        ("the one at Galle Fort West", ("GAL-01",)),
        ("චාජර් 100005 වැඩ නෑ", ("100005",)),
        ("cargador 100009 apagado", ("100009",)),
        ("I paid Rs 100234 for it", ()),
        ("call 0771000034", ()),
        ("battery at 85%, 40 kWh, 2026", ()),
        ("station 500 m away", ()),
        ("station 500 meter away", ()),
        ("charger 50 kW", ()),
        ("charger 150 kW, not 50", ()),
        ("machine 2024 model", ()),
        ("unit 120 per kWh", ()),
        ("unit 85/unit", ()),
        ("unit 120.50 rupees", ()),
        ("my car has 100013 km", ()),
        ("otp 123456", ()),
        ("my OTP code is: 123456", ()),
        ("pin 100013", ()),
        ("code 482913", ()),
        ("code 100003", ()),
        ("password: 10003", ()),
        ("charger code 100003", ("100003",)),
        ("QR code 100003", ("100003",)),
        ("charger code 10003", ("100003",)),
        ("charger 10003 pin is bent", ("100003",)),
        ("unit 100003 m stuck here", ("100003",)),
        ("unit 100003 meter is wrong", ("100003",)),
        ("charger 100003 day before yesterday", ("100003",)),
        ("charger 100003 times out", ("100003",)),
        ("charger 100003 rs 500 gone", ("100003",)),
        ("machine 2024 is dark", ("2024",)),
    ],
)
def test_chargers_are_found_by_id_near_id_and_name(text: str, expected: tuple[str, ...]) -> None:
    assert entities(text).charger_id == expected


def test_a_mistyped_id_that_could_be_several_chargers_stays_as_typed() -> None:
    assert entities("charger 100013 is off").charger_id == ("100013",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("any news on TKT-000042?", ("TKT-000042",)),
        ("tkt 7 and TKT-1234567", ("TKT-000007", "TKT-1234567")),
        ("ticket #42 please", ("TKT-000042",)),
        ("two tickets to the show", ()),
        ("ticket 3 days old", ()),
        ("ticket 2 weeks", ()),
        ("ticket 2-3 weeks open", ()),
        ("ticket 500 rupees", ()),
        ("டிக்கெட் 3 நாளாச்சு", ()),
        ("ticket 42 rs 500", ("TKT-000042",)),
        ("ticket 42 re the cable", ("TKT-000042",)),
        ("ticket 42 second time", ("TKT-000042",)),
        ("ticket 1045 days 3k wenawa", ("TKT-001045",)),
        ("ටිකට් 1045 සති 3ක්", ("TKT-001045",)),
    ],
)
def test_tickets(text: str, expected: tuple[str, ...]) -> None:
    assert entities(text).ticket_ref == expected


@pytest.mark.parametrize("text", ["0771234567", "077 123 4567", "94771234567", "+94 77 123 4567", "+94771234567."])
def test_phones_come_out_in_one_form(text: str) -> None:
    assert entities(f"call me on {text}").phone == ("+94771234567",)


def test_phones_follow_the_region_of_the_installation() -> None:
    assert entities("llámame al 612 345 678", Registers(default_region="ES", currency="EUR")).phone == ("+34612345678",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rs 2,500.00", money("2500.00")),
        ("Rs.500/-", money("500")),
        ("LKR 3450.00", money("3450.00")),
        ("රු. 1,850", money("1850")),
        ("රුපියල් 500", money("500")),
        ("ரூ 700", money("700")),
        ("ரூபாய் 2500", money("2500")),
        ("3450 rupees", money("3450")),
        ("2k rs", money("2000")),
        ("5 lakhs LKR", money("500000")),
        ("3450/=", money("3450")),
        ("€ 20", money("20", "EUR")),
        ("2.500,00 €", money("2500.00", "EUR")),
        ("$12.50", money("12.50", "USD")),
        ("45€", money("45", "EUR")),
        ("1,200/-", money("1200")),
        ("Rs 1.234", money("1234")),
        ("Rs 1,50,000", money("150000")),
        ("Rs.1,50,000.50/-", money("150000.50")),
        ("1,25,000 rupees", money("125000")),
        ("₹1,25,00,000", money("12500000", "INR")),
        ("rs 0.500", money("0.500")),
        ("0,125 €", money("0.125", "EUR")),
    ],
)
def test_amounts_keep_their_value_and_currency(text: str, expected: AmountEntity) -> None:
    assert entities(f"you took {text} from me").amount == (expected,)


def test_a_price_per_unit_is_a_sum_and_no_charger() -> None:
    for text in ("per unit 120 rupees", "unit eka 120 rupees", "per unit 120/-"):
        assert entities(text) == Entities(amount=(money("120"),))


def test_rupees_are_the_installations_own() -> None:
    assert entities("paid Rs 500", Registers(currency="INR", default_region="IN")).amount == (money("500", "INR"),)


def test_numbers_are_read_in_several_conventions() -> None:
    written = ("2,500.00", "2.500,00", "2 500", "1'250.5", "12", "0.5", "1,50,000", "0.500")
    assert [plain_number(one) for one in written] == [
        "2500.00", "2500.00", "2500", "1250.5", "12", "0.5", "150000", "0.500",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my tag ABC123 is refused", ("ABC123",)),
        ("abc123 refused", ("ABC123",)),
        ("activate card 04:A2:B3:C4:D5:E6:F0", ("04A2B3C4D5E6F0",)),
        ("ID tag 8F3A22D1", ("8F3A22D1",)),
        ("tag DEADBEEF", ("DEADBEEF",)),
        ("my card ending 4242", ()),
        ("card payment failed", ()),
        ("on 20260115 it broke", ()),
    ],
)
def test_tags(text: str, expected: tuple[str, ...]) -> None:
    assert entities(text).id_tag == expected


def test_connectors_codes_and_serials() -> None:
    found = entities("gun 2 of 100005: GroundFailure, high temperature, error E04, s/n 7E12AB-33, plug 50 kW")
    assert found.connector == (2,)
    assert found.error_code == ("GroundFailure", "HighTemperature", "E04")
    assert found.serial_number == ("7E12AB-33",)
    assert found.charger_id == ("100005",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plug 2 hours", ()),
        ("plug 2-3 hours", ()),
        ("connector 3 times", ()),
        ("plug 2m from the car", ()),
        ("conector 3 veces", ()),
        ("gun 2 times out", (2,)),
        ("gun 2 hora wage", (2,)),
        ("ගන් 2 පැය 3ක්", (2,)),
        ("gun 1 second gun too", (1, 2)),
    ],
)
def test_a_number_of_times_or_hours_is_no_connector(text: str, expected: tuple[int, ...]) -> None:
    assert entities(text).connector == expected


def test_the_stronger_kind_keeps_characters_that_two_kinds_claim() -> None:
    found = entities("0771234567 TKT-100003 charger 100003 Rs 100234")
    assert found == Entities(
        charger_id=("100003",), ticket_ref=("TKT-100003",), phone=("+94771234567",), amount=(money("100234"),)
    )


def test_nothing_that_was_masked_reaches_the_model() -> None:
    one = "charger 100003 took Rs 2,500.00, tag ABC123, call 0771234567, TKT-000042"
    other = "charger 100011 took Rs 18.50, tag 04A2B3C4D5E6F0, call 0719876543, TKT-000099"
    shown = [masked(text, find_mentions(text, REGISTERS)) for text in (one, other)]
    assert shown[0] == shown[1]
    assert not any(char.isdigit() for char in shown[0])
    assert message_features(shown[0]) == message_features(shown[1])


def test_masks_do_not_come_from_outside() -> None:
    from classifiers.model import prepare

    assert not any(mask in prepare("a" + "".join(MASKS.values()) + "b") for mask in MASKS.values())
