"""What a webhook's form says: every kind of message, and none lost for a malformed optional field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.whatsapp.inbound import inbox_row, parse
from models.message import Heard, Location, MediaRef, MessageKind

BASE = {
    "SmsMessageSid": "SM" + "0" * 32, "NumMedia": "0", "ProfileName": "Amal  Perera", "MessageType": "text",
    "SmsSid": "SM" + "0" * 32, "WaId": "94771234567", "SmsStatus": "received", "Body": "100234 eka wada na",
    "To": "whatsapp:+94110000000", "NumSegments": "1", "ReferralNumMedia": "0", "MessageSid": "SM" + "0" * 32,
    "AccountSid": "AC" + "0" * 32, "From": "whatsapp:+94771234567", "ApiVersion": "2010-04-01",
    "ChannelMetadata": '{"type":"whatsapp","data":{"context":{"ProfileName":"Amal","WaId":"94771234567"}}}',
    "ExternalUserId": "LK.13491208655302741918",
}  # fmt: skip


def _heard(**fields: str) -> Heard:
    return parse(inbox_row(BASE | fields).raw)


def test_a_text() -> None:
    heard = _heard()
    assert (heard.kind, heard.text, heard.sender_name) == (MessageKind.TEXT, "100234 eka wada na", "Amal Perera")
    assert (heard.channel, heard.account, heard.address) == ("whatsapp", BASE["To"], BASE["From"])
    assert heard.external_id == BASE["MessageSid"]
    assert (heard.identity_kind, heard.identity) == ("phone", "+94771234567")
    assert heard.aliases == (("wa_user", "LK.13491208655302741918"),)


def test_a_person_without_a_visible_phone_is_known_by_whatsapps_own_id_and_answered_there() -> None:
    heard = _heard(From="whatsapp:US.13491208655302741918", ExternalUserId="US.13491208655302741918", WaId="",
                   ParentExternalUserId="US.999")  # fmt: skip
    assert (heard.identity_kind, heard.identity) == ("wa_user", "US.13491208655302741918")
    assert heard.address == "whatsapp:US.13491208655302741918"
    assert heard.aliases == (("wa_user", "US.999"),)


def test_a_pressed_button() -> None:
    heard = _heard(MessageType="button", Body="Yes, call me", ButtonText="Yes, call me", ButtonPayload="human:yes")
    assert (heard.kind, heard.payload, heard.text) == (MessageKind.BUTTON, "human:yes", "Yes, call me")


def test_a_pressed_button_of_a_template_without_a_payload() -> None:
    heard = _heard(MessageType="button", Body="", ButtonText="I am on it")
    assert (heard.kind, heard.payload, heard.text) == (MessageKind.BUTTON, None, "I am on it")


def test_a_chosen_row_of_a_list() -> None:
    heard = _heard(MessageType="interactive", Body="", ListId="site:7", ListTitle="Kandy City Centre")
    assert (heard.kind, heard.payload, heard.text) == (MessageKind.BUTTON, "site:7", "Kandy City Centre")


def test_one_picture_with_a_caption() -> None:
    heard = _heard(NumMedia="1", MessageType="image", Body="this one", MediaUrl0="https://api.twilio.com/a/Media/ME1",
                   MediaContentType0="image/jpeg")  # fmt: skip
    assert (heard.kind, heard.text) == (MessageKind.MEDIA, "this one")
    assert heard.media == (MediaRef("https://api.twilio.com/a/Media/ME1", "image/jpeg"),)


def test_several_files_without_words() -> None:
    fields = {f"MediaUrl{n}": f"https://api.twilio.com/ME{n}" for n in range(3)} | {"MediaContentType0": "video/mp4"}
    heard = _heard(NumMedia="3", Body="", **fields)
    assert [item.content_type for item in heard.media] == ["video/mp4", "", ""]
    assert (heard.kind, heard.text) == (MessageKind.MEDIA, "")


@pytest.mark.parametrize("count", ["", "0", "99999999999999999999", "-3", "two"])
def test_a_wrong_count_of_files_loses_none(count: str) -> None:
    assert len(_heard(NumMedia=count, MediaUrl0="https://api.twilio.com/ME0").media) == 1


def test_a_place() -> None:
    heard = _heard(MessageType="location", Body="", Latitude="6.927079", Longitude="79.861244", Label="Fort",
                   Address="Colombo 01")  # fmt: skip
    assert (heard.kind, heard.location) == (MessageKind.LOCATION, Location(6.927079, 79.861244, "Fort"))
    assert heard.extra["address"] == "Colombo 01"


@pytest.mark.parametrize(("latitude", "longitude"), [("91", "0"), ("nan", "0"), ("north", "1"), ("", ""), ("0", "inf")])
def test_a_place_that_is_none_leaves_the_words(latitude: str, longitude: str) -> None:
    heard = _heard(Latitude=latitude, Longitude=longitude)
    assert (heard.kind, heard.location, heard.text) == (MessageKind.TEXT, None, "100234 eka wada na")


def test_a_contact_card_is_kept_as_a_file() -> None:
    heard = _heard(MessageType="contacts", Body="", MediaUrl0="https://api.twilio.com/ME0",
                   MediaContentType0="text/vcard", NumMedia="1")  # fmt: skip
    assert (heard.kind, heard.extra["message_type"]) == (MessageKind.MEDIA, "contacts")


@pytest.mark.parametrize("kind", ["order", "unsupported", "reaction", "hologram"])
def test_a_kind_without_words_that_nobody_knows_is_shown_as_unsupported(kind: str) -> None:
    heard = _heard(MessageType=kind, Body="")
    assert (heard.kind, heard.extra["message_type"]) == (MessageKind.UNSUPPORTED, kind)


def test_a_kind_that_nobody_knows_is_read_by_its_words() -> None:
    assert _heard(MessageType="hologram").kind is MessageKind.TEXT


def test_a_message_of_the_system_is_not_taken_for_somebodys_words() -> None:
    heard = _heard(MessageType="system", Body="Amal changed their phone number")
    assert (heard.kind, heard.text) == (MessageKind.UNSUPPORTED, "Amal changed their phone number")


def test_forwarded_words_are_marked() -> None:
    assert _heard(Forwarded="true", FrequentlyForwarded="true").extra["forwarded"] is True
    assert "forwarded" not in _heard(Forwarded="false").extra


def test_an_answer_to_a_message_of_ours_names_it() -> None:
    assert _heard(OriginalRepliedMessageSid="SM" + "9" * 32).extra["reply_to"] == "SM" + "9" * 32


def test_words_from_an_advertisement_keep_where_they_came_from() -> None:
    extra = _heard(ReferralBody="Charge at home", ReferralSourceId="12", ReferralHeadline="").extra
    assert extra["referral"] == {"ReferralBody": "Charge at home", "ReferralSourceId": "12"}


def test_a_message_that_no_advertisement_led_to_says_nothing_of_one() -> None:
    assert "referral" not in _heard(ReferralNumMedia="0").extra


def test_a_word_that_opts_out_passes_through() -> None:
    heard = _heard(Body="STOP", OptOutType="STOP")
    assert (heard.kind, heard.text, heard.extra["opt_out"]) == (MessageKind.TEXT, "STOP", "STOP")


def test_a_field_that_nobody_knows_stays_in_the_raw_row() -> None:
    assert inbox_row(BASE | {"BrandNew": "7"}).raw["form"]["BrandNew"] == "7"


def test_the_lane_is_the_conversation() -> None:
    row = inbox_row(BASE)
    assert row.lane == "whatsapp:whatsapp:+94110000000:whatsapp:+94771234567"
    assert (row.account, row.external_id) == (BASE["To"], BASE["MessageSid"])


def test_values_too_long_for_a_column_are_cut() -> None:
    heard = _heard(ProfileName="x" * 5_000, ButtonPayload="y" * 5_000, ExternalUserId="z" * 5_000,
                   MediaUrl0="https://a/b", MediaContentType0="w" * 5_000)  # fmt: skip
    assert (len(heard.sender_name), len(heard.payload or ""), heard.aliases) == (200, 300, ())
    assert len(heard.media[0].content_type) == 120


_FIELDS = st.sampled_from(
    ["Body", "NumMedia", "Latitude", "Longitude", "MediaUrl0", "MediaContentType0", "MessageType", "ButtonText",
     "ButtonPayload", "ListId", "ListTitle", "ProfileName", "ExternalUserId", "Forwarded", "OriginalRepliedMessageSid",
     "ReferralBody", "InteractiveData", "Label", "Address", "ChannelMetadata", "WaId"]
)  # fmt: skip


@given(st.dictionaries(_FIELDS, st.text(max_size=80)))
def test_whatever_stands_in_optional_fields_the_message_is_read(fields: dict[str, Any]) -> None:
    heard = _heard(**fields)
    assert heard.external_id == BASE["MessageSid"]
    assert heard.address == BASE["From"]
