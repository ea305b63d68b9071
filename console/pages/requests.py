"""Customer requests: the queue of what people wrote, and one request with its talk, its reading and what to do."""

from __future__ import annotations

import secrets
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response

from console.api.language import worded
from console.pages.page import Visit, inside, page
from desk import message_list, messages, replies, request_file
from desk.message_list import OPENS_ON, MessageFilter
from models.access import OWN_TICKETS_ONLY, Permission
from models.errors import BadInput
from models.message import Direction, Message, MessageState
from models.reading import Category, Evidence, Urgency

PATH = "/console/requests"
TABS = (
    None, MessageState.NEEDS_REVIEW, MessageState.UNREAD, MessageState.BUCKETED, MessageState.REPLIED,
    MessageState.ARCHIVED,
)  # fmt: skip
CHANNELS = ("whatsapp", "telegram", "web")
LANGUAGES = ("en", "si", "si-Latn", "ta", "ta-Latn", "es")
E = TypeVar("E", bound=StrEnum)


# The queue --------------------------------------------------------------------------------------------------------


@page(PATH, needs=Permission.VIEW_MESSAGES)
async def queue(visit: Visit) -> Response:
    """What people wrote, newest first, narrowed by state, category, words and the like."""
    wanted, key = _wanted(visit), visit.number("after")
    return visit.render(
        "requests/queue.html", part=await visit.desk.read(message_list.page, wanted, after=key), wanted=wanted,
        after=key, waiting=await visit.desk.read(message_list.waiting), href=_href(wanted), words_of=_words(visit),
        tabs=[(state, _href(replace(wanted, state=state))) for state in TABS], categories=tuple(Category),
        urgencies=tuple(Urgency), channels=CHANNELS, languages=LANGUAGES,
        narrowed=wanted != MessageFilter(state=wanted.state),
    )  # fmt: skip


def _wanted(visit: Visit) -> MessageFilter:
    """What the address asks for. An installer who asks for no category begins with installations."""
    category = _chosen(visit, "category", Category)
    if "category" not in visit.request.query_params and visit.actor.role is not None:
        category = OPENS_ON.get(visit.actor.role)
    return MessageFilter(
        state=_chosen(visit, "state", MessageState), category=category, urgency=_chosen(visit, "urgency", Urgency),
        channel=_one_of(visit, "channel", CHANNELS), language=_one_of(visit, "language", LANGUAGES),
        words=visit.query("q", most=100),
    )  # fmt: skip


def _chosen(visit: Visit, name: str, kind: type[E]) -> E | None:
    value = visit.query(name, most=40)
    return kind(value) if value in {item.value for item in kind} else None


def _one_of(visit: Visit, name: str, known: tuple[str, ...]) -> str | None:
    value = visit.query(name, most=40)
    return value if value in known else None


def _href(wanted: MessageFilter) -> str:
    """The address of a list. The category is always named: without it an installer would see installations."""
    given = {
        "q": wanted.words, "state": wanted.state, "urgency": wanted.urgency, "channel": wanted.channel,
        "language": wanted.language,
    }  # fmt: skip
    chosen = {name: str(value) for name, value in given.items() if value}
    return f"{PATH}?{urlencode({**chosen, 'category': wanted.category or ''})}"


# One request ------------------------------------------------------------------------------------------------------


@page(PATH + "/{message_id:int}", needs=Permission.VIEW_MESSAGES)
async def request(visit: Visit) -> Response:
    """Everything that is needed to decide what to do, and why it was read as it was."""
    around = await _around(visit, visit.key("message_id"))
    return visit.render("requests/one.html", **around, evidence=await _evidence(visit, around["message"]))


async def _evidence(visit: Visit, message: Message) -> Evidence | None:
    """What speaks for its reading, worked out now by the model in service, for whoever may put it right."""
    if message.direction is not Direction.INBOUND or not message.text or not visit.may(Permission.CORRECT_MESSAGES):
        return None
    return await visit.house.model.explain(message.text)


