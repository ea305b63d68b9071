"""Onboarding and care without the console: members, tokens, chargers, tags, wallets, contacts, imports."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from bot import migrate, settings, table_file
from bot.cli import FAILED, Trouble
from bot.clock import SystemClock
from bot.settings import Settings
from desk import chargers, erasure, import_kinds, imports, members, person, tags, wallets
from desk.imports import Kind, Row
from desk.office import Office
from desk.work import House, Work
from integrations.bus import LocalBus
from models.access import OPERATOR, Department, Role
from models.charger import CurrentType
from models.contact import Contact
from models.member import Member
from models.money import Money, from_decimal

T = TypeVar("T")
MOST_MINOR = 2**31


def work_at(chosen: Settings, verb: Callable[[Work], T]) -> T:
    """Run one verb in the operator's name, beside a running server or without one; the schema is made current."""
    migrate.upgrade(chosen.database_url)
    return work_on(chosen, verb)


def work_on(chosen: Settings, verb: Callable[[Work], T]) -> T:
    """The same where the schema is current already: nothing is migrated."""
    house = House(
        currency=chosen.currency, region=chosen.default_region, timezone=chosen.timezone, node=f"cli:{os.getpid()}",
        team_account=chosen.twilio_whatsapp_from or "", media_dir=str(chosen.media_dir),
    )  # fmt: skip
    office = Office(chosen.database_url, clock=SystemClock(), bus=LocalBus(), house=house, threads=1)
    try:
        return office.submit(OPERATOR, verb).result()
    finally:
        office.close()


def _stdin_secret(what: str) -> str:
    line = sys.stdin.readline(1000).rstrip("\r\n")
    if not line:
        raise Trouble(f"{what} was expected on standard input, and nothing came")
    return line


# Members and tokens ---------------------------------------------------------------------------------------------


def member_add(given: argparse.Namespace) -> None:
    """Enrol a member."""
    chosen = settings.load()
    password = _stdin_secret("the password") if given.password_stdin else None

    def add(work: Work) -> Member:
        whatsapp = imports.phone_number(given.whatsapp, chosen.default_region, "--whatsapp") if given.whatsapp else None
        return members.add(
            work, email=given.email, name=given.name, role=Role(given.role),
            departments=[Department(word) for word in given.department], whatsapp=whatsapp,
            telegram_id=given.telegram_id, password=password, fleet_id=imports.fleet_named(work, given.fleet),
        )  # fmt: skip

    member = work_at(chosen, add)
    print(f"member {member.id} added: {member.name} <{member.email}>, {member.role.value}")


def _member(work: Work, words: str) -> Member:
    return members.get(work, int(words) if words.isascii() and words.isdigit() else words)


def member_password(given: argparse.Namespace) -> None:
    """Give a member a new password."""
    password = _stdin_secret("the password") if given.password_stdin else secrets.token_urlsafe(15)
    work_at(settings.load(), lambda work: members.set_password(work, _member(work, given.who), password))
    print(f"{given.who} has a new password" if given.password_stdin else f"{given.who}: {password}")


def member_disable(given: argparse.Namespace) -> None:
    """A member leaves."""
    work_at(settings.load(), lambda work: members.disable(work, _member(work, given.who)))
    print(f"{given.who} is disabled; tokens and enrolled numbers are revoked")


def token_create(given: argparse.Namespace) -> None:
    """Make an API token and print it once."""

    def make(work: Work) -> str:
        member = _member(work, given.member)
        if not member.active:
            raise Trouble(f"{given.member} is disabled")
        return members.create_token(work, member, given.label)

    print(work_at(settings.load(), make))


# Chargers, tags, wallets ----------------------------------------------------------------------------------------


def charger_add(given: argparse.Namespace) -> None:
    """Register a charger."""
    chosen = settings.load()
    password = _stdin_secret("the charger's password") if given.password_stdin else secrets.token_urlsafe(18)
    if not 16 <= len(password) <= 40:
        raise Trouble("the charger's password must have 16 to 40 characters")
    work_at(
        chosen,
        lambda work: chargers.add(
            work, given.id, name=given.name, current_type=CurrentType(given.current_type),
            connector_count=given.connectors, site=given.site, password=password,
        ),
    )  # fmt: skip
    print(f"charger {given.id} added; it connects to ws://HOST:{chosen.ocpp_port}/ocpp/{given.id}")
    if not given.password_stdin:
        print(f"its password, shown once: {password}")


