"""Nothing that arrives makes the readers of frames and payloads fail."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.ocpp import frames
from integrations.ocpp.schemas import schema
from integrations.ocpp.secrets import blank, blank_text
from integrations.ocpp.tolerance import mend

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)
FIELDS = st.sampled_from(["connectorId", "status", "timestamp", "meterValue", "sampledValue", "value", "transactionId"])


@given(st.text() | st.binary())
def test_any_text_is_read_as_some_frame(raw: str | bytes) -> None:
    assert isinstance(frames.read(raw), frames.Call | frames.CallResult | frames.CallError | frames.BadFrame)


@given(st.lists(JSON, max_size=6))
def test_any_array_is_read_as_some_frame(parts: list[Any]) -> None:
    try:
        raw = orjson.dumps(parts)
    except (TypeError, orjson.JSONEncodeError):
        return
    assert isinstance(frames.read(raw), frames.Call | frames.CallResult | frames.CallError | frames.BadFrame)


@given(st.dictionaries(FIELDS, JSON, max_size=5))
def test_mending_never_fails_and_leaves_what_is_right_alone(payload: dict[str, Any]) -> None:
    for version, action in (("1.6", "MeterValues"), ("1.6", "StatusNotification"), ("2.0.1", "TransactionEvent")):
        rules = schema(version, action, "request")
        assert rules is not None
        mended = mend(rules, payload)
        assert isinstance(mended, dict)
        if rules.valid(payload):
            assert rules.valid(mended)


@pytest.mark.parametrize(
    "payload",
    [
        {"key": "AuthorizationKey", "value": "s3cret"},
        {"connectionData": {"basicAuthPassword": "s3cret", "vpn": {"server": "x", "key": "s3cret", "user": "u"}}},
        {"variable": {"name": "BasicAuthPassword"}, "component": {"name": "SecurityCtrlr"}, "attributeValue": "s3cret"},
        {"location": "ftps://user:s3cret@host/path"},
        {"data": '{"apiKey":"s3cret"}'},
        {"data": "password=s3cret"},
    ],
)
def test_a_secret_is_blanked_wherever_it_stands(payload: dict[str, Any]) -> None:
    assert "s3cret" not in str(blank(payload))
    text = orjson.dumps([2, "1", "X", payload]).decode()
    assert "s3cret" not in blank_text(text)
    assert "s3cret" not in blank_text(text[:-3])


def test_what_is_no_secret_stays_readable() -> None:
    text = '[2,"1","Authorize",{"idTag":"04A2B3C4"}]'
    assert blank_text(text) == text