@page(PATH + "/{message_id:int}/talk", needs=Permission.VIEW_MESSAGES)
async def talk(visit: Visit) -> Response:
    """An earlier stretch of the conversation."""
    message_id = visit.key("message_id")
    found = await visit.desk.read(messages.get, message_id)
    thread = await visit.desk.read(
        request_file.thread, found.conversation_id, before=visit.number("before") or message_id
    )  # fmt: skip
    return visit.render("requests/talk.html", block="talk", thread=thread, message=found, words_of=_words(visit))


async def _around(visit: Visit, message_id: int) -> dict[str, Any]:
    parts = await visit.desk.read(request_file.look, message_id)
    opens = visit.may(Permission.OPEN_TICKETS) and visit.actor.role not in OWN_TICKETS_ONLY
    scores = sorted((parts["message"].scores or {}).items(), key=lambda pair: -pair[1])
    return {
        **parts, "words_of": _words(visit), "once": secrets.token_hex(12), "categories": tuple(Category),
        "opens_tickets": opens, "scores": scores, "queue": PATH, "urgencies": tuple(Urgency), "languages": LANGUAGES,
        "guesses": [(name, score) for name, score in scores if name in set(Category)][:2],
    }  # fmt: skip


def _words(visit: Visit) -> Any:
    """What a message says: an outgoing one that waits is a phrase, said in the language in which it will be sent."""

    def words(told: dict[str, Any]) -> str:
        if told["text"] is None and told["code"] is not None:
            facts = told.get("phrase_facts") or told.get("facts") or {}
            return worded(told["code"], facts, told["language"] or visit.language, visit.timezone) or "…"
        return told["text"] or ""

    return words


# What to do -------------------------------------------------------------------------------------------------------


@page(PATH + "/{message_id:int}/category", needs=Permission.CORRECT_MESSAGES, methods=("POST",))
async def correct(visit: Visit) -> Response:
    """Say which category is right (and urgency, language), and why; it becomes training data."""
    form, message_id = await visit.form(), visit.key("message_id")
    category, language = form.choice("category", Category), form.text("language", most=16)
    if language and language not in LANGUAGES:
        raise BadInput("form.not_one_of", field="language")
    await visit.desk.run(
        messages.correct, message_id, category, form.text("why", most=500), urgency=form.maybe("urgency", Urgency),
        language=language or None,
    )  # fmt: skip
    back = inside(form.text("back", most=200)) or f"{PATH}/{message_id}"
    return visit.see_other(back, "requests.corrected", category={"$code": f"category.{category}"})


@page(PATH + "/{message_id:int}/reply", needs=Permission.REPLY, methods=("POST",))
async def reply(visit: Visit) -> Response:
    """Answer in one's own words; a form that is sent twice is said once."""
    form, message_id = await visit.form(), visit.key("message_id")
    found = await visit.desk.read(messages.get, message_id)
    key = f"reply:{visit.actor.id}:{form.text('once', most=40, required=True)}"
    await visit.desk.run(replies.reply, found.conversation_id, form.text("text"), key=key)
    return visit.see_other(f"{PATH}/{message_id}", "requests.replied")


@page(PATH + "/{message_id:int}/attach", needs=Permission.OPEN_TICKETS, methods=("POST",))
async def attach(visit: Visit) -> Response:
    """Put a request to a ticket that is there."""
    form, message_id = await visit.form(), visit.key("message_id")
    ticket = await visit.desk.run(request_file.attach, message_id, form.text("ref", most=40, required=True))
    return visit.see_other(f"{PATH}/{message_id}", "requests.attached", ref=ticket.ref)


@page(PATH + "/{message_id:int}/archive", needs=Permission.CORRECT_MESSAGES, methods=("POST",))
async def archive(visit: Visit) -> Response:
    """Done with it."""
    await visit.desk.run(messages.archive, visit.key("message_id"))
    return visit.see_other(PATH, "requests.archived")


PAGES = (queue, request, talk, correct, reply, attach, archive)
