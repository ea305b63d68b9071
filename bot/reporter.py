"""The reporter: whoever waits hears how it went. An ended procedure is told, and a ticket where the remedy failed;
questions of ours that nobody answers any more end in a ticket with what was said.

Telling, ticket and the mark that it was told are one transaction, so that each outcome is told once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta
from typing import Any

from bot.assistant import forgotten
from bot.assistant.dialogue import FORGOTTEN_S
from desk import chargers as charger_desk
from desk import messages, outbox, outcomes, runs, talk, tickets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT
from models.charger import GOOD_RESULTS, ProcedureRun, RunKind, RunResult
from models.conversation import Conversation
from models.errors import Refusal, Unavailable
from models.message import Message
from models.ports import Bus, Clock
from models.reading import Category
from models.reply import Reply
from models.ticket import Ticket, TicketStatus
from phrases.say import say

log = logging.getLogger(__name__)

POLL_S = 5.0
"""How often it looks without being woken."""
QUIET_EVERY_S = 300
"""How often it looks for questions left alone."""


class Reporter:
    """Runs until cancelled."""

    def __init__(self, office: Office, bus: Bus, clock: Clock) -> None:
        self._office = office
        self._bus = bus
        self._clock = clock
        self._looked_at: datetime | None = None

    async def run(self) -> None:
        """Tell outcomes as they come."""
        queue = self._bus.subscribe("runs.ended")
        try:
            while True:
                while not queue.empty():
                    queue.get_nowait()
                await self.tell_all()
                await self.close_forgotten()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(queue.get(), POLL_S)
        finally:
            self._bus.unsubscribe(queue)

    async def tell_all(self) -> int:
        """Tell every outcome that waits; tells how many. One that cannot be told does not hold up the others."""
        told = 0
        try:
            waiting = await self._office.read(ASSISTANT, outcomes.to_tell)
        except Unavailable:
            log.warning("outcomes cannot be read now")
            return 0
        for run_id in waiting:
            try:
                told += await self._office.run(ASSISTANT, report, run_id)
            except Unavailable:
                log.warning("an outcome cannot be told now", extra={"run": run_id})
            except Exception:
                log.exception("an outcome could not be told", extra={"run": run_id})
        return told

    async def close_forgotten(self) -> int:
        """End questions left alone, at most every five minutes; tells how many."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < timedelta(seconds=QUIET_EVERY_S):
            return 0
        self._looked_at, closed = now, 0
        try:
            quiet = await self._office.read(ASSISTANT, talk.quiet_dialogues, FORGOTTEN_S)
        except Unavailable:
            log.warning("questions left alone cannot be read now")
            return 0
        for conversation_id in quiet:
            try:
                closed += await self._office.run(ASSISTANT, forgotten.close, conversation_id)
            except Exception:
                log.exception("questions left alone could not be closed", extra={"conversation": conversation_id})
        return closed


def report(work: Work, run_id: int) -> bool:
    """Tell whoever waits for a run how it ended, once; False where that was done already."""
    run = outcomes.hold(work, run_id)
    if run is None or run.result is None:
        return False
    conversation = outcomes.conversation_of(work, run)
    if conversation is not None:
        _tell_person(work, run, run.result, conversation)
    else:
        _tell_member(work, run, run.result)
    runs.reported(work, run.id)
    return True


# A person -------------------------------------------------------------------------------------------------------


def _tell_person(work: Work, run: ProcedureRun, result: RunResult, conversation: Conversation) -> None:
    if run.kind is RunKind.TAKE_OUT_OF_SERVICE:
        out = result is RunResult.OUT_OF_SERVICE
        _say(work, run, conversation, "safety.taken_out" if out else "safety.still_live", {})
    elif result is RunResult.STOPPED:
        _say(work, run, conversation, "fault.stopped", {})
    elif result in GOOD_RESULTS:
        if not outcomes.heard_of_the_end(work, run):
            _say(work, run, conversation, "fault.healed", {})
    else:
        ticket = _case(work, run, conversation)
        outcome = {"$code": f"fault.outcome.{result.value.lower()}"}
        _say(work, run, conversation, "fault.failed", {"outcome": outcome, "ref": ticket.ref})


def _say(work: Work, run: ProcedureRun, conversation: Conversation, code: str, facts: dict[str, Any]) -> None:
    reply = Reply(code, {"charger": run.charger_id, **facts})
    outbox.say(work, conversation, reply, key=f"run:{run.id}:told")


def _case(work: Work, run: ProcedureRun, conversation: Conversation) -> Ticket:
    """The ticket of a remedy that failed: the one that is there, else a new one, with what was done as evidence."""
    standing = tickets.find_live(work, contact_id=conversation.contact_id, charger_id=run.charger_id)
    if standing is None:
        return _open(work, run, conversation)
    note = say("case.note_remedy", {"charger": run.charger_id, "result": run.result, "run": run.id}, "en")
    if standing.status is TicketStatus.RESOLVED:
        return tickets.reopen(work, standing.ref, note)
    return tickets.add_note(work, standing.ref, note)


def _open(work: Work, run: ProcedureRun, conversation: Conversation) -> Ticket:
    message = messages.get(work, run.message_id) if run.message_id is not None else None
    return tickets.open_ticket(
        work, category=Category.FAULT, summary=_summary(run, message), charger_id=run.charger_id,
        description=(message.text or "") if message else "", connector=run.connector,
        contact_id=conversation.contact_id, conversation_id=conversation.id, incident_id=run.incident_id,
        message_id=run.message_id, urgency=message.urgency if message else None,
        started_at=message.received_at if message else run.created_at,
        evidence={"run": runs.facts(run), "charger": charger_desk.overview(work, run.charger_id)},
    )  # fmt: skip


def _summary(run: ProcedureRun, message: Message | None) -> str:
    told = (message.summary or message.text or "") if message else ""
    told = told or say("case.remedy_failed", {"result": run.result}, "en")
    return told if run.charger_id in told else f"{run.charger_id}: {told}"


# A member -------------------------------------------------------------------------------------------------------


def _tell_member(work: Work, run: ProcedureRun, result: RunResult) -> None:
    """At the door where the command was given, where that is a chat; whoever asked by the API asks there again."""
    door, member_id = run.args.get("door"), run.args.get("member_id")
    if not isinstance(door, str) or not isinstance(member_id, int):
        return
    facts = {**(run.facts or {}), "charger_id": run.charger_id, "charger": run.charger_id, "run": run.id}
    try:
        facts["state"] = charger_desk.overview(work, run.charger_id)["state"]
    except Refusal:
        facts["state"] = None
    reply = Reply(f"run.result.{result.value.lower()}", facts, extra=run.args.get("reply") or {})
    outcomes.tell_at(
        work, door, member_id, reply, key=f"run:{run.id}:told", language=str(run.args.get("language") or "en")
    )
