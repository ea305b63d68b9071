"""Imports: all or nothing, a dry run changes nothing, a repeat changes nothing, every bad line is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot import table_file
from desk import chargers, contacts, members, person, tags, wallets
from desk.import_kinds import CHARGERS, CONTACTS, KINDS, MEMBERS, TAGS, TARIFFS
from desk.imports import Kind, Tally, bring_in
from desk.office import Office
from desk.work import Work
from models.access import OPERATOR, Role
from models.audit import AuditRow
from models.charger import Charger, Connector, Site
from models.charging import TagStatus, Tariff
from models.contact import Contact, Tier
from models.errors import BadInput, Refusal
from models.member import MemberDepartment
from models.money import Money
from models.wallet import WalletEntry
from phrases.say import say

CHARGERS_CSV = """id,name,current_type,connectors,site,site_address,latitude,longitude,fleet,tariff,password
100101,Fort 1,DC,2,Galle Fort,Rampart Street,6.0269,80.2168,Lanka Fleet,Day,correct-horse-battery
100102,Fort 2,ac,1,Galle Fort,,,,,,
"""
CONTACTS_CSV = """phone,username,name,email,organisation,language,tier,fleet,active,balance
077 123 4567,nimali,Nimali Perera,nimali@mail.example,W. Traders,si,gold,Lanka Fleet,yes,1500.50
+94719999999,,Kumar,,,ta,,,no,
"""


def rows(tmp_path: Path, text: str, name: str = "file.csv") -> tuple[list[str], list[Any]]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return table_file.read(path)


async def take(
    office: Office, kind: Kind, tmp_path: Path, text: str, name: str = "f.csv", *, dry: bool = False
) -> Tally:
    columns, table = rows(tmp_path, text, name)
    return await office.run(OPERATOR, bring_in, kind, columns, table, dry_run=dry)


async def count(office: Office, table: type[Any]) -> int:
    return await office.read(OPERATOR, lambda work: work.session.scalar(select(func.count()).select_from(table)) or 0)


async def test_chargers_arrive_with_site_fleet_tariff_connectors_and_password(office: Office, tmp_path: Path) -> None:
    await take(office, TARIFFS, tmp_path, "name,price_per_kwh\nDay,85.50\n")
    assert await take(office, CHARGERS, tmp_path, CHARGERS_CSV) == Tally(added=2)

    def look(work: Work) -> None:
        charger = chargers.get(work, "100101")
        assert charger.password_hash is not None
        assert chargers.password_fits(charger.password_hash, b"correct-horse-battery")
        site = work.session.get(Site, charger.site_id)
        assert site is not None
        assert (site.name, site.address, site.latitude) == ("Galle Fort", "Rampart Street", 6.0269)
        tariff = work.session.get(Tariff, charger.tariff_id)
        assert tariff is not None
        assert (tariff.price_minor_per_kwh, tariff.currency) == (8550, "LKR")
        numbers = work.session.scalars(select(Connector.number).where(Connector.charger_id == "100101"))
        assert sorted(numbers) == [1, 2]

    await office.read(OPERATOR, look)


async def test_contacts_arrive_with_identity_tier_and_an_opening_balance(office: Office, tmp_path: Path) -> None:
    assert await take(office, CONTACTS, tmp_path, CONTACTS_CSV) == Tally(added=2)

    def look(work: Work) -> None:
        contact = contacts.by_phone(work, "+94771234567")
        assert contact is not None
        assert (contact.username, contact.tier, contact.language) == ("nimali", Tier.GOLD, "si")
        assert wallets.balance(work, contact.id).wallet == Money(150050, "LKR")
        other = contacts.by_phone(work, "+94719999999")
        assert other is not None
        assert other.account_active is False

    await office.read(OPERATOR, look)


async def test_tags_belong_to_whom_the_file_says(office: Office, tmp_path: Path) -> None:
    await take(office, CONTACTS, tmp_path, CONTACTS_CSV)
    text = "tag,contact,status,expires\n04aabb01,nimali,,2027-12-31\n04AABB02,+94719999999,blocked,\n"
    assert await take(office, TAGS, tmp_path, text) == Tally(added=2)

    def look(work: Work) -> None:
        tag, blocked = tags.find(work, "04AABB01"), tags.find(work, "04aabb02")
        assert tag is not None
        assert blocked is not None
        assert tag.contact_id == person.find(work, "nimali").id
        assert tag.expires_at is not None
        assert tag.expires_at.isoformat() == "2027-12-31T18:29:59+00:00"  # the day's end in Colombo
        assert blocked.status is TagStatus.BLOCKED

    await office.read(OPERATOR, look)


async def test_members_arrive_from_json_lines_too(office: Office, tmp_path: Path) -> None:
    text = (
        '{"email": "Ana@Team.example", "name": "Ana", "role": "dispatcher", "departments": ["hotline", "technical"],'
        ' "whatsapp": "0770000001", "telegram_id": 42}\n\n'
    )
    assert await take(office, MEMBERS, tmp_path, text, "team.jsonl") == Tally(added=1)

    def look(work: Work) -> None:
        member = members.by_whatsapp(work, "+94770000001")
        assert member is not None
        assert (member.email, member.role) == ("ana@team.example", Role.DISPATCHER)
        departments = work.session.scalars(select(MemberDepartment.department))
        assert sorted(item.value for item in departments) == ["hotline", "technical"]

    await office.read(OPERATOR, look)


FILES = {
    "tariffs": "name,price_per_kwh\nDay,85.50\nNight,60\n",
    "chargers": CHARGERS_CSV,
    "contacts": CONTACTS_CSV,
    "tags": "tag,contact\n04AA01,nimali\n",
    "members": "email,name,role,departments,whatsapp\na@b.c,Ana,manager,hotline;service,0770000001\n",
}


async def test_a_repeat_of_every_file_changes_nothing(office: Office, tmp_path: Path) -> None:
    for name, text in FILES.items():
        await take(office, KINDS[name], tmp_path, text)
    audits = await count(office, AuditRow)
    for name, text in FILES.items():
        tally = await take(office, KINDS[name], tmp_path, text)
        assert (tally.added, tally.changed) == (0, 0), name
        assert tally.same > 0
    assert await count(office, AuditRow) == audits
    assert await count(office, WalletEntry) == 1


async def test_what_differs_is_changed_and_empty_cells_change_nothing(office: Office, tmp_path: Path) -> None:
    for name, text in FILES.items():
        await take(office, KINDS[name], tmp_path, text)
    assert await take(office, TARIFFS, tmp_path, "name,price_per_kwh\nDay,90\nNight,60\n") == Tally(changed=1, same=1)
    changed = await take(office, CHARGERS, tmp_path, "id,name,connectors\n100101,,3\n100102,Renamed,\n")
    assert changed == Tally(changed=2)
    assert await take(office, MEMBERS, tmp_path, "email,role,departments\na@b.c,installer,\n") == Tally(changed=1)
    assert await take(office, CONTACTS, tmp_path, "username,phone\nnimali,0775555555\n") == Tally(changed=1)

    def look(work: Work) -> None:
        assert chargers.get(work, "100101").name == "Fort 1"
        assert chargers.get(work, "100102").name == "Renamed"
        assert members.get(work, "a@b.c").role is Role.INSTALLER
        assert person.find(work, "+94775555555").id == person.find(work, "+94771234567").id

    await office.read(OPERATOR, look)


@pytest.mark.parametrize("name", list(FILES))
async def test_a_dry_run_tells_the_same_and_changes_nothing(office: Office, tmp_path: Path, name: str) -> None:
    for earlier, text in FILES.items():
        if earlier == name:
            break
        await take(office, KINDS[earlier], tmp_path, text)
    before = {table: await count(office, table) for table in (Charger, Contact, Site, Tariff, AuditRow, WalletEntry)}
    dry = await take(office, KINDS[name], tmp_path, FILES[name], dry=True)
    after = {table: await count(office, table) for table in (Charger, Contact, Site, Tariff, AuditRow, WalletEntry)}
    assert after == before
    assert await take(office, KINDS[name], tmp_path, FILES[name]) == dry


async def test_one_bad_line_refuses_the_whole_file_and_every_bad_line_is_named(office: Office, tmp_path: Path) -> None:
    lines = ("100101,DC,1,,", "bad id!,DC,1,,", "100103,XX,1,,", "100104,,99,,", "100105,,,91,S", "100101,,,,")
    text = "\n".join(("id,current_type,connectors,latitude,site", *lines))
    with pytest.raises(BadInput) as refused:
        await take(office, CHARGERS, tmp_path, text)
    shown = say(refused.value.code, refused.value.facts, "en")
    assert "5 of 6 lines" in shown
    assert [f"line {number}:" in shown for number in (2, 3, 4, 5, 6, 7)] == [False, True, True, True, True, True]
    assert await count(office, Charger) == 0


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (CHARGERS, "id,colour\n1,red\n", "no column colour"),
        (CHARGERS, "name\nx\n", "column id is missing"),
        (CHARGERS, "id,tariff\n100101,Nowhere\n", "no tariff Nowhere"),
        (CHARGERS, "id,password\n100101,short\n", "16"),
        (CHARGERS, f"id,name\n100101,{'x' * 201}\n", "at most 200"),
        (CHARGERS, "id,latitude\n100101,5\n", "site is empty"),
        (TARIFFS, "name,price_per_kwh\nDay,free\n", "no amount such as"),
        (TARIFFS, "name,price_per_kwh\nDay,-1\n", "no amount such as"),
        (TARIFFS, "name,price_per_kwh\nDay,1e20\n", "no amount such as"),
        (CONTACTS, "name\nAna\n", "needs a phone or a username"),
        (CONTACTS, "phone\n12\n", "no phone number"),
        (CONTACTS, "phone,tier\n0771234567,diamond\n", "none of: platinum"),
        (CONTACTS, "phone,active\n0771234567,perhaps\n", "none of: yes, no"),
        (CONTACTS, "phone,email\n0771234567,me\n", "no email address"),
        (TAGS, "tag,expires\n04AA,31/12/2027\n", "no date such as"),
        (TAGS, "tag,contact\n04AA,ghost\n", "ghost"),
        (MEMBERS, "email,name,role\na@b.c,Ana,king\n", "none of: admin"),
        (MEMBERS, "email,name\na@b.c,Ana\n", "role is empty"),
        (MEMBERS, "email,name,role,departments\na@b.c,Ana,admin,kitchen\n", "none of: hotline"),
        (MEMBERS, "email,name,role,whatsapp\na@b.c,A,admin,0770000001\nb@b.c,B,admin,0770000001\n", "line 3"),
    ],
)
async def test_a_malformed_file_is_told_clearly_and_changes_nothing(
    office: Office, tmp_path: Path, kind: Kind, text: str, said: str
) -> None:
    before = await count(office, AuditRow)
    with pytest.raises(Refusal) as refused:
        await take(office, kind, tmp_path, text)
    for language in ("en", "si", "ta", "es"):
        assert say(refused.value.code, refused.value.facts, language)
    assert said in say(refused.value.code, refused.value.facts, "en")
    assert await count(office, AuditRow) == before


async def test_a_phone_of_one_and_a_name_of_another_are_not_married(office: Office, tmp_path: Path) -> None:
    await take(office, CONTACTS, tmp_path, CONTACTS_CSV)
    with pytest.raises(BadInput) as refused:
        await take(office, CONTACTS, tmp_path, "phone,username\n+94719999999,nimali\n")
    assert "two different contacts" in say(refused.value.code, refused.value.facts, "en")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"id,name\n1\n", "1 cells where the head has 2"),
        ("a.csv", b"id,id\n1,2\n", "each column once"),
        ("a.csv", b'id,name\n1,"open\n', "not CSV"),
        ("a.csv", b"id\n\xff\xfe\n", "not UTF-8"),
        ("a.csv", b"id\n", "holds no rows"),
        ("a.jsonl", b"{not json}\n", "line 1: not JSON"),
        ("a.jsonl", b"[1]\n", "not a JSON object"),
        ("a.jsonl", b'{"id": {"deep": 1}}\n', "must be text"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.xlsx", b"PK", "unknown file type .xlsx"),
    ],
)
def test_a_file_that_is_no_table_is_told_by_line(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(table_file.TableError) as trouble:
        table_file.read(path)
    assert said in str(trouble.value)


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffid,name\r\n1,අ\r\n".encode())
    columns, table = table_file.read(path)
    assert columns == ["id", "name"]
    assert table[0].cells == {"id": "1", "name": "අ"}
