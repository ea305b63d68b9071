"""Which questions a case needs before a human takes it: a table for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from classifiers.fold import fold
from models.reading import Category, Entities

Known = Callable[[Entities], str | None]
"""What a message names already of a question's answer."""


def _nothing(entities: Entities) -> str | None:
    return None


def _tag(entities: Entities) -> str | None:
    return entities.id_tag[0] if entities.id_tag else None


def _first_charger(entities: Entities) -> str | None:
    return entities.charger_id[0] if entities.charger_id else None


@dataclass(frozen=True)
class Option:
    """A choice: the tail of its phrase code, and words (from their beginning) by which a text chooses it."""

    key: str
    words: tuple[str, ...] = ()


def _option(key: str, words: str = "") -> Option:
    return Option(key, tuple(folded for word in words.split(",") if (folded := fold(word))))


@dataclass(frozen=True)
class Question:
    """`code` asks it; `known` finds what was said already."""

    step: str
    code: str
    options: tuple[Option, ...] = ()
    known: Known = _nothing

    def option_in(self, text: str) -> str | None:
        """The option that a text's words choose; None where none does, or more than one."""
        padded = f" {fold(text)}"
        found = [option.key for option in self.options if any(f" {word}" in padded for word in option.words)]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Form:
    """The questions of a kind, in order, and the category of the ticket that they end in."""

    category: Category
    questions: tuple[Question, ...]

    def question(self, step: str) -> Question | None:
        """The question of that step."""
        return next((question for question in self.questions if question.step == step), None)


_WISHES = (
    _option(
        "not_read",
        "not accept, not recogni, not working, not read, doesnt work, rejected, denied, invalid, wada na, piliganne,"
        "පිළිගන්නේ නෑ, පිළිගන්නේ නැහැ, වැඩ නෑ, වැඩ කරන්නේ නැහැ, ஏற்க, வேலை செய்யவில்லை, velai seyya,"
        "no funciona, no reconoce, rechaza, no acepta, no la lee",
    ),
    _option(
        "activate",
        "activate, activation, register, pair, link, enable, sakriya, සක්‍රිය, ලියාපදිංචි, ஆக்டிவேட், செயல்படுத்த, பதிவு,"
        "activar, registrar, vincular",
    ),
    _option(
        "lost",
        "lost, stolen, missing, nathi una, nathi wela, nethi una, නැති වුණා, නැති වෙලා, නැතිවුණා, හොරකම්,"
        "tholanj, tholach, kaanom, தொலைந்து, தொலைஞ்சு, காணோம், perdi, perdid, robaron, robad",
    ),
    _option(
        "replace",
        "replace, new card, another card, broken card, aluth, අලුත්, pudhu card, புதிய, புது, nueva tarjeta, reemplaz",
    ),
)
_GOODS = (
    _option(
        "charger",
        "charger, charging point, wallbox, chajer, චාජර, චාජින්, சார்ஜர், சார்ஜிங், cargador, punto de carga",
    ),
    _option("solar", "solar, panel, pv, සෝලාර්, සූර්ය, சோலார், சூரிய, paneles, placas"),
    _option("battery", "battery, batteries, powerwall, බැටරි, பேட்டரி, bateria"),
    _option("other"),
)
_PHASES = (
    _option("single", "single, one phase, 1 phase, thani kala, තනි කලා, ஒற்றை, monofas"),
    _option("three", "three, 3 phase, thun kala, තුන් කලා, மும்முனை, trifas"),
    _option("unsure"),
)

FORMS: dict[str, Form] = {
    "rfid": Form(
        Category.RFID,
        (
            Question("card", "ask.rfid.card", known=_tag),
            Question("wish", "ask.rfid.wish", options=_WISHES),
            Question("where", "ask.rfid.where", known=_first_charger),
        ),
    ),
    "install": Form(
        Category.INSTALL,
        (
            Question("what", "ask.install.what", options=_GOODS),
            Question("where", "ask.install.where"),
            Question("supply", "ask.install.supply", options=_PHASES),
            Question("car", "ask.install.car"),
            Question("when", "ask.install.when"),
        ),
    ),
    "complaint": Form(
        Category.COMPLAINT,
        (
            Question("what", "ask.complaint.what"),
            Question("when", "ask.complaint.when"),
            Question("wish", "ask.complaint.wish"),
        ),
    ),
}
