"""Wallets: who is meant, what they have, and that money moves once."""

from __future__ import annotations

import pytest

from desk import wallets
from desk.office import Office
from desk.work import Work
from models.access import ASSISTANT, OPERATOR, Actor, ActorKind, Role
from models.audit import AuditRow
from models.charger import Fleet
from models.contact import Contact, ContactIdentity, IdentityKind
from models.errors import NotAllowed, NotFound, Refusal
from models.money import Money
from models.wallet import Gateway, PaymentStatus

LKR = "LKR"


@pytest.fixture
async def ready(office: Office) -> Office:
    def seed(work: Work) -> None:
        work.session.add(Fleet(id=1, name="Cabs"))
        work.session.flush()
        people = [
            (1, "Nimal", "nimal", "n@x.lk", 1),
            (2, "Ana", "Ana", "same@x.lk", None),
            (3, "A", "ANA", "same@x.lk", None),
        ]
        for key, name, username, email, fleet_id in people:
            work.session.add(
                Contact(id=key, name=name, username=username, email=email, fleet_id=fleet_id, created_at=work.now)
            )
        work.session.flush()
        for contact_id, kind, value, account in (
            (1, IdentityKind.PHONE, "+94771234567", ""),
            (2, IdentityKind.WEB_SESSION, "+94770000000", "site"),
        ):
            work.session.add(
                ContactIdentity(contact_id=contact_id, kind=kind, value=value, account=account, created_at=work.now)
            )

    await office.run(OPERATOR, seed)
    return office


@pytest.mark.parametrize(
    ("words", "contact_id"),
    [
        ("0771234567", 1), ("94771234567", 1), ("+94 77 123 4567", 1), ("nimal", 1), ("NIMAL", 1), ("N@X.lk", 1),
        ("Ana", 2), ("ANA", 3),
    ],
)  # fmt: skip
async def test_a_person_is_found_by_phone_username_or_email(ready: Office, words: str, contact_id: int) -> None:
    assert (await ready.read(OPERATOR, wallets.lookup, words)).contact_id == contact_id


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("same@x.lk", "wallet.ambiguous"), ("ana", "wallet.ambiguous"), ("nobody", "wallet.unknown"),
        ("+94770000000", "wallet.unknown"), ("", "wallet.unknown"), ("%", "wallet.unknown"),
    ],
)  # fmt: skip
async def test_who_could_be_several_or_nobody_is_refused(ready: Office, words: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        await ready.read(OPERATOR, wallets.lookup, words)
    assert refused.value.code == code


async def test_a_balance_shows_wallet_and_fleet_credit_apart(ready: Office) -> None:
    empty = await ready.read(OPERATOR, wallets.balance, 1)
    assert (empty.wallet, empty.fleet, empty.active, empty.name) == (None, None, True, "Nimal")
    await ready.run(OPERATOR, wallets.credit, amount=Money(5, LKR), note="n", key="a", contact_id=1)
    await ready.run(OPERATOR, wallets.credit, amount=Money(7, LKR), note="n", key="a-fleet", fleet_id=1)
    facts = await ready.read(ASSISTANT, wallets.balance, 1)
    assert (facts.wallet, facts.fleet) == (Money(5, LKR), Money(7, LKR))


async def test_the_same_credit_counts_once_and_leaves_one_audit_row(ready: Office) -> None:
    for _ in range(2):
        after = await ready.run(OPERATOR, wallets.credit, amount=Money(500, LKR), note="gift", key="a", contact_id=1)
    assert after == Money(500, LKR)
    rows = await ready.read(OPERATOR, lambda work: work.session.query(AuditRow).all())
    assert [(row.action, row.facts["note"]) for row in rows] == [("wallet.credited", "gift")]


async def test_bad_credits_are_refused(ready: Office) -> None:
    async def refused(amount: Money, **who: int) -> str:
        with pytest.raises(Refusal) as refusal:
            await ready.run(OPERATOR, wallets.credit, amount=amount, note="", key="k", **who)
        return refusal.value.code

    assert await refused(Money(0, LKR), contact_id=1) == "wallet.nothing"
    assert await refused(Money(1, LKR)) == "wallet.one_owner"
    assert await refused(Money(1, LKR), contact_id=1, fleet_id=1) == "wallet.one_owner"
    assert await refused(Money(1, "USD"), contact_id=1) == "wallet.other_currency"
    assert await refused(Money(1, LKR), contact_id=77) == "wallet.unknown"
    assert (await ready.read(OPERATOR, wallets.balance, 1)).wallet is None
    with pytest.raises(NotFound):
        await ready.read(OPERATOR, wallets.balance, 77)


async def test_only_a_payment_that_succeeded_tops_up_and_only_once(ready: Office) -> None:
    async def pay(reference: str, status: PaymentStatus) -> None:
        await ready.run(
            OPERATOR, wallets.add_payment, contact_id=1, reference=reference, gateway=Gateway.AMEX, status=status,
            amount=Money(1_000, LKR), card_type="Amex", card_last4="0005",
        )  # fmt: skip

    await pay("r1", PaymentStatus.SUCCESS)
    await pay("r1", PaymentStatus.SUCCESS)
    await pay("r2", PaymentStatus.FAILED)
    await pay("r3", PaymentStatus.PENDING)
    assert (await ready.read(OPERATOR, wallets.balance, 1)).wallet == Money(1_000, LKR)
    await pay("r3", PaymentStatus.SUCCESS)
    await pay("r2", PaymentStatus.SUCCESS)
    assert (await ready.read(OPERATOR, wallets.balance, 1)).wallet == Money(2_000, LKR)
    listed = await ready.read(OPERATOR, wallets.payments, 1, 2)
    assert [(row["reference"], row["status"], row["card_last4"]) for row in listed] == [
        ("r3", "Success", "0005"), ("r2", "Failed", "0005"),
    ]  # fmt: skip


async def test_who_may_not_see_money_sees_none(ready: Office) -> None:
    installer = Actor(ActorKind.MEMBER, "9", "I", role=Role.INSTALLER)
    with pytest.raises(NotAllowed):
        await ready.read(installer, wallets.lookup, "nimal")
    for verb in (wallets.balance, wallets.payments):
        with pytest.raises(NotAllowed):
            await ready.read(installer, verb, 1)
    with pytest.raises(NotAllowed):
        await ready.run(ASSISTANT, wallets.credit, amount=Money(1, LKR), note="", key="k", contact_id=1)
