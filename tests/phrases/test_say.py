"""Sentences: facts are data, every language says the same codes with the same fields, unknown ones are loud."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phrases import catalogue
from phrases.catalogue import LANGUAGES, LOCALE, CatalogueError, compile_template, read, spoken, templates
from phrases.say import say

ROOT = Path(__file__).parents[2]
ROOMS = ("bot", "classifiers", "commands", "console", "desk", "integrations", "jobs", "models", "procedures")
REFUSALS = {"Refusal", "NotFound", "NotAllowed", "BadInput", "Busy"}
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+\Z")


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A locale folder of the test's own, empty at first."""
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
    monkeypatch.setattr(catalogue, "LOCALE", tmp_path)
    templates.cache_clear()
    yield tmp_path
    templates.cache_clear()


def _write(book: Path, text: str, code: str = "t.x") -> None:
    for language in LANGUAGES:
        file = polib.POFile()
        file.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
        file.append(polib.POEntry(msgid=code, msgstr=text))
        file.save(str(book / language / "t.po"))


@pytest.mark.parametrize(
    ("given_tag", "answered"),
    [
        ("en", "en"), ("si", "si"), ("si-Latn", "si"), ("ta-Latn", "ta"), ("ta", "ta"), ("es", "es"), ("es-MX", "es"),
        ("fr", "en"), ("und", "en"), ("", "en"), (None, "en"),
    ],
)  # fmt: skip
def test_a_language_is_answered_in_one_that_we_have(given_tag: str | None, answered: str) -> None:
    assert spoken(given_tag) == answered


@pytest.mark.parametrize(
    ("fact", "en", "es"),
    [
        ({"$money": [-123450, "LKR"]}, "LKR -1,234.50", "-1.234,50 LKR"),
        ({"$money": [500, "JPY"]}, "JPY 500", "500 JPY"),
        ({"$at": "2026-03-02T08:00:00+00:00"}, "Mar 2, 2026, 1:30 PM", "2 mar 2026, 13:30"),
        ({"$date": "2026-03-02T20:00:00+00:00"}, "Mar 3, 2026", "3 mar 2026"),
        ({"$span": 5400}, "1 hour 30 minutes", "1 hora 30 minutos"),
        ({"$span": 0}, "0 seconds", "0 segundos"),
        ({"$span": 90_061}, "1 day 1 hour", "1 día 1 hora"),
        ({"$list": ["a", {"$span": 60}]}, "a\n1 minute", "a\n1 minuto"),
        (12.5, "12.5", "12,5"),
        (100003, "100003", "100003"),
        (None, "–", "–"),
        ("plain {x} text", "plain {x} text", "plain {x} text"),
    ],
)
def test_facts_are_put_into_the_form_of_the_language(book: Path, fact: object, en: str, es: str) -> None:
    _write(book, "{x}")
    assert say("t.x", {"x": fact}, "en", timezone="Asia/Colombo") == en
    assert say("t.x", {"x": fact}, "es", timezone="Asia/Colombo") == es


def test_sinhala_spans_use_sinhala_words(book: Path) -> None:
    _write(book, "{x}")
    assert say("t.x", {"x": {"$span": 5400}}, "si-Latn") == "පැය 1 මිනිත්තු 30"


def test_a_code_within_the_facts_is_said_in_the_same_language(book: Path) -> None:
    _write(book, "<{x}>")
    assert say("t.x", {"x": {"$code": "t.x", "x": "in"}}, "ta") == "<<in>>"


def test_facts_that_nest_without_end_are_refused(book: Path) -> None:
    _write(book, "<{x}>")
    fact: object = "in"
    for _ in range(20):
        fact = {"$code": "t.x", "x": fact}
    with pytest.raises(ValueError, match="deep"):
        say("t.x", {"x": fact}, "en")


