"""Questions one at a time; the answers become a ticket. The state is JSON in the conversation:

`{"kind", "step", "answers": {step: text}, "first": {"text", "summary", "urgency", "received_at"}, "photos": n,
"asked_at"}`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.assistant import case, words
from bot.assistant.questions import FORMS, Form, Question
from bot.assistant.turn import Turn
from models.message import MessageKind
from models.reading import Urgency
from models.reply import Choice
from phrases.say import say

FORGOTTEN_S = 3 * 3600
"""Questions that were not answered for so long are over: what was said becomes a ticket."""
ANSWER_LIMIT = 1_000
CANCEL = Choice("cancel", "choice.cancel")
SKIP = Choice("skip", "choice.skip")


def begin(turn: Turn, kind: str) -> None:
    """Start the questions of a kind; what the first message said already is not asked again."""
    form = FORMS[kind]
    turn.settled()
    standing = case.live(turn, form.category)
    if standing is not None:
        case.add(turn, standing, still_broken=True)
        return
    first = {
        "text": turn.text, "summary": turn.summary, "received_at": turn.message.received_at.isoformat(),
        "urgency": turn.reading.urgency.value if turn.reading else Urgency.NORMAL.value,
    }  # fmt: skip
    answers = {q.step: found for q in form.questions if (found := _said_already(turn, q)) is not None}
    _go_on(turn, form, {"kind": kind, "answers": answers, "first": first, "photos": 0})


def _said_already(turn: Turn, question: Question) -> str | None:
    key = question.option_in(turn.text)
    return question.known(turn.entities) if key is None else _in_words(question, key)


def _in_words(question: Question, key: str) -> str:
    """An option, as staff read it."""
    return say(f"{question.code}.{key}", {}, "en")


def goes_on(state: dict[str, Any] | None) -> bool:
    """Whether a form's questions are under way."""
    return state is not None and state.get("kind") in FORMS and isinstance(state.get("answers"), dict)


def forgotten(turn: Turn, state: dict[str, Any]) -> bool:
    """Whether the last question was asked too long ago."""
    try:
        asked_at = datetime.fromisoformat(state["asked_at"])
    except (KeyError, TypeError, ValueError):
        return True
    return turn.work.now - asked_at > timedelta(seconds=FORGOTTEN_S)


def step(turn: Turn, state: dict[str, Any], choice: str | None = None) -> None:
    """The answer to the question under way: text, a choice, a file, a place, `skip` or `cancel`."""
    form = FORMS[state["kind"]]
    turn.settled()
    if choice == "cancel" or words.cancels(turn.text):
        turn.end_dialogue()
        turn.say("ask.cancelled")
        return
    question = form.question(state.get("step", ""))
    if question is None:
        finish(turn, state)
        return
    answers = dict(state["answers"])
    if choice == "skip" or words.skips(turn.text):
        answers[question.step] = ""
    else:
        answer = _answer(turn, question, choice)
        if answer is None:
            state = {**state, "photos": int(state.get("photos", 0)) + 1}
            _ask(turn, question, state, photo=True)
            return
        answers[question.step] = answer
        for other in form.questions:
            found = other.known(turn.entities)
            if found is not None:
                answers.setdefault(other.step, found)
    _go_on(turn, form, {**state, "answers": answers})


def _answer(turn: Turn, question: Question, choice: str | None) -> str | None:
    """What was answered, in words for staff; None for a file without a word, which joins the case."""
    if choice is not None and choice in {option.key for option in question.options}:
        return _in_words(question, choice)
    if turn.message.kind is MessageKind.LOCATION:
        return f"{turn.message.latitude}, {turn.message.longitude}"
    found = question.known(turn.entities)
    if found is not None:
        return found
    return turn.text[:ANSWER_LIMIT] or None


def _go_on(turn: Turn, form: Form, state: dict[str, Any]) -> None:
    question = next((each for each in form.questions if each.step not in state["answers"]), None)
    if question is None:
        finish(turn, state)
    else:
        _ask(turn, question, state)


def _ask(turn: Turn, question: Question, state: dict[str, Any], *, photo: bool = False) -> None:
    options = tuple(Choice(f"ask:{question.step}:{o.key}", f"{question.code}.{o.key}") for o in question.options)
    first = "asked_at" not in state
    turn.start_dialogue({**state, "step": question.step, "asked_at": turn.work.now.isoformat()})
    if photo:
        turn.say("ask.photo_kept", {"question": {"$code": question.code}}, (*options, SKIP, CANCEL))
    elif first:
        intro = {"$code": f"ask.{state['kind']}.intro"}
        turn.say("ask.first", {"intro": intro, "question": {"$code": question.code}}, (*options, SKIP, CANCEL))
    else:
        turn.say(question.code, choices=(*options, SKIP, CANCEL))


def finish(turn: Turn, state: dict[str, Any]) -> None:
    """All is asked: the answers become a ticket whose clocks run from the first message."""
    turn.end_dialogue()
    form, first = FORMS[state["kind"]], state.get("first") or {}
    told = [q for q in form.questions if state["answers"].get(q.step)]
    lines = [f"{say(q.code, {}, 'en')} {state['answers'][q.step]}" for q in told]
    ticket = turn.open_ticket(
        form.category, summary=first.get("summary") or turn.summary,
        description="\n".join(filter(None, (first.get("text"), *lines))),
        urgency=_urgency(first), started_at=_started(turn, first),
        evidence={"answers": {q.step: state["answers"][q.step] for q in told}, "photos": state.get("photos", 0)},
    )  # fmt: skip
    turn.say(f"ask.{state['kind']}.done", {"ref": ticket.ref}, what="dialogue.done")


def _urgency(first: dict[str, Any]) -> Urgency:
    try:
        return Urgency(str(first.get("urgency")))
    except ValueError:
        return Urgency.NORMAL


def _started(turn: Turn, first: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(first["received_at"])
    except (KeyError, TypeError, ValueError):
        return turn.message.received_at
