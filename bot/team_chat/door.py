"""The team's door on Telegram. In a group only commands, answers to what we said, presses and a visit's photos are for
us, and nothing is kept of the rest. Being in a group gives nothing: a linked, active member is heard, nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from bot import acting
from bot.acting import Said
from bot.staff import answered
from bot.team_chat import ends, files, local, news, who
from bot.team_chat.ends import Answer
from bot.team_chat.who import Seen
from commands.command import CommandContext, Outcome, OutcomeKind
from commands.parse import is_command
from commands.run import run_text
from desk.inbox import Claimed
from desk.office import Office
from models.access import ASSISTANT
from models.message import Heard, MessageKind
from models.ports import Chargers
from models.reply import Extra, Reply
from phrases.say import say

DOOR = "team:"
"""How the name of a place at this door begins; the address follows."""


class Bot(Protocol):
    """What the door asks of the bot itself, beside what goes through the outbox."""

    async def called(self) -> str | None:
        """Its name; None where Telegram cannot be asked."""
        ...

    async def answer_press(self, press_id: str, text: str = "", *, alert: bool = False) -> bool:
        """Tell the person who pressed, and nobody else; False where it is too late for that."""
        ...


class TeamDoor:
    """Reads what was said or pressed in the team's chats. `counted` hears of each update that was passed over."""

    def __init__(self, office: Office, chargers: Chargers, bot: Bot, counted: Callable[[str], None]) -> None:
        self._office = office
        self._chargers = chargers
        self._bot = bot
        self._counted = counted

    async def handle(self, item: Claimed, heard: Heard) -> None:
        """One update. The answer and the end of its inbox row are one transaction."""
        if news.is_news(heard):
            await self._office.run(ASSISTANT, news.take, item.id, heard)
            return
        if heard.kind is MessageKind.UNSUPPORTED:
            self._counted(str(heard.extra.get("update", "message")))
            await self._office.run(ASSISTANT, ends.ignore, item.id)
            return
        seen = await self._office.read(ASSISTANT, who.look, heard)
        if heard.kind is MessageKind.BUTTON:
            await self._press(item, heard, seen)
            return
        if not await self._for_us(heard, seen):
            await self._office.run(ASSISTANT, ends.ignore, item.id)
            return
        answer = await self._message(item, heard, seen)
        if answer is None:
            await self._office.run(ASSISTANT, ends.ignore, item.id)
        else:
            await self._end(item, heard, seen, answer)

    async def _end(self, item: Claimed, heard: Heard, seen: Seen, answer: Answer | None) -> None:
        member_id = seen.member.id if seen.member is not None else None
        await self._office.run(ASSISTANT, ends.end, item.id, heard, answer, member_id)

    # What is for us ------------------------------------------------------------------------------------------------

    async def _for_us(self, heard: Heard, seen: Seen) -> bool:
        """Everything in a private chat. In a group what plainly turns to us."""
        if heard.extra.get("chat_type") == "channel":
            return False
        if not seen.group:
            return True
        if is_command(heard.text):
            named = who.other_bot(heard.text)
            return named is None or await self._is_us(named)
        if heard.media and (files.names_ticket(heard.text) or heard.extra.get("album")):
            return True
        return bool(heard.extra.get("reply_to_us")) and (seen.on_card or seen.asked or acting.acts(heard.text))

    async def _is_us(self, name: str) -> bool:
        ours = await self._bot.called()
        return ours is not None and name.lower() == ours.lower()

    # Messages ------------------------------------------------------------------------------------------------------

    async def _message(self, item: Claimed, heard: Heard, seen: Seen) -> Answer | None:
        extra = {Extra.REPLY_TO: heard.extra["message_id"]} if seen.group else {}
        if not seen.group and seen.member is None and "bot" not in heard.extra:
            started = await local.start(self._office, heard)
            if started is not None:
                return Answer(*started)
        why = who.barred(heard, seen, registers=local.registers(heard.text))
        if why is not None:
            return self._bar(item, heard, seen, why, extra)
        outcome = await self._outcome(item, heard, seen, extra)
        if outcome is None:
            return None
        chat = seen if outcome.code != "team.here" else await self._office.read(ASSISTANT, who.look, heard)
        return self._answer(outcome, heard, chat, extra)

    @staticmethod
    def _bar(item: Claimed, heard: Heard, seen: Seen, why: str, extra: dict[str, str]) -> Answer | None:
        """What keeps somebody from being heard is told where something was asked of us; to strangers once a day."""
        if not who.tries(heard) and (seen.group or why != "team.not_linked"):
            return None
        stranger = why in ("team.not_linked", "team.bots")
        once = f"{why}:{heard.address}:{heard.identity}:{item.received_at.date()}" if stranger else None
        return Answer(Reply(why, extra=dict(extra)), seen.language, once)

    async def _outcome(self, item: Claimed, heard: Heard, seen: Seen, extra: dict[str, str]) -> Outcome | None:
        ctx, line = self._context(heard, seen, extra), acting.said(item, heard)
        if local.starts(line.text):
            return Outcome(OutcomeKind.DONE, "team.welcome", {"name": ctx.desk.actor.name})
        if local.registers(line.text):
            return await acting.guarded(local.here(ctx, heard, group=seen.group))
        if heard.media:
            return await files.put_on_ticket(ctx, heard, seen, line)
        if is_command(line.text):
            return await acting.act(ctx, replace(line, bot_name=await self._bot.called()))
        completed = await answered(ctx, line, heard.address, who.about(heard))
        if completed is not None:
            return completed
        if seen.on_card and not acting.acts(line.text):
            return await self._to_customer(ctx, seen, line)
        if acting.acts(line.text):
            return await acting.act(ctx, line)
        return None if seen.group else Outcome(OutcomeKind.DONE, "team.help")

    @staticmethod
    async def _to_customer(ctx: CommandContext, seen: Seen, line: Said) -> Outcome:
        """Words written under a card go to the customer of its ticket."""
        if seen.ref is None:
            return Outcome(OutcomeKind.REFUSED, "team.card_without_customer", {}, 409)
        if line.again:
            return acting.interrupted(line.text)
        return await acting.guarded(run_text(ctx, f"/reply {seen.ref} {line.text}", asked_at=line.asked_at))

    # Presses -------------------------------------------------------------------------------------------------------

    async def _press(self, item: Claimed, heard: Heard, seen: Seen) -> None:
        message_id = heard.extra.get("message_id")
        on_question = (heard.payload or "").startswith((acting.YES, acting.NO))
        where = {(Extra.EDIT if on_question or not seen.on_card else Extra.REPLY_TO): message_id} if message_id else {}
        why, spent = who.barred(heard, seen), False
        if why is not None:
            outcome = Outcome(OutcomeKind.REFUSED, why, {}, 403)
        else:
            ctx, data = self._context(heard, seen, where), heard.payload or ""
            secret = self._office.house.secret
            outcome = await acting.pressed(ctx, data, secret, heard.address, again=item.attempts > 1)
            spent = await acting.spent(ctx, data, outcome)
        if await self._told_alone(heard, seen, outcome) and not spent:
            await self._end(item, heard, seen, None)
            return
        if (outcome.kind is OutcomeKind.REFUSED and not spent) or outcome.ask or outcome.attachment:
            where = {Extra.REPLY_TO: message_id} if message_id else {}
        await self._end(item, heard, seen, self._answer(outcome, heard, seen, where))

    async def _told_alone(self, heard: Heard, seen: Seen, outcome: Outcome) -> bool:
        """What only the person who pressed must see is shown to them alone, if it is not too late for that."""
        press_id = str(heard.extra["callback_id"])
        refused = outcome.kind is OutcomeKind.REFUSED
        brief = seen.on_card and outcome.kind is OutcomeKind.DONE
        if not refused and (not brief or outcome.choices or outcome.ask or outcome.attachment):
            await self._bot.answer_press(press_id)
            return False
        words = say(outcome.code, outcome.facts, seen.personal, timezone=self._office.house.timezone)
        return await self._bot.answer_press(press_id, words, alert=refused)

    # Both ----------------------------------------------------------------------------------------------------------

    def _context(self, heard: Heard, seen: Seen, extra: dict[str, str]) -> CommandContext:
        assert seen.actor is not None
        return CommandContext(
            desk=self._office.desk(seen.actor), chargers=self._chargers, door=DOOR + heard.address,
            language=seen.language, reply=dict(extra),
            sign=acting.signer(self._office.house.secret, self._office.clock.now(), heard.address),
        )  # fmt: skip

    @staticmethod
    def _answer(outcome: Outcome, heard: Heard, seen: Seen, extra: dict[str, str]) -> Answer:
        reply = acting.answer_of(outcome, buttons=True)
        more: dict[str, Any] = {**extra, **reply.extra}
        if outcome.ask is not None:
            more[Extra.ASK] = {"line": outcome.ask, "id": heard.identity, "name": heard.sender_name}
        return Answer(replace(reply, extra=more), seen.language)
