"""The staff door on WhatsApp: from an enrolled number a slash command, a confirmation or a press is staff's."""

from __future__ import annotations

from bot import acting
from bot.acting import Said
from commands.command import CommandContext, Outcome, answer_line
from desk import inbox, member_links, members, outbox, team_questions
from desk.inbox import Claimed
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.errors import Refusal
from models.member import Member, MemberIdentityKind
from models.message import Heard
from models.ports import Chargers
from models.reply import Extra, Intent, Reply

WHATSAPP = "whatsapp"


class StaffDoor:
    """Runs what staff type and answers in the same place. Opens no ticket, whatever is written."""

    def __init__(self, office: Office, chargers: Chargers) -> None:
        self._office = office
        self._chargers = chargers

    async def handle(self, item: Claimed, heard: Heard, member: Member) -> None:
        """A message from an enrolled number. The answer and the end of the inbox row are one transaction."""
        reply = await self._answer(item, heard, member)
        await self._office.run(ASSISTANT, _close, item.id, heard.identity, member, reply)

    async def links(self, item: Claimed, heard: Heard) -> bool:
        """Whether somebody enrolled this number with a code of theirs; that is all the message was for then."""
        code = member_links.typed(heard.text) if heard.channel == WHATSAPP else None
        if code is None:
            return False
        try:
            await self._office.run(ASSISTANT, _link, item.id, code, heard)
        except Refusal:
            return False  # no code of ours: whoever wrote it is answered like anybody
        return True

    async def _answer(self, item: Claimed, heard: Heard, member: Member) -> Reply:
        office = self._office
        secret = office.house.secret
        actor = await office.read(ASSISTANT, members.actor, member)
        context = CommandContext(
            desk=office.desk(actor), chargers=self._chargers, door=heard.address, language=member.language,
            sign=acting.signer(secret, office.clock.now(), heard.address),
        )  # fmt: skip
        line = acting.said(item, heard)
        if heard.payload and acting.is_button(heard.payload):
            outcome = await acting.pressed(context, heard.payload, secret, heard.address, again=line.again)
        elif acting.acts(line.text):
            outcome = await acting.act(context, line)
        else:
            found = await answered(context, line, heard.address, heard.extra.get("reply_to"))
            if found is None:
                return Reply("staff.help")
            outcome = found
        return acting.answer_of(outcome, buttons=True)


async def answered(ctx: CommandContext, line: Said, address: str, message_id: str | None) -> Outcome | None:
    """The answer to a question of ours completes the command that it was put for; None where it answers none."""
    member_id = ctx.desk.actor.member_id
    if not message_id or member_id is None:
        return None
    try:
        asked = await ctx.desk.read(team_questions.answered, address, message_id, member_id)
    except Refusal as refusal:
        used = line.again and refusal.code == "team.question_answered"
        return acting.interrupted(line.text) if used else acting.refused(refusal)
    if asked is None:
        return None
    whole = Said(answer_line(asked.line, line.text), line.asked_at, line.again)
    if not await ctx.desk.run(team_questions.use, asked.id):
        return acting.refused(Refusal("team.question_answered"))
    return await acting.act(ctx, whole)


def _close(work: Work, inbox_id: int, number: str, member: Member, reply: Reply) -> None:
    members.heard_from(work, MemberIdentityKind.WHATSAPP, number)
    identity = members.identity(work, MemberIdentityKind.WHATSAPP, number)
    if identity is not None:
        row = outbox.tell(
            work, identity, reply, key=f"staff:{inbox_id}", language=member.language, intent=Intent.RECEIPT
        )
        if row is not None and Extra.ASK in reply.extra:
            team_questions.ask(work, row.id, member.id, reply.extra[Extra.ASK])
    inbox.done(work, inbox_id)


def _link(work: Work, inbox_id: int, code: str, heard: Heard) -> None:
    kind = MemberIdentityKind.WHATSAPP
    member = member_links.use_link(work, code, heard.identity, heard.sender_name, kind=kind)
    identity = members.identity(work, kind, heard.identity)
    assert identity is not None
    outbox.tell(
        work, identity, Reply("link.done", {"name": member.name}), key=f"staff:{inbox_id}",
        language=member.language, intent=Intent.RECEIPT,
    )  # fmt: skip
    inbox.done(work, inbox_id)
