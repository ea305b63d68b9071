"""One spelling for one sound, whatever the script."""

from __future__ import annotations

import pytest

from classifiers.clean import HEAD_CHARS, TAIL_CHARS, capped, visible
from classifiers.fold import fold, roman
from classifiers.lexicon import Lexicon, concepts, hazards


def bigrams(text: str) -> set[str]:
    folded = fold(text).replace(" ", "")
    return {folded[i : i + 2] for i in range(len(folded) - 1)}


def overlap(one: str, other: str) -> float:
    a, b = bigrams(one), bigrams(other)
    return len(a & b) / len(a | b)


@pytest.mark.parametrize(
    ("script", "latin"),
    [
        ("වැඩ කරන්නේ", "weda karanne"),
        ("ගිනි ගන්නවා", "gini gannawa"),
        ("සල්ලි", "salli"),
        ("வேலை", "velai"),
        ("பணம்", "panam"),
        ("புகை", "pugai"),
        ("சார்ஜர்", "sarjar"),
    ],
)
def test_script_and_latin_spelling_of_the_same_words_fold_nearly_together(script: str, latin: str) -> None:
    assert overlap(script, latin) >= 0.6


def test_spelling_habits_of_one_language_fold_to_one_form() -> None:
    assert fold("vada karanavaa") == fold("wada karanawa")
    assert fold("naaah") == fold("nah") == fold("na")
    assert fold("café") == fold("cafe")


def test_romanised_text_keeps_no_sinhala_or_tamil_letter() -> None:
    text = roman("චාජරය වැඩ කරන්නේ නැහැ சார்ஜர் வேலை செய்யவில்லை ශ්‍රී ක්‍ෂ ஸ்ரீ")
    assert not any("\u0b80" <= char <= "\u0bff" or "\u0d80" <= char <= "\u0dff" for char in visible(text))


def test_numbers_do_not_survive_folding() -> None:
    assert fold("charger 100003 at 12:45") == fold("charger 100011 at 9:10")


def test_invisible_characters_and_joiners_change_nothing() -> None:
    assert fold(visible("ch\u200bar\u200dger\u202e not\ufeff working")) == fold("charger not working")


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    text = "a" * 50_000 + "fire"
    kept, shortened = capped(text)
    assert shortened
    assert kept.endswith("fire")
    assert len(kept) == HEAD_CHARS + TAIL_CHARS + 1
    assert capped("short") == ("short", False)


def test_a_lexicon_matches_whole_words_only_where_asked() -> None:
    lexicon = Lexicon({"tag ": ("tag",), "charg": ("charge",)}, 6)
    assert lexicon.meanings("tag charging") == {"tag", "charge"}
    assert lexicon.meanings("tags discharge") == frozenset()


@pytest.mark.parametrize("text", ["cable", "කේබල් එක", "கேபிள்", "el enchufe", "das Kabel", "cable eka", "connector 2"])
def test_the_same_concept_is_found_in_every_language(text: str) -> None:
    assert "cable" in concepts().meanings(fold(text))


def test_the_words_of_danger_are_found_in_every_language() -> None:
    for text in ("smoke", "dumak", "දුම", "pugai", "புகை", "humo", "fumée", "Rauch", "धुआं"):
        assert "danger" in hazards().meanings(fold(text)), text
