"""The operator's template file: read again when it changes, a bad edit keeps what was there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.channels.whatsapp.settings import SAMPLE_TEMPLATES
from bot.channels.whatsapp.templates import VARIABLE_LIMIT, Template, Templates, read_templates, variable

ONE, TWO = "HX" + "1" * 32, "HX" + "2" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file."""
    path = tmp_path / "templates.json"
    _write(path, json.dumps({"alert": {"en": ONE, "SI": TWO}, "reply": {}}), 1)
    return path


def _write(path: Path, text: str, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


@pytest.mark.parametrize(
    ("intent", "language", "sid"),
    [("alert", "si", TWO), ("alert", "si-Latn", TWO), ("alert", "ta", ONE), ("alert", "und", ONE),
     ("reply", "en", None), ("notice", "en", None)],
)  # fmt: skip
def test_the_language_is_taken_and_english_stands_in(path: Path, intent: str, language: str, sid: str | None) -> None:
    found = Templates(path).find(intent, language)
    assert (found.sid if found else None) == sid


def test_a_change_is_seen_and_a_bad_edit_keeps_the_last_good_one(path: Path) -> None:
    templates = Templates(path)
    assert templates.find("alert", "en") == Template(ONE)
    _write(path, json.dumps({"alert": {"en": TWO}}), 2)
    assert templates.find("alert", "en") == Template(TWO)
    _write(path, '{"alert": ', 3)
    assert templates.find("alert", "en") == Template(TWO)
    assert "not JSON" in (templates.error or "")
    _write(path, json.dumps({"alert": {"en": ONE}}), 4)
    assert (templates.find("alert", "en"), templates.error) == (Template(ONE), None)


def test_a_file_that_is_gone_keeps_the_last_good_one_and_one_that_never_was_has_none(path: Path) -> None:
    templates = Templates(path)
    assert templates.find("alert", "en") == Template(ONE)
    path.unlink()
    assert templates.find("alert", "en") == Template(ONE)
    assert Templates(path).find("alert", "en") is None


def _object(**more: object) -> str:
    return json.dumps({"alert": {"en": {"sid": ONE, **more}}})


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("[]", "must map"), ('{"alert": []}', "must map"), ('{"alarm": {}}', "'alarm' is not one of"),
        ('{"alert": {"en": "HX1"}}', "alert.en is not a ContentSid"), ('{"alert": {"en": 5}}', "not a ContentSid"),
        ("\x00", "not JSON"), (_object(sid=None, buttons=True), "not a ContentSid"),
        (_object(button=True), "unknown button"), (_object(variables="text"), "variables must be a list"),
        (_object(buttons=[1]), "buttons must be a list"), (_object(plain=1), "en.plain is not a ContentSid"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_explained(tmp_path: Path, given: str, complaint: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(given)
    with pytest.raises(ValueError, match=complaint):
        read_templates(path)


def test_the_shipped_sample_can_be_read_and_promises_nothing() -> None:
    assert set(read_templates(SAMPLE_TEMPLATES)) == {"alert", "reply", "receipt", "notice"}
    assert Templates(SAMPLE_TEMPLATES).find("alert", "en") is None


def test_a_variable_has_what_whatsapp_allows_in_one() -> None:
    assert variable("one\n\n  two\t\tthree     four \n") == "one · two three four"
    assert len(variable("x" * 5_000)) == VARIABLE_LIMIT


def test_variables_are_filled_in_order_and_the_buttons_ids_follow(path: Path) -> None:
    wide = {"sid": ONE, "variables": ["ref", "text", "site"], "buttons": True, "plain": TWO}
    _write(path, json.dumps({"alert": {"en": wide}}), 2)
    template = Templates(path).find("alert", "en")
    assert template is not None

    offered = {"take": "c1.a", "snooze": "c1.b", "ack": "c1.c"}
    filled = template.fill("Smoke\n at 100001", {"ref": "TKT-000001"}, offered)
    assert (filled.sid, list(filled.values.values())) == (
        ONE, ["TKT-000001", "Smoke · at 100001", "–", "c1.a", "c1.b", "c1.c"],
    )  # fmt: skip
    assert filled.said == "Smoke · at 100001"

    plain = template.fill("Smoke", {"ref": "TKT-000001"}, {"ack": "c1.c"})
    assert (plain.sid, plain.values) == (TWO, {"1": "Smoke"}), "a message that does not offer all of these"


def test_all_variables_together_stay_within_what_whatsapp_takes() -> None:
    filled = Template(ONE, ("a", "b", "text"), ("take",)).fill("x" * 5_000, {"a": "y" * 500, "b": "z" * 500}, {})
    assert sum(len(value) for value in list(filled.values.values())[:3]) == VARIABLE_LIMIT
    assert filled.values["4"] == "none.take"
