"""Rough English for those who read only English."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.errors import DataError
from classifiers.fold import fold, roman
from classifiers.gloss import DATA, LANGUAGES, Glossary, gloss, parse


def test_words_and_the_longest_stem_are_found_and_an_empty_english_drops_the_word() -> None:
    known = Glossary({"salli": "money", "eka": ""}, {"kapu": "cut", "kapun": "deducted"})
    assert known.english("salli") == "money"
    assert known.english("eka") == ""
    assert known.english("kapunada") == "deducted"
    assert known.english("kapuva") == "cut"
    assert known.english("kapi") is None


def test_script_and_romanised_spellings_meet_in_one_english() -> None:
    assert gloss("මගේ සල්ලි", "si") == gloss("mage salli", "si-Latn")
    assert "money" in gloss("mage salli", "si-Latn")
    assert "money" in gloss("என் பணம்", "ta") or "amount" in gloss("என் பணம்", "ta")


def test_english_and_unknown_languages_stay_as_they_are() -> None:
    assert gloss("my money is gone", "en") == "my money is gone"
    assert gloss("мои деньги", "ru") == "мои деньги"


def test_masks_survive_and_a_question_stays_one() -> None:
    assert "\ue003" in gloss("charger \ue003 eka wada na", "si-Latn")
    assert gloss("kohomada?", "si-Latn").endswith("?")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES.values())))
def test_the_shipped_lists_are_keyed_by_folded_words(language: str) -> None:
    known = parse(DATA / f"{language}.txt")
    assert len(known.words) > 300
    for key in list(known.words)[:2000]:
        assert fold(key.replace("č", "ch")) == key, key


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "xx.txt").write_text("salli\tmoney\noops\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        parse(tmp_path / "xx.txt")


def test_hindi_script_becomes_what_people_type() -> None:
    assert roman("पैसे वापस") == "paise vaapas"
    assert fold("काम") == fold("kaam")
