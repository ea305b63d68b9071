"""Labels of buttons fit where they are shown."""

from __future__ import annotations

import pytest

from bot.assistant.questions import FORMS
from phrases.catalogue import LANGUAGES, templates
from phrases.say import say

BUTTON, ROW = 20, 24
"""Characters of a WhatsApp quick reply and of a list row."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_fit_a_button_or_a_row_of_a_list(language: str) -> None:
    buttons = [code for code in templates(language) if code.startswith("choice.") and "menu" not in code]
    buttons += [code for code in templates(language) if code.startswith("language.name.")]
    rows = [f"{q.code}.{option.key}" for form in FORMS.values() for q in form.questions for option in q.options]
    rows += [code for code in templates(language) if code.startswith("choice.menu")]
    too_long = {
        code: said
        for limit, codes in ((BUTTON, buttons), (ROW, rows))
        for code in codes
        if len(said := say(code, {"charger": "100001"}, language)) > limit
    }
    assert too_long == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_that_stand_together_differ(language: str) -> None:
    for form in FORMS.values():
        for question in form.questions:
            labels = [say(f"{question.code}.{option.key}", {}, language) for option in question.options]
            assert len(set(labels)) == len(labels)
