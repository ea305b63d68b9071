"""Which questions a case needs before a human takes it: a table for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.reading import Category, Entities


def _nothing(entities: Entities) -> str | None:
    return None


def _tag(entities: Entities) -> str | None:
    return entities.id_tag[0] if entities.id_tag else None


def _first_charger(entities: Entities) -> str | None:
    return entities.charger_id[0] if entities.charger_id else None


@dataclass(frozen=True)
class Question:
    """`code` asks it; `options` are choices, each the tail of a phrase code; `known` finds what was said already."""

    step: str
    code: str
    options: tuple[str, ...] = ()
    known: Callable[[Entities], str | None] = _nothing


@dataclass(frozen=True)
class Form:
    """The questions of a kind, in order, and the category of the ticket that they end in."""

    category: Category
    questions: tuple[Question, ...]

    def question(self, step: str) -> Question | None:
        """The question of that step."""
        return next((question for question in self.questions if question.step == step), None)


FORMS: dict[str, Form] = {
    "rfid": Form(
        Category.RFID,
        (
            Question("card", "ask.rfid.card", known=_tag),
            Question("wish", "ask.rfid.wish", options=("not_read", "activate", "lost", "replace")),
            Question("where", "ask.rfid.where", known=_first_charger),
        ),
    ),
    "install": Form(
        Category.INSTALL,
        (
            Question("what", "ask.install.what", options=("charger", "solar", "battery", "other")),
            Question("where", "ask.install.where"),
            Question("supply", "ask.install.supply", options=("single", "three", "unsure")),
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
