"""A press of a button: what is signed comes back whole, and nothing else is believed."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import Refusal
from models.signed import LIFE, LONGEST, is_press, read_press, sign_press

SECRET = b"s" * 32
NOW = datetime(2026, 11, 20, 8, 30, 59, tzinfo=UTC)
CHAT = "-1001234567890/45"

actions = st.sampled_from(["take", "assign", "snooze", "escalate", "resolve", "ack"])
subjects = st.integers(1, 999_999_999).map(lambda number: f"TKT-{number:06d}")
chats = st.text(string.digits + "-+:whatsp", min_size=1, max_size=40)
minutes = st.integers(0, 72 * 60)


@given(actions, subjects, chats, minutes, st.integers(0, 99_999))
def test_what_was_signed_comes_back(action: str, subject: str, chat: str, later: int, member: int) -> None:
    data = sign_press(SECRET, action, subject, NOW, chat, detail=str(member))

    press = read_press(SECRET, data, NOW.replace(second=0) + timedelta(minutes=later), chat)

    assert (press.action, press.subject, press.detail) == (action, subject, str(member))
    assert press.made_at == NOW.replace(second=0)
    assert is_press(data)
    assert len(data.encode()) <= LONGEST


@given(actions, subjects, st.data())
def test_any_bit_flipped_is_refused(action: str, subject: str, data: st.DataObject) -> None:
    press = bytearray(sign_press(SECRET, action, subject, NOW, CHAT).encode())
    place = data.draw(st.integers(0, len(press) - 1))
    press[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(Refusal) as refused:
        read_press(SECRET, press.decode("latin-1"), NOW, CHAT)

    assert refused.value.code == "press.forged"


@given(actions, subjects, chats, chats)
def test_it_counts_in_its_own_chat_alone(action: str, subject: str, chat: str, other: str) -> None:
    assume(chat != other)
    with pytest.raises(Refusal, match=r"press\.forged"):
        read_press(SECRET, sign_press(SECRET, action, subject, NOW, chat), NOW, other)


@given(actions, subjects, st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=4_000)))
def test_a_late_one_is_refused(action: str, subject: str, over: timedelta) -> None:
    data = sign_press(SECRET, action, subject, NOW, CHAT)
    with pytest.raises(Refusal, match=r"press\.late"):
        read_press(SECRET, data, NOW.replace(second=0) + LIFE + over, CHAT)


@given(actions, subjects, st.binary(min_size=1, max_size=40))
def test_another_key_signs_nothing_here(action: str, subject: str, other: bytes) -> None:
    assume(other.rstrip(b"\0") != SECRET)  # a shorter key is filled up with zeros
    with pytest.raises(Refusal, match=r"press\.forged"):
        read_press(SECRET, sign_press(other, action, subject, NOW, CHAT), NOW, CHAT)


@given(st.one_of(st.text(max_size=80), st.text(max_size=61).map(lambda text: f"c1.{text}")))
def test_whatever_else_comes_is_refused(data: str) -> None:
    with pytest.raises(Refusal, match=r"press\.forged"):
        read_press(SECRET, data, NOW, CHAT)


@given(actions, subjects, st.text("=+/ \n", min_size=1, max_size=3))
def test_only_one_spelling_counts(action: str, subject: str, tail: str) -> None:
    with pytest.raises(Refusal, match=r"press\.forged"):
        read_press(SECRET, sign_press(SECRET, action, subject, NOW, CHAT) + tail, NOW, CHAT)


def test_a_door_and_a_topic_name_the_same_chat() -> None:
    data = sign_press(SECRET, "take", "TKT-000001", NOW, CHAT)
    for chat in (CHAT, "-1001234567890", "-1001234567890/7", "team:-1001234567890/45"):
        assert read_press(SECRET, data, NOW, chat).action == "take"


def test_what_does_not_fit_is_no_button() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        sign_press(SECRET, "assign", "T" * 40, NOW, CHAT)
    with pytest.raises(ValueError, match="holds no"):
        sign_press(SECRET, "assign", "TKT|1", NOW, CHAT)
