"""A line becomes a command with its arguments, or a refusal that says how it goes."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.heal import Switch
from commands.oncall import Do
from commands.parse import is_command, parse
from commands.run import looks_like_code, looks_like_no
from commands.table import COMMANDS
from commands.tickets import Which
from commands.words import Limit
from models.errors import BadInput

GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("/status 100001", "status", {"charger": "100001"}),
    ("  /STATUS@OpsBot \t 100001  ", "status", {"charger": "100001"}),
    ("／status １００００１", "status", {"charger": "100001"}),
    ("/ status “100001”", "status", {"charger": "100001"}),
    ("/status ‘100001’", "status", {"charger": "100001"}),
    ("/status\u00a0100001\u200b", "status", {"charger": "100001"}),
    ("/status #100001", "status", {"charger": "100001"}),
    ("/status ෧෦෦෦෦෧", "status", {"charger": "100001"}),
    ("/correct 12 billing", "correct", {"message": 12, "category": "billing", "urgency": None, "why": None}),
    (
        "/correct #12 Fault SAFETY it smells",
        "correct",
        {"message": 12, "category": "fault", "urgency": "safety", "why": "it smells"},
    ),
    (
        "/correct 12 rfid it is the tag",
        "correct",
        {"message": 12, "category": "rfid", "urgency": None, "why": "it is the tag"},
    ),
    (
        '/correct 12 info "they only ask"',
        "correct",
        {"message": 12, "category": "info", "urgency": None, "why": '"they only ask"'},
    ),
    ("/ticket tkt-42", "ticket", {"ticket": "TKT-000042"}),
    ("/ticket #42", "ticket", {"ticket": "TKT-000042"}),
    ("/balance +94 77 123 4567", "balance", {"person": "+94 77 123 4567"}),
    ("/balance “nimal perera”", "balance", {"person": "nimal perera"}),
    ("/note 42 he said “no”\nand left", "note", {"ticket": "TKT-000042", "note": "he said “no”\nand left"}),
    ("/note 42 ක්‍රියා කරයි", "note", {"ticket": "TKT-000042", "note": "ක්‍රියා කරයි"}),
    ("/assign 42 Ana Perera", "assign", {"ticket": "TKT-000042", "member": "Ana Perera"}),
    ("/close 42", "close", {"ticket": "TKT-000042", "note": None}),
    ("/tickets", "tickets", {"which": Which.QUEUE}),
    ("/tickets MINE", "tickets", {"which": Which.MINE}),
    ("/charge nimal 100001", "charge", {"customer": "nimal", "charger": "100001", "connector": None, "limit": None}),
    (
        "/charge “+94 77 123 4567” 100001 2 1h30m",
        "charge",
        {
            "customer": "+94 77 123 4567",
            "charger": "100001",
            "connector": 2,
            "limit": Limit(seconds=5400),
        },
    ),
    (
        "/charge nimal 100001 30m",
        "charge",
        {
            "customer": "nimal",
            "charger": "100001",
            "connector": None,
            "limit": Limit(seconds=1800),
        },
    ),
    (
        "/charge nimal 100001 500",
        "charge",
        {
            "customer": "nimal",
            "charger": "100001",
            "connector": None,
            "limit": Limit(amount=Decimal(500)),
        },
    ),
    (
        "/charge nimal 100001 #1 LKR 750.50",
        "charge",
        {
            "customer": "nimal",
            "charger": "100001",
            "connector": 1,
            "limit": Limit(amount=Decimal("750.50")),
        },
    ),
    ("/stopcharge 100001 2", "stopcharge", {"charger": "100001", "connector": 2}),
    ("/unlock 100001", "unlock", {"charger": "100001", "connector": None}),
    (
        "/config 100001 HeartbeatInterval 60",
        "config",
        {
            "charger": "100001",
            "key": "HeartbeatInterval",
            "value": "60",
        },
    ),
    ("/config 100001", "config", {"charger": "100001", "key": None, "value": None}),
    ("/log 100001 50", "log", {"charger": "100001", "frames": 50}),
    ("/snooze 42 2h", "snooze", {"ticket": "TKT-000042", "how_long": 7200}),
    ("/snooze 42 1h 30m", "snooze", {"ticket": "TKT-000042", "how_long": 5400}),
    ("/escalate 42 a; b; c", "escalate", {"ticket": "TKT-000042", "answers": "a; b; c"}),
    ("/reply 42 he said “no”", "reply", {"ticket": "TKT-000042", "text": "he said “no”"}),
    ("/send 0771234567 hello there", "send", {"phone": "0771234567", "text": "hello there"}),
    ("/incident #12", "incident", {"incident": "#12"}),
    ("/heal off Colombo 1", "heal", {"switch": Switch.OFF, "where": "Colombo 1"}),
    ("/ack #9", "ack", {"alert": 9}),
    ("/oncall", "oncall", {"do": Do.SHOW, "words": None}),
    ("/oncall set “Ana Perera” tonight", "oncall", {"do": Do.SET, "words": "“Ana Perera” tonight"}),
    ("/help", "help", {"command": None}),
    ("/help /status", "help", {"command": "status"}),
]

BAD: list[tuple[str, str]] = [
    ("", "command.empty"),
    (" \u200b \n", "command.empty"),
    ("hello", "command.not_a_command"),
    ("/", "command.not_a_command"),
    ("//status 100001", "command.not_a_command"),
    ("/123", "command.not_a_command"),
    ("/correct twelve fault", "command.bad_message"),
    ("/correct 0 fault", "command.bad_message"),
    ("/correct 12 coffee", "command.bad_choice"),
    ("/correct 12", "command.missing"),
    ("/status;reboot 100001", "command.not_a_command"),
    ("/statis 100001", "command.unknown_near"),
    ("/xyzzy", "command.unknown"),
    ("/status", "command.missing"),
    ("/status ''", "command.missing"),
    ('/status ""', "command.missing"),
    ("/status 100001 now", "command.too_much"),
    ("/status ../../etc", "command.bad_charger"),
    ("/status " + "1" * 49, "command.bad_charger"),
    ("/status 100001\x00", ""),
    ("/ticket TKT-", "command.bad_ticket"),
    ("/ticket 0", "command.bad_ticket"),
    ("/ticket 9999999999999", "command.bad_ticket"),
    ("/ticket -1", ""),
    ("/balance", "command.missing"),
    ("/balance " + "x" * 101, "command.bad_person"),
    ("/note 42", "command.missing"),
    ("/note 42 " + "x" * 1_501, "command.text_too_long"),
    ("/tickets all", "command.bad_choice"),
    ("/whoami please", "command.too_much"),
    ("/note 42 " + "x" * 3_000, "command.too_long"),
    ("/charge", "command.missing"),
    ("/charge nimal", "command.missing"),
    ("/charge nimal ../etc", "command.bad_charger"),
    ("/charge nimal 100001 1 soon", "command.bad_limit"),
    ("/charge nimal 100001 1 0", "command.bad_limit"),
    ("/charge nimal 100001 1 -500", "command.bad_limit"),
    ("/charge nimal 100001 0", "command.bad_connector"),
    ("/stopcharge 100001 one", "command.too_much"),
    ("/unlock 100001 1 now", "command.too_much"),
    ("/config 100001 ../x", "command.bad_key"),
    ("/config 100001 HeartbeatInterval " + "9" * 501, "command.text_too_long"),
    ("/log 100001 many", "command.bad_number"),
    ("/log 100001 5 more", "command.too_much"),
    ("/snooze 42", "command.missing"),
    ("/snooze 42 later", "command.bad_duration"),
    ("/snooze 42 0m", "command.bad_duration"),
    ("/snooze 42 90", "command.bad_duration"),
    ("/escalate 42", "command.missing"),
    ("/escalate 42 " + "x" * 1_501, "command.text_too_long"),
    ("/reply 42", "command.missing"),
    ("/reply TKT hello", "command.bad_ticket"),
    ("/send 0771234567", "command.missing"),
    ("/send nimal hello", "command.bad_phone"),
    ("/incident ../x", "command.bad_incident"),
    ("/heal", "command.missing"),
    ("/heal maybe 100001", "command.bad_choice"),
    ("/block", "command.missing"),
    ("/block " + "x" * 37, "command.bad_tag"),
    ("/ack 0", "command.bad_number"),
    ("/ack everything", "command.bad_number"),
    ("/resend x", "command.bad_number"),
    ("/oncall remove 3", "command.bad_choice"),
    ("/contact", "command.missing"),
    ("/contact " + "x" * 101, "command.bad_person"),
]


@pytest.mark.parametrize(("line", "name", "args"), GOOD)
def test_what_is_meant_is_understood(line: str, name: str, args: dict[str, Any]) -> None:
    parsed = parse(line, COMMANDS)
    assert parsed.command.name == name
    assert vars(parsed.args) == args
    assert is_command(line)


@pytest.mark.parametrize(("line", "code"), [pair for pair in BAD if pair[1]])
def test_what_is_not_understood_is_refused_with_its_reason(line: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse(line, COMMANDS)
    assert refusal.value.code == code
    if code in ("command.missing", "command.too_much") or code.startswith("command.bad_"):
        assert str(refusal.value.facts["usage"]).startswith("/")


def test_control_characters_and_a_stray_sign_are_passed_over() -> None:
    assert parse("/status 100001\x00", COMMANDS).args.charger == "100001"
    assert parse("/ticket -1", COMMANDS).args.ticket == "TKT-000001"


def test_a_command_for_another_bot_is_not_ours() -> None:
    assert parse("/status@chargehand_bot 1", COMMANDS, "@Chargehand_Bot").command.name == "status"
    with pytest.raises(BadInput, match=r"command\.other_bot"):
        parse("/status@someone_else 1", COMMANDS, "@Chargehand_Bot")


def test_the_nearest_command_is_suggested() -> None:
    with pytest.raises(BadInput) as refusal:
        parse("/rebot 100001", COMMANDS)
    assert refusal.value.facts == {"name": "rebot", "nearest": "reboot"}


@pytest.mark.parametrize("text", ["YES 4821", "yes 4821", " Yes: 4821.", "ok 0007", "ඔව් 4821", "ஆம் 4821", "Sí, 4821"])
def test_a_yes_with_a_code_is_recognised(text: str) -> None:
    assert looks_like_code(text)


@pytest.mark.parametrize("text", ["yes", "4821", "yes 482", "yes 48211", "yes please 4821", "yesterday 4821 cars"])
def test_other_words_are_no_confirmation(text: str) -> None:
    assert not looks_like_code(text)


def test_a_no_is_recognised() -> None:
    assert looks_like_no("No!")
    assert looks_like_no("cancel")
    assert not looks_like_no("no idea")


@pytest.mark.parametrize("text", ["hello", "1/2", "", "and/or", "/ 5"])
def test_ordinary_text_is_not_taken_for_a_command(text: str) -> None:
    assert not is_command(text)


@given(st.text(max_size=60), st.sampled_from([item.name for item in COMMANDS]))
def test_whatever_is_typed_is_understood_or_refused_and_never_breaks(tail: str, name: str) -> None:
    for line in (tail, f"/{name} {tail}", f"/{name}{tail}"):
        with contextlib.suppress(BadInput):
            parsed = parse(line, COMMANDS)
            assert isinstance(parsed.args, parsed.command.takes)
            assert is_command(line)
