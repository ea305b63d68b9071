"""The demonstration: sample sites, chargers, drivers, members and wallets, and a simulated charging network."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sqlalchemy import select, update

from desk import chargers, contacts, members, tags, wallets
from desk.work import Work
from models.access import Department, Role
from models.audit import Meta
from models.charger import Charger, CurrentType, Fleet, Site
from models.charging import Tariff
from models.contact import Contact, IdentityKind, Tier
from models.member import ApiToken, Member
from models.money import from_decimal
from models.wallet import Gateway, PaymentStatus

SEED = 20260302
"""The whole network lives by this number: the same seed, the same day."""


@dataclass(frozen=True)
class DemoCharger:
    """A virtual charger: what it is, and how it behaves."""

    id: str
    site: str
    current_type: CurrentType
    version: Literal["1.6", "2.0.1"]
    scenario: str
    connectors: int = 1


DC, AC = CurrentType.DC, CurrentType.AC
CHARGERS: tuple[DemoCharger, ...] = (
    DemoCharger("100001", "Liberty Plaza", DC, "1.6", "busy", 2),
    DemoCharger("100002", "Liberty Plaza", DC, "2.0.1", "busy", 2),
    DemoCharger("100003", "Liberty Plaza", DC, "1.6", "transient_fault"),
    DemoCharger("100004", "Galle Fort", DC, "1.6", "hard_fault"),
    DemoCharger("100005", "Galle Fort", AC, "2.0.1", "ground_failure"),
    DemoCharger("100006", "Galle Fort", AC, "1.6", "silent"),
    DemoCharger("100007", "Kandy City Centre", AC, "1.6", "busy", 2),
    DemoCharger("100008", "Kandy City Centre", AC, "2.0.1", "busy"),
    DemoCharger("100009", "Kandy City Centre", DC, "1.6", "healthy", 2),
    DemoCharger("100010", "Jaffna Market", AC, "1.6", "busy"),
    DemoCharger("100011", "Jaffna Market", DC, "2.0.1", "healthy"),
    DemoCharger("100012", "Negombo Beach Road", AC, "1.6", "busy"),
)

_SITES = {
    "Liberty Plaza": ("R. A. de Mel Mawatha, Colombo 03", 6.9113, 79.8516),
    "Galle Fort": ("Rampart Street, Galle", 6.0269, 80.2168),
    "Kandy City Centre": ("Dalada Veediya, Kandy", 7.2926, 80.6376),
    "Jaffna Market": ("Hospital Road, Jaffna", 9.6648, 80.0098),
    "Negombo Beach Road": ("Lewis Place, Negombo", 7.2281, 79.8406),
}

_DRIVERS = (
    ("Nimali Perera", "nimali", "+94771234567", "si", Tier.GOLD, "4850.00", "04A1B2C3"),
    ("Kumar Selvan", "kumar", "+94712345678", "ta", Tier.STANDARD, "1200.00", "04D4E5F6"),
    ("Ana Morales", "ana", "+94761112223", "es", Tier.STANDARD, "310.50", "0411AA22"),
    ("David Silva", "david", "+94723334445", "en", Tier.PLATINUM, "12500.00", "0499FE01"),
)

_MEMBERS = (
    ("admin@demo.invalid", "Asha Admin", Role.ADMIN, tuple(Department)),
    ("manager@demo.invalid", "Malini Manager", Role.MANAGER, tuple(Department)),
    ("dispatch@demo.invalid", "Dinesh Dispatcher", Role.DISPATCHER, (Department.HOTLINE, Department.SERVICE)),
    ("tech@demo.invalid", "Tara Technician", Role.OPS_AGENT, (Department.TECHNICAL, Department.MAINTENANCE)),
    ("install@demo.invalid", "Ishan Installer", Role.INSTALLER, (Department.TECHNICAL,)),
    ("cpo@demo.invalid", "Chandra CPO", Role.CPO, ()),
)


def furnish(work: Work) -> None:
    """Fill a fresh demonstration database; one that was furnished stays as it is."""
    if work.session.get(Meta, "demo_furnished") is not None:
        return
    work.session.add(Meta(key="demo_furnished", value="1"))
    _tariffs(work)
    fleet = Fleet(name="Island Taxis")
    work.session.add(fleet)
    work.session.flush()
    _chargers(work, fleet)
    _drivers(work, fleet)
    _team(work, fleet.id)


def _team(work: Work, fleet_id: int) -> None:
    known = set(work.session.scalars(select(Member.email)))
    for email, name, role, departments in _MEMBERS:
        if email not in known:
            members.add(
                work, email=email, name=name, role=role, departments=departments,
                fleet_id=fleet_id if role is Role.CPO else None,
            )  # fmt: skip


def _tariffs(work: Work) -> None:
    for name, price in (("standard", 8500), ("fast", 13500)):
        work.session.add(
            Tariff(name=name, price_minor_per_kwh=price, currency=work.house.currency, created_at=work.now)
        )
    work.session.flush()


def _chargers(work: Work, fleet: Fleet) -> None:
    tariff_ids = {tariff.name: tariff.id for tariff in work.session.scalars(select(Tariff))}
    for item in CHARGERS:
        chargers.add(
            work, item.id, name=f"{item.site} {item.id[-2:]}", current_type=item.current_type,
            connector_count=item.connectors, site=item.site,
            tariff_id=tariff_ids["fast" if item.current_type is DC else "standard"],
            fleet_id=fleet.id if item.site == "Jaffna Market" else None,
        )  # fmt: skip
    for site in work.session.scalars(select(Site)):
        address, latitude, longitude = _SITES[site.name]
        site.address, site.latitude, site.longitude, site.hours = address, latitude, longitude, "24 hours"


def _drivers(work: Work, fleet: Fleet) -> None:
    for name, username, phone, language, tier, balance, tag in _DRIVERS:
        contact = Contact(
            name=name, username=username, email=f"{username}@demo.invalid", language=language, tier=tier,
            created_at=work.now, fleet_id=fleet.id if username == "kumar" else None,
        )  # fmt: skip
        work.session.add(contact)
        work.session.flush()
        contacts.add_identity(work, contact, IdentityKind.PHONE, phone)
        wallets.add_payment(
            work, contact_id=contact.id, reference=f"DEMO-{username.upper()}-1", gateway=Gateway.CYBERSOURCE,
            status=PaymentStatus.SUCCESS, amount=from_decimal(Decimal(balance), work.house.currency),
            card_type="Visa", card_last4="4242",
        )  # fmt: skip
        tags.add(work, tag, contact_id=contact.id)
    wallets.credit(
        work, amount=from_decimal(Decimal("75000.00"), work.house.currency), note="Fleet credit",
        key="demo-fleet", fleet_id=fleet.id,
    )  # fmt: skip


def passwords(work: Work) -> dict[str, str]:
    """Fresh passwords for the virtual chargers: they live in this process, so nobody has to keep one."""
    fresh = {item.id: secrets.token_urlsafe(18) for item in CHARGERS}
    for charger_id, password in fresh.items():
        if work.session.get(Charger, charger_id) is not None:
            chargers.set_password(work, charger_id, password)
    return fresh


def sign_ins(work: Work) -> list[tuple[Role, str, str]]:
    """Role, email and a fresh password of everybody in the demonstration's team who is still there."""
    _team(work, work.session.scalars(select(Fleet.id).order_by(Fleet.id)).first() or 0)
    fresh = []
    for email, _, role, _ in _MEMBERS:
        member = members.get(work, email)
        if member.active:
            password = f"{role.value.replace('_', '-')}-{secrets.token_hex(4)}"
            members.set_password(work, member, password)
            fresh.append((role, email, password))
    return fresh


def token(work: Work) -> str:
    """A fresh API token of the demonstration's admin; earlier ones end."""
    admin = members.get(work, _MEMBERS[0][0])
    work.session.execute(
        update(ApiToken)
        .where(ApiToken.member_id == admin.id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=work.now)
    )
    return members.create_token(work, admin, "demo")


def viewer(work: Work) -> Member:
    """As whom the live page of the demonstration looks."""
    return members.get(work, _MEMBERS[0][0])


def driver_tags() -> tuple[str, ...]:
    """Tags with which virtual cars charge."""
    return tuple(driver[6] for driver in _DRIVERS)
