"""Cutting long texts and choosing how choices are shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.whatsapp.render import MAX_PARTS, PART_LIMIT, Option, Rendered, parts
from bot.message_text import size


@given(st.text(alphabet=st.sampled_from("ab \n☀😀ආ"), max_size=6_000))
def test_every_part_fits_and_nothing_but_white_space_is_lost(text: str) -> None:
    found = parts(text.strip())
    assert all(size(part) <= PART_LIMIT for part in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@given(st.text(max_size=PART_LIMIT // 2))
def test_what_fits_is_never_split(text: str) -> None:
    assert parts(text) == [text]


def test_a_text_without_a_space_is_cut_where_it_must_be_and_never_inside_a_character() -> None:
    found = parts("😀" * 2_000)
    assert "".join(found) == "😀" * 2_000
    assert len(found) == 3


def test_a_text_without_end_ends_with_dots() -> None:
    found = parts("word " * 20_000)
    assert len(found) == MAX_PARTS
    assert found[-1].endswith("…")
    assert size(found[-1]) <= PART_LIMIT


def test_paragraphs_stay_whole_where_they_can() -> None:
    first, second = parts("a" * 1_000 + "\n\n" + "b" * 1_000)
    assert (first, second) == ("a" * 1_000, "b" * 1_000)


def _options(*labels: str) -> Rendered:
    return Rendered("Which?", tuple(Option(f"id{n}", label) for n, label in enumerate(labels)))


def test_choices_take_the_form_that_holds_them() -> None:
    assert _options("Yes", "No").content_kind == "twilio/quick-reply"
    assert _options("x" * 20, "y", "z").content_kind == "twilio/quick-reply"
    assert _options("x" * 21).content_kind == "twilio/list-picker"
    assert _options("a", "b", "c", "d").content_kind == "twilio/list-picker"
    assert _options("x" * 25).content_kind is None
    assert _options(*"abcdefghijk").content_kind is None
    assert _options("").content_kind is None
    assert _options().content_kind is None


def test_numbers_stand_for_choices() -> None:
    rendered = _options("Left", "Right")
    assert rendered.numbered == "Which?\n\n1. Left\n2. Right"
    assert rendered.menu == {"1": "id0", "2": "id1"}
