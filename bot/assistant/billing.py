"""Money: figures for whom the channel itself proves, a ticket for what figures do not settle."""

from __future__ import annotations

from typing import Any

from bot.assistant import case, phone, words
from bot.assistant.turn import Turn
from desk import charging, contacts, talk, wallets
from desk.wallets import BalanceFacts
from models.money import Money
from models.reading import Category
from models.reply import Choice

SHOWN = 3
TICKET = Choice("ticket:billing", "choice.ticket")


def handle(turn: Turn) -> None:
    """A question about money. An identity proves only itself: no figures for a number typed into a chat."""
    turn.settled()
    dispute = words.disputes(turn.text)
    standing = case.live(turn, Category.BILLING)
    if dispute and standing is not None:
        case.add(turn, standing, still_broken=True)
        return
    if contacts.proven_phone(turn.work, turn.contact.id, turn.conversation.channel) is None:
        _unproven(turn, dispute)
        return
    balance = wallets.balance(turn.work, turn.contact.id)
    payments = wallets.payments(turn.work, turn.contact.id, SHOWN)
    sessions = charging.sessions(turn.work, contact_id=turn.contact.id, limit=SHOWN)
    if balance.wallet is None and balance.fleet is None and not payments and not sessions:
        ticket = turn.open_ticket(Category.BILLING)
        turn.say("billing.no_account", {"ref": ticket.ref})
        return
    facts = _figures(balance, payments, sessions)
    if dispute:
        ticket = turn.open_ticket(Category.BILLING, evidence=_evidence(balance, payments, sessions))
        turn.say("billing.figures_ticket", {**facts, "ref": ticket.ref})
    else:
        turn.say("billing.figures", facts, choices=(TICKET,))


def _unproven(turn: Turn, dispute: bool) -> None:
    if dispute:
        ticket = turn.open_ticket(Category.BILLING)
        turn.say("billing.ticket_unproven", {"ref": ticket.ref})
    elif phone.can_share(turn):
        phone.ask(turn)
    else:
        turn.say("billing.unproven", choices=(TICKET,))


def _figures(balance: BalanceFacts, payments: list[dict[str, Any]], sessions: list[dict[str, Any]]) -> dict[str, Any]:
    balances: list[Any] = []
    if balance.wallet is not None:
        balances.append({"$code": "billing.wallet", "amount": balance.wallet.fact()})
    if balance.fleet is not None:
        balances.append({"$code": "billing.fleet", "amount": balance.fleet.fact()})
    if not balances:
        balances.append({"$code": "billing.no_wallet"})
    if not balance.active:
        balances.append({"$code": "billing.inactive"})
    return {
        "balances": {"$list": balances},
        "payments": {"$list": [_payment(row) for row in payments] or [{"$code": "billing.none"}]},
        "sessions": {"$list": [_session(row) for row in sessions] or [{"$code": "billing.none"}]},
    }


def _payment(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "$code": "billing.payment", "at": {"$date": row["at"]}, "gateway": row["gateway"],
        "amount": Money(row["amount"]["minor"], row["amount"]["currency"]).fact(),
        "status": {"$code": f"billing.status.{row['status'].lower()}"},
    }  # fmt: skip


def _session(row: dict[str, Any]) -> dict[str, Any]:
    amount = row["amount"]
    cost: Any = Money(amount["minor"], amount["currency"]).fact() if amount else None
    return {
        "$code": "billing.session", "at": {"$date": row["started_at"]}, "charger": row["charger_id"],
        "kwh": row["energy_wh"] / 1000, "amount": cost,
    }  # fmt: skip


def _evidence(balance: BalanceFacts, payments: list[dict[str, Any]], sessions: list[dict[str, Any]]) -> dict[str, Any]:
    wallet, fleet = balance.wallet, balance.fleet
    return {
        "wallet": wallet.fact() if wallet else None, "fleet": fleet.fact() if fleet else None,
        "payments": payments, "sessions": sessions,
    }  # fmt: skip


def ask_ticket(turn: Turn) -> None:
    """The figures did not settle it."""
    turn.settled()
    standing = case.live(turn, Category.BILLING)
    if standing is not None:
        case.add(turn, standing, still_broken=True)
        return
    ticket = turn.open_ticket(Category.BILLING, summary=_asked_before(turn), description=_asked_before(turn))
    turn.say("billing.ticket", {"ref": ticket.ref})


def _asked_before(turn: Turn) -> str:
    texts = talk.lately(turn.work, turn.message, 3600)
    return texts[0][:300] if texts else turn.summary