def charger_password(given: argparse.Namespace) -> None:
    """Give a charger a new password."""
    password = _stdin_secret("the charger's password") if given.password_stdin else secrets.token_urlsafe(18)
    work_at(settings.load(), lambda work: chargers.set_password(work, given.id, password))
    print(f"charger {given.id} has a new password" if given.password_stdin else f"{given.id}: {password}")


def tag_add(given: argparse.Namespace) -> None:
    """Register a tag."""

    def add(work: Work) -> str:
        expires_at = Row(0, {"--expires": given.expires or ""}).day_end("--expires", work.house.timezone)
        contact_id = person.find(work, given.contact).id if given.contact else None
        return tags.add(work, given.value, contact_id=contact_id, expires_at=expires_at).value

    print(f"tag {work_at(settings.load(), add)} added")


def wallet_credit(given: argparse.Namespace) -> None:
    """Add to a balance, or take from it."""
    chosen = settings.load()
    try:
        value = Decimal(given.amount)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > 10**12:
        raise Trouble(f"{given.amount!r} is no amount such as 1500.00")
    amount = from_decimal(value, chosen.currency)
    if amount.decimal != value or not 0 < abs(amount.minor) < MOST_MINOR:
        raise Trouble(f"{given.amount} is no amount of {chosen.currency} that can be credited")
    key = given.key or secrets.token_hex(12)

    def credit(work: Work) -> Money:
        if given.fleet:
            return wallets.credit(work, amount=amount, note=given.note, key=key, fleet_id=_fleet(work, given.who))
        found = person.find(work, given.who)
        return wallets.credit(work, amount=amount, note=given.note, key=key, contact_id=found.id)

    balance = work_at(chosen, credit)
    print(f"{given.who}: {balance.decimal} {balance.currency}")


def _fleet(work: Work, name: str) -> int:
    fleet_id = imports.fleet_known(work, name)
    if fleet_id is None:
        raise Trouble(f"there is no fleet {name!r}")
    return fleet_id


# Contacts -------------------------------------------------------------------------------------------------------


def contact_export(given: argparse.Namespace) -> None:
    """Everything about a person, as JSON."""
    kept = work_at(settings.load(), lambda work: person.export(work, person.find(work, given.who)))
    text = json.dumps(kept, ensure_ascii=False, indent=2) + "\n"
    if given.out is None:
        sys.stdout.write(text)
        return
    try:
        descriptor = os.open(given.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Trouble(f"{given.out} exists; name another file") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"written to {given.out}")


def contact_erase(given: argparse.Namespace) -> int:
    """Forget a person, with the copies of what they sent."""
    chosen = settings.load()

    def forget(work: Work) -> erasure.Erased:
        contact: Contact = person.find(work, given.who)
        return erasure.erase(work, contact) if given.yes else erasure.preview(work, contact)

    done = work_at(chosen, forget)
    what = f"contact {done.contact_id}: {done.messages} messages, {done.tickets} tickets, {len(done.paths)} files"
    if not given.yes:
        print(f"{what}. Nothing was erased; add --yes to do it.", file=sys.stderr)
        return FAILED
    for path in done.paths:
        _delete(chosen.media_dir, path)
    print(f"{what} erased. Backups made before still hold them.")
    return 0


def _delete(folder: Path, path: str) -> None:
    """Delete a file of the media folder, and nothing outside it."""
    whole = (folder / path).resolve()
    if whole.is_relative_to(folder.resolve()):
        whole.unlink(missing_ok=True)


# Imports --------------------------------------------------------------------------------------------------------


def import_chargers(given: argparse.Namespace) -> None:
    """Bring in chargers."""
    _bring_in(given, import_kinds.CHARGERS)


def import_contacts(given: argparse.Namespace) -> None:
    """Bring in contacts."""
    _bring_in(given, import_kinds.CONTACTS)


def import_tags(given: argparse.Namespace) -> None:
    """Bring in tags."""
    _bring_in(given, import_kinds.TAGS)


def import_tariffs(given: argparse.Namespace) -> None:
    """Bring in tariffs."""
    _bring_in(given, import_kinds.TARIFFS)


def import_members(given: argparse.Namespace) -> None:
    """Bring in members."""
    _bring_in(given, import_kinds.MEMBERS)


def _bring_in(given: argparse.Namespace, kind: Kind) -> None:
    try:
        columns, rows = table_file.read(given.file)
    except table_file.TableError as trouble:
        raise Trouble(str(trouble)) from None
    tally = work_at(settings.load(), lambda work: imports.bring_in(work, kind, columns, rows, dry_run=given.dry_run))
    head = "would be " if given.dry_run else ""
    print(f"{kind.name}: {head}{tally.added} added, {tally.changed} changed, {tally.same} already the same")
