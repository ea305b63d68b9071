"""What must hold of charges that members started while the product died, by the books and by the chargers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.charger import ProcedureRun, RunResult
from models.charging import ChargingTransaction
from models.force_charge import ForceCharge, ForceState
from models.outbox import OutboxItem
from models.wallet import Wallet
from phrases.say import say
from tests.fakes.telegram import FakeChat
from tests.kill.books import reading
from tests.kill.network import DoomingCharger
from tests.kill.team import CREDIT

END_S = 60.0
START = "RemoteStartTransaction"


async def over(url: str) -> None:
    """Wait until each session that began has been paid."""
    end = time.monotonic() + END_S
    while left := await asyncio.to_thread(_running, url):
        assert time.monotonic() < end, f"charges {left} are not over after {END_S:.0f} s"
        await asyncio.sleep(0.2)


def _running(url: str) -> list[int]:
    with reading(url) as session:
        begun = select(ChargingTransaction.id_tag)
        query = select(ForceCharge.id).where(ForceCharge.id_tag.in_(begun), ForceCharge.state != ForceState.ENDED)
        return list(session.scalars(query))


def check(session: Session, chargers: list[DoomingCharger], group: FakeChat) -> str:
    """Raise AssertionError for whatever was promised and is not so; gives how they ended."""
    results = []
    for charger in chargers:
        [charge] = session.scalars(select(ForceCharge).where(ForceCharge.charger_id == charger.charger_id))
        run = session.get_one(ProcedureRun, charge.run_id)
        _once(session, charger, charge)
        _told(session, charger, charge, run, group)
        # Killed before a worker took it up, it is taken up by the next process, perhaps before its charger is back.
        assert run.result in (RunResult.CHARGE_STARTED, RunResult.UNKNOWN, RunResult.NOT_CONNECTED), run.steps
        results.append(f"{charger.charger_id} {run.result} {charge.state}")
    assert any("CHARGE_STARTED" in result for result in results), "a start that worked was seen to have worked"
    return "; ".join(results)


def _once(session: Session, charger: DoomingCharger, charge: ForceCharge) -> None:
    """One confirmation: one order at the most, one session, paid once."""
    orders = Counter(action for action, _ in charger.orders)
    assert orders[START] <= 1, charger.orders
    sessions = session.scalars(select(ChargingTransaction).where(ChargingTransaction.id_tag == charge.id_tag)).all()
    assert len(sessions) <= orders[START]
    paid = sum(each.amount_minor or 0 for each in sessions)
    assert all(each.amount_minor for each in sessions), "energy flowed and nobody pays"
    [wallet] = session.scalars(select(Wallet).where(Wallet.contact_id == charge.contact_id))
    assert wallet.balance_minor == CREDIT - paid


def _told(
    session: Session, charger: DoomingCharger, charge: ForceCharge, run: ProcedureRun, group: FakeChat
) -> None:  # fmt: skip
    """The member heard how the start ended, and what the session came to; never that nothing began when it did."""
    [outcome] = session.scalars(select(OutboxItem).where(OutboxItem.dedupe_key == f"run:{run.id}:told"))
    said = [text for message in group.from_bots for text in (message.text, *message.edits)]
    words = say(outcome.code, outcome.facts, "en", timezone="Asia/Colombo")
    assert any(words in text for text in said), f"{words!r} was not said: {said}"
    if charge.state is ForceState.ENDED:
        assert any(f"you started at {charger.charger_id}" in text for text in said)
    else:
        assert charger.outlets[0].session is None
        assert run.result is not RunResult.CHARGE_STARTED
