"""Nothing that a log line holds identifies a person or opens a door."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import QUIET, configure
from bot.mask import mask, mask_value
from bot.pulse import Pulse

e164 = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@given(before=st.text(max_size=12), number=e164, after=st.text(max_size=12).filter(lambda t: not t[:1].isdigit()))
def test_no_international_number_passes(before: str, number: str, after: str) -> None:
    assert number not in mask(before + number + after)
    assert number[1:] not in mask(before + number + after)


@given(number=e164)
def test_no_number_passes_inside_any_structure(number: str) -> None:
    line = mask_value({"to": f"whatsapp:{number}", number: [{"deep": (number, {"x": number})}], "b": number.encode()})
    assert number not in json.dumps(line)


@pytest.mark.parametrize(
    "written",
    ["+94 77 123 4567", "+1 (202) 555-0123", "0771234567", "077 123 4567", "077-1234567", "(077) 1234567",
     "0094771234567", "94771234567", "%2B94771234567", "+94-77-1234567", "+34 612 34 56 78"],
)  # fmt: skip
def test_the_ways_in_which_people_write_numbers_are_masked(written: str) -> None:
    masked = mask(f"call {written} now")
    assert len(re.findall(r"\d", masked)) <= 2
    assert masked.startswith("call ")
    assert masked.endswith(" now")


@pytest.mark.parametrize(
    "plain",
    ["100003", "CP-100234-A", "2026-03-02T08:00:00+00:00", "2026-03-02T13:30:00.123456+05:30",
     "1f0e7f3a-4b1c-4d5e-8f9a-0123456789ab", "TKT-000042", "connector 2", "0.0312 s", "SM0123456789abcdef0123456789ab",
     "10.0.0.1:8080", "transaction 2147483647"],
)  # fmt: skip
def test_ids_of_chargers_tickets_and_instants_are_left_alone(plain: str) -> None:
    assert mask(f"said {plain} here") == f"said {plain} here"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer cht_abcdefghijklmnop", "abcdefgh"),
        ("Authorization: Basic MTAwMDAzOnNlY3JldA==", "MTAw"),
        ("postgresql://desk:hunter2222@db/x refused", "hunter2222"),
        ('{"AuthorizationKey": "abcdef0123"}', "abcdef0123"),
        ("auth_token=0123456789abcdef&x=1", "0123456789abcdef"),
        ("password: 'swordfish'", "swordfish"),
        ("bot 123456789:AAE_abcdefghijklmnopqrstuvwxyz012345 said", "AAE_"),
        ("GET https://api.telegram.org/bot123456789:AAE_abcdefghijklmnopqrstuvwxyz012345/getMe", "AAE_"),
        ("/file/bot123456789%3AAAE_abcdefghijklmnopqrstuvwxyz012345/photos/1.jpg", "AAE_"),
        ("open https://t.me/TeamBot?start=dGhlIGNvZGUgb2YgYSBtZW1iZXI to link", "dGhlIGNv"),
        ("they wrote LINK ABCD-EFGH", "EFGH"),
        ("they wrote LINK ABCD EFGH", "EFGH"),
        ("GET /files/c2lnbmVkIGFuZCBnb29kIGZvciBhIHdoaWxl failed", "c2lnbmVk"),
        ("{'cookie': '__Host-chargehand=abcdef; theme=dark'}", "abcdef"),
        ("Set-Cookie: chargehand=abcdef; Path=/", "abcdef"),
        ("nats://t0ken@hub:4222 refused", "t0ken"),
        ("a form with csrf=0123456789abcdef", "0123456789"),
        ("mail to ana.perera@example.lk failed", "ana.perera"),
    ],
)
def test_tokens_passwords_and_addresses_are_blanked(text: str, secret: str) -> None:
    assert secret not in mask(text)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in QUIET}
    yield io.StringIO()
    root.handlers[:], level = before
    root.setLevel(level)
    for name, (old, handlers) in levels.items():
        logging.getLogger(name).setLevel(old)
        logging.getLogger(name).handlers[:] = handlers
    logging.getLogger("uvicorn.access").disabled = False
    structlog.reset_defaults()


def test_a_line_is_json_and_its_traceback_is_masked_too(stream: io.StringIO) -> None:
    configure(json=True, stream=stream)
    try:
        raise ValueError("no such number +94771234567")
    except ValueError:
        logging.getLogger("desk.x").exception("sending to %s failed", "+94771234567", extra={"token": "abc"})
    structlog.get_logger("bot.y").info("heard", sender="whatsapp:+94771234567", charger="100003")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["level"] == "error"
    assert first["token"] == "…"
    assert "ValueError" in first["exception"]
    assert second["charger"] == "100003"
    assert "94771234567" not in stream.getvalue()


def test_what_a_channel_says_of_its_trouble_holds_no_token() -> None:
    pulse = Pulse("Telegram")
    begun = datetime(2026, 3, 2, tzinfo=UTC)
    pulse.bad(
        begun, "away: no answer from https://api.telegram.org/bot123456789:AAE_abcdefghijklmnopqrstuvwxyz012345/x"
    )
    assert "AAE_" not in str(pulse.trouble(begun + timedelta(minutes=6)))


def test_what_is_endless_is_cut() -> None:
    assert len(mask("a-" * 1_000_000)) < 40_000
    assert "94771234567" not in mask("a" * 31_995 + "+94771234567")


def test_lines_for_the_eye_are_masked_as_well(stream: io.StringIO) -> None:
    configure(json=False, stream=stream)
    logging.getLogger("desk").warning("lost %s", "+94771234567")
    assert "lost …67" in stream.getvalue()


@pytest.mark.parametrize("eye", [True, False])
def test_what_strangers_send_begins_no_line_of_its_own(stream: io.StringIO, eye: bool) -> None:
    configure(json=not eye, stream=stream)
    forged = "/ocpp/x\r\n2026-03-02 [info] all is well\x1b[2J\x9b31m\u2028"
    logging.getLogger("door").warning("turned away %s", forged, extra={"path": forged})
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert len(written.splitlines()) == 1
    assert not set("\x1b\x9b\r\u2028") & set(written)
    assert "all is well" in written


def test_a_traceback_keeps_its_lines(stream: io.StringIO) -> None:
    configure(json=False, stream=stream)
    try:
        raise ValueError("of ours")
    except ValueError:
        logging.getLogger("desk").exception("failed")
    assert len(stream.getvalue().splitlines()) > 3


def test_noisy_libraries_keep_quiet(stream: io.StringIO) -> None:
    configure(json=True, stream=stream)
    logging.getLogger("httpx").info("HTTP Request: GET https://example.com")
    logging.getLogger("uvicorn.access").info("GET /healthz")
    assert stream.getvalue() == ""
