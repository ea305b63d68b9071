"""What a row of each kind of import does."""

from __future__ import annotations

import re

from sqlalchemy import delete, select

from desk import chargers, contacts, members, tags, wallets
from desk.imports import Kind, Row, differ, fleet_named, minor_units
from desk.work import Work
from models.access import Department, Permission, Role
from models.charger import Charger, Connector, CurrentType, Site
from models.charging import TagStatus, Tariff
from models.contact import Contact, IdentityKind, Tier
from models.errors import BadInput
from models.member import Member, MemberDepartment, MemberIdentity, MemberIdentityKind
from models.money import Money


def _charger(work: Work, row: Row) -> str:
    work.require(Permission.EDIT_CHARGERS)
    charger_id = row.need("id", 48)
    connectors = row.number("connectors", 1, 20)
    kind, password = row.choice("current_type", CurrentType), row.get("password", 40)
    if password is not None and len(password) < 16:
        raise BadInput("charger.bad_password")
    site, fleet_id, tariff_id = row.get("site"), fleet_named(work, row.get("fleet")), _tariff_named(work, row)
    values = {"name": row.get("name"), "current_type": kind, "fleet_id": fleet_id, "tariff_id": tariff_id}
    charger = work.session.get(Charger, charger_id)
    if charger is None:
        chargers.add(
            work, charger_id, name=row.get("name") or "", current_type=kind or CurrentType.AC, site=site,
            connector_count=connectors or 1, fleet_id=fleet_id, tariff_id=tariff_id, password=password,
        )  # fmt: skip
        _place(work, row, site)
        return "added"
    changed = differ(charger, {**values, "site_id": chargers.site_named(work, site).id if site else None})
    changed |= _place(work, row, site) | _more_connectors(work, charger_id, connectors or 0)
    if password is not None and not _opens(charger, password):
        chargers.set_password(work, charger_id, password)
        changed = True
    return "changed" if changed else "same"


def _opens(charger: Charger, password: str) -> bool:
    return charger.password_hash is not None and chargers.password_fits(charger.password_hash, password.encode())


def _place(work: Work, row: Row, site_name: str | None) -> bool:
    where = {"address": row.get("site_address", 300), "latitude": _degrees(row, "latitude", 90),
             "longitude": _degrees(row, "longitude", 180), "hours": row.get("site_hours", 120)}  # fmt: skip
    if not site_name:
        if any(value is not None for value in where.values()):
            raise BadInput("import.empty", column="site")
        return False
    site: Site = chargers.site_named(work, site_name)
    return differ(site, where)


def _degrees(row: Row, column: str, most: int) -> float | None:
    value = row.decimal(column)
    if value is not None and abs(value) > most:
        raise BadInput("import.bad_number", column=column, value=str(value), least=-most, most=most)
    return float(value) if value is not None else None


def _more_connectors(work: Work, charger_id: str, count: int) -> bool:
    known = set(work.session.scalars(select(Connector.number).where(Connector.charger_id == charger_id)))
    missing = [number for number in range(1, count + 1) if number not in known]
    work.session.add_all(Connector(charger_id=charger_id, number=number) for number in missing)
    return bool(missing)


def _tariff_named(work: Work, row: Row) -> int | None:
    name = row.get("tariff", 80)
    if name is None:
        return None
    tariff_id = work.session.scalar(select(Tariff.id).where(Tariff.name == name))
    if tariff_id is None:
        raise BadInput("import.unknown_tariff", value=name)
    return tariff_id


def _tariff(work: Work, row: Row) -> str:
    work.require(Permission.EDIT_FINANCE)
    name, price = row.need("name", 80), row.decimal("price_per_kwh")
    if price is None:
        raise BadInput("import.empty", column="price_per_kwh")
    minor = minor_units(work, price)
    if not 0 <= minor < 2**31:
        raise BadInput("import.bad_amount", column="price_per_kwh", value=str(price))
    tariff = work.session.scalar(select(Tariff).where(Tariff.name == name))
    if tariff is None:
        work.session.add(
            Tariff(name=name, price_minor_per_kwh=minor, currency=work.house.currency, created_at=work.now)
        )
        work.session.flush()
        return "added"
    return "changed" if differ(tariff, {"price_minor_per_kwh": minor}) else "same"