def test_an_unknown_code_or_a_missing_fact_is_loud(book: Path) -> None:
    _write(book, "{x}")
    with pytest.raises(KeyError, match=r"no\.such"):
        say("no.such", {}, "en")
    with pytest.raises(KeyError, match="needs the fact 'x'"):
        say("t.x", {"y": 1}, "en")


@pytest.mark.parametrize("fact", [{"$evil": 1}, {"$money": ["1", "LKR"]}, object(), {"plain": 1}, {"$at": 3}])
def test_a_fact_of_unknown_shape_is_loud(book: Path, fact: object) -> None:
    _write(book, "{x}")
    with pytest.raises(ValueError, match="a fact cannot be"):
        say("t.x", {"x": fact}, "en")


@pytest.mark.parametrize("text", ["{x.__class__}", "{x[0]}", "{x!r}", "{x:>9}", "{}", "{0}", "{x", "x}"])
def test_only_plain_fields_are_accepted_in_a_message(text: str) -> None:
    with pytest.raises(ValueError, match=r"plain|expected|Single"):
        compile_template(text)


@given(st.text())
def test_whatever_a_person_wrote_comes_out_as_it_went_in(text: str) -> None:
    if "\n" not in text:
        assert say("language.set", {"name": text}, "en").find(text) >= 0


def test_a_catalogue_that_cannot_be_used_is_named(book: Path) -> None:
    _write(book, "{x.y}")
    with pytest.raises(CatalogueError, match=r"t\.po: t\.x: only plain"):
        say("t.x", {"x": 1}, "en")


# The shipped catalogues -----------------------------------------------------------------------------------------


def _files() -> list[str]:
    return sorted({path.name for path in LOCALE.glob("*/*.po")})


@pytest.mark.parametrize("domain", _files())
def test_every_language_has_the_same_codes_with_the_same_fields(domain: str) -> None:
    english = read(LOCALE / "en" / domain)
    assert english
    for language in LANGUAGES[1:]:
        other = read(LOCALE / language / domain)
        assert sorted(other) == sorted(english), language
        assert {code: t.fields for code, t in other.items()} == {code: t.fields for code, t in english.items()}


def test_no_code_stands_in_two_domains() -> None:
    counts = Counter(code for domain in _files() for code in read(LOCALE / "en" / domain))
    assert [code for code, count in counts.items() if count > 1] == []


_SAME_EVERYWHERE = re.compile(r"[\s\W\d]*(\{\w+\}[\s\W\d]*)*\Z")
_OWN_NAME = {"language.name.en", "language.name.si", "language.name.ta", "language.name.es"}


@pytest.mark.parametrize("domain", _files())
@pytest.mark.parametrize(("language", "letters"), [("si", "[\u0d80-\u0dff]"), ("ta", "[\u0b80-\u0bff]")])
def test_sinhala_and_tamil_are_written_in_their_own_script(domain: str, language: str, letters: str) -> None:
    entries = polib.pofile(str(LOCALE / language / domain))
    foreign = [e.msgid for e in entries if not re.search(letters, e.msgstr) and not _SAME_EVERYWHERE.match(e.msgstr)]
    assert set(foreign) - _OWN_NAME == set()


def _codes_used() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                yield from ((code, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}") for code in _in(node))


def _in(node: ast.AST) -> list[str]:
    """Codes at the places where a code stands: Reply(c), Choice(_, c), a refusal, code=c, {"$code": c}."""
    found: list[ast.expr | None] = []
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name == "Reply" or name in REFUSALS:
            found += node.args[:1]
        if name == "Choice":
            found += node.args[1:2]
        found += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
    if isinstance(node, ast.Dict):
        found += [
            value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "$code"
        ]
    values = [part for item in found if item is not None for part in _constants(item)]
    return [value for value in values if CODE.match(value)]


def _constants(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _constants(node.body) + _constants(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_every_code_that_the_product_uses_has_a_phrase() -> None:
    known = templates("en")
    missing = sorted({f"{code}  ({where})" for code, where in _codes_used() if code not in known})
    assert missing == []
