"""Authorize, and the words for a verdict."""

from __future__ import annotations

from ocpp.v201 import call_result
from ocpp.v201.datatypes import IdTokenInfoType

from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import needed_text, part_of, stamp, text_of
from models.ports import TagVerdict


async def authorize(visit: Visit, payload: Payload) -> call_result.Authorize:
    """May this tag charge here?"""
    tag = needed_text(part_of(payload, "idToken"), "idToken")[:36]
    return call_result.Authorize(id_token_info=token_info(await visit.verdict(tag)))


def token_info(verdict: TagVerdict) -> IdTokenInfoType:
    """A verdict in OCPP's words."""
    expiry = stamp(verdict.expires_at) if verdict.expires_at is not None else None
    return IdTokenInfoType(status=verdict.status, cache_expiry_date_time=expiry)


def tag_of(payload: Payload) -> str | None:
    """The tag in a message; None where there is none, or the charger was started without one."""
    token = part_of(payload, "idToken")
    return None if token.get("type") == "NoAuthorization" else text_of(token, "idToken", 36)
