"""Chargers by the names that people use."""

from __future__ import annotations

import time

import pytest

from classifiers.entities import collect, find_mentions
from classifiers.names import names_of
from models.reading import Registers

REGISTERS = Registers(
    chargers={
        "100001": "Liberty Plaza 1",
        "100002": "Liberty Plaza 2",
        "100003": "Kandy City Centre",
        "100004": "Galle Fort",
        "100007": "",
        "100008": "",
        "100009": "",
    },
    sites={"100007": "Riverside Hotel", "100008": "Station Road", "100009": "Station Road"},
)


def chargers(text: str) -> tuple[str, ...]:
    return collect(text, find_mentions(text, REGISTERS), REGISTERS).charger_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the one at Liberty Plaza 2 is dead", ("100002",)),
        ("liberty plaza2 eka wada na", ("100002",)),
        ("libety plaza 1 no power", ("100001",)),
        ("kandy city center charger is off", ("100003",)),
        ("Kandy City Centre and Galle Fort are both down", ("100003", "100004")),
        ("gale fort eke charger eka", ("100004",)),
        ("riversde hotel charger", ("100007",)),
        ("நான் Riverside Hotel-ல இருக்கேன்", ("100007",)),
    ],
)
def test_a_name_that_one_charger_bears_is_that_charger_even_misspelt(text: str, expected: tuple[str, ...]) -> None:
    assert chargers(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Liberty Plaza is always full",
        "station road charger",
        "Liberty Plaza 3",
        "the great fort nothing",
        "liberty is precious",
        "a plaza in the city centre",
    ],
)
def test_a_site_of_several_chargers_or_a_likeness_names_none(text: str) -> None:
    assert chargers(text) == ()


def test_twenty_thousand_names_are_looked_up_quickly() -> None:
    many = Registers(chargers={str(200_000 + n): f"Car park number {n} of the northern region" for n in range(20_000)})
    text = "hello the charger in the car park number 17 of the nothern region is broken since this morning, please help"
    assert names_of(many).mentioned(text) == ("200017",) or names_of(many).mentioned(text) == ()
    began = time.process_time()
    names_of(many).mentioned("my balance please")
    assert time.process_time() - began < 0.5


def test_names_in_other_scripts_are_whole_words() -> None:
    known = Registers(chargers={"200001": "கொழும்பு மத்திய நிலையம்", "200002": "මහනුවර නගරය"})

    def named(text: str) -> tuple[str, ...]:
        return names_of(known).mentioned(text)

    assert named("கொழும்பு மத்திய நிலையம் சார்ஜர் வேலை செய்யல") == ("200001",)
    assert named("கொழும்பு மத்திய வங்கி அருகில்") == ()
    assert named("මහනුවර නගරය එකේ චාජර් එක") == ("200002",)
    assert named("mahanuwara nagaraya eke charger eka") == ("200002",)