def _contact(work: Work, row: Row) -> str:
    work.require(Permission.EDIT_CONTACTS)
    phone, username = row.phone("phone", work.house.region), row.get("username", 100)
    email = row.get("email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise BadInput("import.bad_email", column="email", value=email)
    if phone is None and username is None:
        raise BadInput("import.nobody")
    values = {
        "username": username, "email": email, "name": row.get("name"), "organisation": row.get("organisation"),
        "language": row.get("language", 16), "tier": row.choice("tier", Tier), "notes": row.get("notes", 2000),
        "fleet_id": fleet_named(work, row.get("fleet")), "account_active": row.yes("active"),
        "primary_charger_id": row.get("charger", 48),
    }  # fmt: skip
    contact = _known(work, phone, username)
    outcome = "same"
    if contact is None:
        contact, outcome = Contact(created_at=work.now), "added"
        differ(contact, values)
        work.session.add(contact)
        work.session.flush()
    elif differ(contact, values):
        outcome = "changed"
    if phone is not None and contacts.by_phone(work, phone) is None:
        contacts.add_identity(work, contact, IdentityKind.PHONE, phone)
        outcome = "added" if outcome == "added" else "changed"
    return _opening_balance(work, row, contact, outcome)


def _known(work: Work, phone: str | None, username: str | None) -> Contact | None:
    by_phone = contacts.by_phone(work, phone) if phone else None
    by_name = contacts.by_username(work, username) if username else None
    if by_phone is not None and by_name is not None and by_phone.id != by_name.id:
        raise BadInput("import.two_people", phone=phone, username=username)
    return by_phone or by_name


def _opening_balance(work: Work, row: Row, contact: Contact, outcome: str) -> str:
    """A balance is brought in once for each contact; a repeat changes nothing."""
    amount = row.decimal("balance")
    if not amount:
        return outcome
    minor = minor_units(work, amount)
    if abs(minor) >= 2**31:
        raise BadInput("import.bad_amount", column="balance", value=str(amount))
    before = wallets.of_contact(work, contact.id)
    had = before.balance_minor if before else 0
    after = wallets.credit(
        work, amount=Money(minor, work.house.currency), note="opening balance", key=f"import:{contact.id}",
        contact_id=contact.id,
    )  # fmt: skip
    return "changed" if outcome == "same" and after.minor != had else outcome


def _tag(work: Work, row: Row) -> str:
    value, status = row.need("tag", 36), row.choice("status", TagStatus)
    who, expires_at = row.get("contact"), row.day_end("expires", work.house.timezone)
    contact_id = wallets.lookup(work, who).contact_id if who else None
    tag = tags.find(work, value)
    if tag is None:
        tag = tags.add(work, value, contact_id=contact_id, expires_at=expires_at)
        differ(tag, {"status": status})
        return "added"
    work.require(Permission.EDIT_FINANCE)
    changes = {"contact_id": contact_id, "expires_at": expires_at, "status": status}
    return "changed" if differ(tag, changes) else "same"


def _member(work: Work, row: Row) -> str:
    email, role = row.need("email").lower(), row.choice("role", Role)
    whatsapp = row.phone("whatsapp", work.house.region)
    telegram_id, fleet_id = row.number("telegram_id", 1, 2**52), fleet_named(work, row.get("fleet"))
    departments = _departments(row)
    member = work.session.scalar(select(Member).where(Member.email == email))
    if member is None:
        if role is None:
            raise BadInput("import.empty", column="role")
        members.add(
            work, email=email, name=row.need("name"), role=role, departments=departments or (), whatsapp=whatsapp,
            telegram_id=telegram_id, fleet_id=fleet_id,
        )  # fmt: skip
        return "added"
    work.require(Permission.MANAGE_TEAM)
    changed = differ(member, {"name": row.get("name"), "role": role, "fleet_id": fleet_id})
    if departments is not None:
        changed |= _set_departments(work, member, departments)
    changed |= _enrolled(work, member, MemberIdentityKind.WHATSAPP, whatsapp)
    changed |= _enrolled(work, member, MemberIdentityKind.TELEGRAM, str(telegram_id) if telegram_id else None)
    return "changed" if changed else "same"


def _departments(row: Row) -> list[Department] | None:
    text = row.get("departments")
    if text is None:
        return None
    words = [word for word in re.split(r"[;|,\s]+", text) if word]
    return [Row(row.line, {"departments": word}).choice("departments", Department) or Department(word)
            for word in words]  # fmt: skip


def _set_departments(work: Work, member: Member, wanted: list[Department]) -> bool:
    known = set(
        work.session.scalars(select(MemberDepartment.department).where(MemberDepartment.member_id == member.id))
    )
    if known == set(wanted):
        return False
    work.session.execute(delete(MemberDepartment).where(MemberDepartment.member_id == member.id))
    work.session.add_all(MemberDepartment(member_id=member.id, department=item) for item in dict.fromkeys(wanted))
    return True


def _enrolled(work: Work, member: Member, kind: MemberIdentityKind, value: str | None) -> bool:
    if value is None:
        return False
    known: MemberIdentity | None = members.identity(work, kind, value)
    if known is not None and known.member_id == member.id:
        return False
    members.enrol(work, member, kind, value)
    return True


CHARGERS = Kind(
    "chargers",
    ("id", "name", "current_type", "connectors", "site", "site_address", "site_hours", "latitude", "longitude",
     "fleet", "tariff", "password"),
    _charger, frozenset({"id"}),
)  # fmt: skip
CONTACTS = Kind(
    "contacts",
    ("phone", "username", "name", "email", "organisation", "language", "tier", "fleet", "charger", "active", "notes",
     "balance"),
    _contact,
)  # fmt: skip
TAGS = Kind("tags", ("tag", "contact", "status", "expires"), _tag, frozenset({"tag"}))
TARIFFS = Kind("tariffs", ("name", "price_per_kwh"), _tariff, frozenset({"name", "price_per_kwh"}))
MEMBERS = Kind(
    "members", ("email", "name", "role", "departments", "whatsapp", "telegram_id", "fleet"), _member,
    frozenset({"email"}),
)  # fmt: skip
KINDS = {kind.name: kind for kind in (CHARGERS, CONTACTS, TAGS, TARIFFS, MEMBERS)}
