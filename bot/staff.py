"""The staff door on WhatsApp: from an enrolled number a slash command or a confirmation code is staff's."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from commands.parse import is_command
from commands.run import CommandContext, Outcome, confirm_code, decline, looks_like_code, looks_like_no, run_text
from desk import inbox, members, outbox
from desk.inbox import Claimed
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.errors import Refusal, Unavailable
from models.member import Member, MemberIdentityKind
from models.message import Heard
from models.ports import Chargers
from models.reply import Intent, Reply

log = logging.getLogger(__name__)


class StaffDoor:
    """Runs what staff type and answers in the same place. Opens no ticket, whatever is written."""

    def __init__(self, office: Office, chargers: Chargers) -> None:
        self._office = office
        self._chargers = chargers

    async def handle(self, item: Claimed, heard: Heard, member: Member) -> None:
        """A message from an enrolled number. The answer and the end of the inbox row are one transaction."""
        reply = await self._answer(item, heard, member)
        await self._office.run(ASSISTANT, _close, item.id, heard.identity, member.language, reply)

    async def _answer(self, item: Claimed, heard: Heard, member: Member) -> Reply:
        actor = await self._office.read(ASSISTANT, members.actor, member)
        context = CommandContext(
            desk=self._office.desk(actor), chargers=self._chargers, door=heard.address, language=member.language
        )
        text = heard.text.strip()
        if item.attempts > 1 and (is_command(text) or looks_like_code(text)):
            # An earlier life of this row may have run it: once too few is repaired by a look, once too many is not.
            return Reply("staff.interrupted", {"text": text[:200]})
        try:
            if is_command(text):
                return _reply(await run_text(context, text, asked_at=_written_at(item, heard)))
            if looks_like_code(text):
                return _reply(await confirm_code(context, text))
            if looks_like_no(text):
                return _reply(await decline(context))
        except Refusal as refusal:
            return Reply(refusal.code, refusal.facts)
        except Unavailable:
            raise
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("a command failed", extra={"incident": incident})
            return Reply("staff.bug", {"incident": incident})
        return Reply("staff.help")


def _written_at(item: Claimed, heard: Heard) -> datetime:
    """When the member wrote it: one fetched from the provider's list after a downtime says so itself."""
    sent_at = heard.extra.get("sent_at")
    return min(datetime.fromisoformat(sent_at), item.received_at) if isinstance(sent_at, str) else item.received_at


def _reply(outcome: Outcome) -> Reply:
    return Reply(outcome.code, outcome.facts)


def _close(work: Work, inbox_id: int, number: str, language: str, reply: Reply) -> None:
    members.heard_from(work, MemberIdentityKind.WHATSAPP, number)
    identity = members.identity(work, MemberIdentityKind.WHATSAPP, number)
    if identity is not None:
        outbox.tell(work, identity, reply, key=f"staff:{inbox_id}", language=language, intent=Intent.RECEIPT)
    inbox.done(work, inbox_id)
