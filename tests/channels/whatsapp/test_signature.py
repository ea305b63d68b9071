"""Whose call it is: the signature covers PUBLIC_URL, the raw path and query, and every field."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from bot.channels.whatsapp.inbound import Rejected, Verified, verify
from bot.channels.whatsapp.settings import WhatsAppSettings
from tests.fakes.twilio import AUTH_TOKEN, FakeTwilio

PATH = "/webhooks/twilio/whatsapp"
SETTINGS = WhatsAppSettings("AC1", AUTH_TOKEN, "whatsapp:+94110000000", "https://bot.example.org")
FORM = {"MessageSid": "SM1", "From": "whatsapp:+94771234567", "To": "whatsapp:+94110000000", "Body": "eka wada නෑ +1"}


def _call(
    *, signed: str = "https://bot.example.org" + PATH, path: str = PATH, query: str = "",
    form: dict[str, str] | None = None, body: bytes | None = None, settings: WhatsAppSettings = SETTINGS,
    token: str = AUTH_TOKEN,
) -> Verified | Rejected:  # fmt: skip
    given = FORM if form is None else form
    signature = FakeTwilio(auth_token=token).sign(signed, given)
    return verify(settings, path, query, urlencode(given).encode() if body is None else body, signature)


def test_a_signed_form_is_read_whole() -> None:
    assert _call() == Verified(FORM)


def test_blank_fields_are_signed_and_kept() -> None:
    form = FORM | {"Body": "", "MediaContentType0": "", "Zz": ""}
    assert _call(form=form) == Verified(form)


def test_fields_that_nobody_knows_do_no_harm() -> None:
    form = FORM | {"BrandNewField": "x", "ChannelMetadata": '{"type":"whatsapp","data":{}}'}
    assert _call(form=form) == Verified(form)


def test_a_field_given_twice_is_signed_with_both_values() -> None:
    pairs = [*FORM.items(), ("Twice", "a"), ("Twice", "b")]
    url = SETTINGS.signed_url(PATH)
    signature = FakeTwilio(auth_token=AUTH_TOKEN).sign(url, pairs)
    got = verify(SETTINGS, PATH, "", urlencode(pairs).encode(), signature)
    assert got == Verified(FORM | {"Twice": "a"})


@pytest.mark.parametrize("query", ["o=17", "o=17&x=a%20b", "x=a+b", "x=%2F", "x=%2f", "x="])
def test_the_query_counts_exactly_as_it_was_sent(query: str) -> None:
    assert isinstance(_call(signed=f"https://bot.example.org{PATH}?{query}", query=query), Verified)


@pytest.mark.parametrize(
    ("signed", "received"), [("x=a%20b", "x=a+b"), ("x=%2F", "x=%2f"), ("o=17", "o=18"), ("o=17", ""), ("x=", "")]
)
def test_a_query_encoded_again_does_not_pass(signed: str, received: str) -> None:
    got = _call(signed=f"https://bot.example.org{PATH}?{signed}", query=received)
    assert isinstance(got, Rejected)
    assert got.status == 403


@pytest.mark.parametrize(
    "signed",
    [
        "https://evil.example.org" + PATH,
        "http://bot.example.org" + PATH,
        "https://bot.example.org" + PATH + "/",
        "https://bot.example.org:8443" + PATH,
        "https://bot.example.org/webhooks/twilio/status",
    ],
)
def test_another_address_does_not_pass(signed: str) -> None:
    assert isinstance(_call(signed=signed), Rejected)


@pytest.mark.parametrize("signed", ["https://bot.example.org:443" + PATH, "https://bot.example.org" + PATH])
def test_the_usual_port_may_be_written_or_not(signed: str) -> None:
    assert isinstance(_call(signed=signed), Verified)


def test_a_public_address_with_its_own_port_and_prefix_is_what_counts() -> None:
    settings = replace(SETTINGS, public_url="https://bot.example.org:8443/chargehand/")
    assert isinstance(_call(signed=f"https://bot.example.org:8443/chargehand{PATH}", settings=settings), Verified)


def test_behind_a_proxy_that_ends_tls_the_public_address_counts_and_not_what_the_application_sees() -> None:
    settings = replace(SETTINGS, public_url="http://10.0.0.5:8080")
    assert isinstance(_call(settings=settings), Rejected)


def test_while_a_token_is_replaced_both_pass_and_afterwards_only_the_new_one() -> None:
    both = replace(SETTINGS, auth_token="new", auth_token_secondary=AUTH_TOKEN)
    assert isinstance(_call(settings=both), Verified)
    assert isinstance(_call(settings=both, token="new"), Verified)
    assert isinstance(_call(settings=replace(both, auth_token_secondary="")), Rejected)


def test_without_a_token_nothing_passes_not_even_a_signature_made_with_an_empty_one() -> None:
    got = _call(settings=replace(SETTINGS, auth_token=""), token="")
    assert isinstance(got, Rejected)
    assert got.status == 403


@pytest.mark.parametrize("signature", [None, "", "AAAA", "ünsinn", "=" * 5000])
def test_a_missing_or_senseless_signature_does_not_pass(signature: str | None) -> None:
    got = verify(SETTINGS, PATH, "", urlencode(FORM).encode(), signature)
    assert isinstance(got, Rejected)
    assert got.status == 403


def test_a_changed_field_does_not_pass() -> None:
    got = _call(body=urlencode(FORM | {"Body": "something else"}).encode())
    assert isinstance(got, Rejected)
    assert got.status == 403


def test_characters_that_no_database_keeps_are_taken_out_after_the_signature_was_checked() -> None:
    got = _call(form=FORM | {"Body": "a\x00b\x1bc\nd"})
    assert isinstance(got, Verified)
    assert got.form["Body"] == "abc\nd"
