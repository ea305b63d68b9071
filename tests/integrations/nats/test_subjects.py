"""Subjects: any text is one token."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.nats import subjects


@given(st.text(min_size=1, max_size=80))
def test_any_topic_travels_as_one_token_and_comes_back(topic: str) -> None:
    subject = subjects.wake(topic)
    assert subject is not None
    head, _, token = subject.rpartition(".")
    assert head == "chargehand.wake"
    assert set(token) <= set(string.ascii_letters + string.digits + "%_-")
    assert subjects.topic_of(subject) == topic


@pytest.mark.parametrize("text", ["", "x" * 1_000, "සි" * 100])
def test_what_has_no_subject_is_said_so(text: str) -> None:
    assert subjects.wake(text) is None
    assert subjects.charger(text) is None


def test_different_chargers_never_share_a_subject() -> None:
    odd = ["a.b", "a b", "a*b", "a>b", "a%2Eb", "A.B", "a~b", "a%7Eb", "ab", "a.b."]
    assert len({subjects.charger(one) for one in odd}) == len(odd)
