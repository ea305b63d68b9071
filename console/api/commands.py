"""Slash commands as the token's member."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from commands.command import CommandContext, Outcome, OutcomeKind
from commands.run import confirm_token, run_text
from console.api import inputs
from console.api.asking import REFUSALS, Asked
from console.api.errors import problem
from console.api.shapes import AttachmentShape, ChoiceShape, CommandShape

router = APIRouter(responses=REFUSALS, tags=["commands"])

DOOR = "api"


@router.post("/commands", response_model=CommandShape, response_model_exclude_defaults=True)
async def run_command(asked: Asked, body: inputs.CommandInput, request: Request) -> Response | CommandShape:
    """Run a slash command. A dangerous one answers `confirm` with a token, to be sent back as `{"confirm": token}`
    within two minutes; a long one answers `started` with the key of its procedure."""
    context = CommandContext(desk=asked.desk, chargers=request.app.state.chargers, door=DOOR, language=asked.language)
    if body.confirm is not None:
        outcome = await confirm_token(context, body.confirm)
    else:
        outcome = await run_text(context, body.text or "")
    if outcome.kind is OutcomeKind.REFUSED:
        language = request.headers.get("accept-language")
        return problem(outcome.status, outcome.code, outcome.facts, language, timezone=asked.timezone)
    plain = outcome.kind in (OutcomeKind.CONFIRM, OutcomeKind.STARTED)
    code = outcome.kind.value if plain else outcome.code
    return CommandShape(
        code=code, facts=outcome.facts, text=asked.say(outcome.code, outcome.facts), attachment=_file(outcome),
        choices=[ChoiceShape(id=item.id, text=asked.say(item.code, item.facts)) for item in outcome.choices],
    )  # fmt: skip


def _file(outcome: Outcome) -> AttachmentShape | None:
    file = outcome.attachment
    return AttachmentShape(name=file.name, content_type=file.content_type, text=file.text) if file else None
