"""Messages and conversations; a correction, and a member's own reply."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Header

from console.api import cursors, inputs
from console.api.asking import REFUSALS, Asked, Asking
from console.api.language import worded
from console.api.shapes import ConversationShape, MessageShape, Page
from desk import api_views, messages, replies
from desk.message_list import MessageFilter
from desk.work import Work

router = APIRouter(responses=REFUSALS)

_KIND = "message"


@router.get("/messages", tags=["messages"])
async def list_messages(asked: Asked, which: inputs.Messages) -> Page[MessageShape]:
    """Messages of every channel, newest first."""
    wanted = MessageFilter(**which.model_dump(exclude={"limit", "after"}))
    return Page[MessageShape].model_validate(await _page(asked, which, wanted))


@router.get("/messages/{id}", tags=["messages"])
async def get_message(asked: Asked, id: inputs.KeyInPath) -> MessageShape:  # noqa: A002
    """One message."""
    return MessageShape.model_validate(_worded(asked, await asked.desk.read(api_views.message, id)))


@router.post("/messages/{id}/category", tags=["messages"])
async def correct_message(asked: Asked, id: inputs.KeyInPath, body: inputs.CategoryInput) -> MessageShape:  # noqa: A002
    """Say which category is right, and urgency and language; the correction becomes training data."""
    return MessageShape.model_validate(_worded(asked, await asked.desk.run(_correct, id, body)))


@router.get("/conversations/{id}", tags=["conversations"])
async def get_conversation(asked: Asked, id: inputs.KeyInPath, cut: inputs.Cuts) -> ConversationShape:  # noqa: A002
    """A conversation with its messages, newest first."""
    conversation = await asked.desk.read(api_views.conversation, id)
    conversation["messages"] = await _page(asked, cut, MessageFilter(direction=None, conversation_id=id))
    return ConversationShape.model_validate(conversation)


@router.post("/conversations/{id}/reply", tags=["conversations"], status_code=201)
async def reply(
    asked: Asked,
    id: inputs.KeyInPath,  # noqa: A002
    body: inputs.ReplyInput,
    idempotency_key: Annotated[str | None, Header(max_length=80, pattern=r"^[\x21-\x7e]+$")] = None,
) -> MessageShape:
    """Answer in your own words. The first-response clock stops. The same `Idempotency-Key` is said once."""
    key = f"reply:{asked.desk.actor.id}:{idempotency_key or secrets.token_hex(12)}"
    return MessageShape.model_validate(_worded(asked, await asked.desk.run(_reply, id, body.text, key)))


async def _page(asked: Asking, cut: inputs.Cut, wanted: MessageFilter) -> dict[str, Any]:
    after = cursors.decode_number(_KIND, cut.after)
    part = await asked.desk.read(api_views.message_page, wanted, limit=cut.limit, after=after)
    return cursors.page(_KIND, [_worded(asked, row) for row in part.items], part.next)


def _worded(asked: Asking, facts: dict[str, Any]) -> dict[str, Any]:
    """An outgoing message that waits is a phrase: its words are those that will be sent."""
    if facts["text"] is None and facts["code"] is not None:
        language = facts["language"] or asked.language
        facts["text"] = worded(facts["code"], facts["phrase_facts"] or {}, language, asked.timezone)
    return facts


def _correct(work: Work, message_id: int, said: inputs.CategoryInput) -> dict[str, Any]:
    corrected = messages.correct(
        work, message_id, said.category, said.why, urgency=said.urgency, language=said.language
    )  # fmt: skip
    return messages.facts(work, corrected)


def _reply(work: Work, conversation_id: int, text: str, key: str) -> dict[str, Any]:
    return messages.facts(work, replies.reply(work, conversation_id, text, key=key))
