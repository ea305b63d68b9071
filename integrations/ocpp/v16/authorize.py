"""Authorize, and the words for a verdict."""

from __future__ import annotations

from ocpp.v16 import call_result
from ocpp.v16.datatypes import IdTagInfo

from integrations.ocpp.services import Payload, Visit
from integrations.ocpp.tolerance import needed_text, stamp
from models.ports import TagVerdict


async def authorize(visit: Visit, payload: Payload) -> call_result.Authorize:
    """May this tag charge here?"""
    return call_result.Authorize(id_tag_info=tag_info(await visit.verdict(needed_text(payload, "idTag"))))


def tag_info(verdict: TagVerdict) -> IdTagInfo:
    """A verdict in OCPP's words."""
    expiry = stamp(verdict.expires_at) if verdict.expires_at is not None else None
    return IdTagInfo(status=verdict.status, expiry_date=expiry)
