"""Which language a message is in."""

from __future__ import annotations

import pytest

from classifiers.language import script_language
from classifiers.model import language_of
from classifiers.model_files import SHIPPED, load_model

MODEL = load_model(SHIPPED)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("චාජර් එක වැඩ නෑ", "si"),
        ("charger එක වැඩ නෑ", "si"),
        ("சார்ஜர் வேலை செய்யவில்லை", "ta"),
        ("charger eka thama hari giye na machan", "si-Latn"),
        ("mage salli kawadda aapahu enne", "si-Latn"),
        ("innaiku charger velai seiyala anna", "ta-Latn"),
        ("kaasu eppo thiruppi varum", "ta-Latn"),
        ("the charger gave up on me this morning", "en"),
        ("el cargador se apagó otra vez esta mañana", "es"),
        ("la borne ne répond plus depuis ce matin", "fr"),
        ("die Ladesäule reagiert seit heute früh nicht mehr", "de"),
        ("चार्जर बंद है", "hi"),
        ("الشاحن لا يعمل", "ar"),
        ("зарядка не работает", "ru"),
        ("充电器坏了", "zh"),
        ("12345 !!!", "und"),
        ("", "und"),
    ],
)
def test_script_decides_first_and_then_the_words(text: str, language: str) -> None:
    assert language_of(MODEL.speech, text) == language


def test_a_stray_foreign_letter_does_not_decide() -> None:
    assert script_language("please check the sign β on the screen of the charger") is None
