"""Contacts and the audit trail."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from console.api import cursors, inputs
from console.api.asking import REFUSALS, Asked
from console.api.shapes import AuditShape, ContactShape, Page
from desk import api_views, contacts
from desk.work import Work

router = APIRouter(responses=REFUSALS)


@router.get("/contacts", tags=["contacts"])
async def list_contacts(asked: Asked, which: inputs.Contacts) -> Page[ContactShape]:
    """Customers, newest first."""
    after = cursors.decode_number("contact", which.after)
    rows = await asked.desk.read(_contacts, limit=which.limit + 1, after=after, search=which.search, phone=which.phone)
    return Page[ContactShape].model_validate(cursors.cut("contact", rows, which.limit, lambda row: int(row["id"])))


@router.get("/audit", tags=["audit"])
async def list_audit(asked: Asked, which: inputs.Audit) -> Page[AuditShape]:
    """Who did what to what, newest first."""
    after = cursors.decode_number("audit", which.after)
    rows = await asked.desk.read(api_views.audit_page, limit=which.limit + 1, after=after, target=which.target)
    return Page[AuditShape].model_validate(cursors.cut("audit", rows, which.limit, lambda row: int(row["id"])))


def _contacts(
    work: Work, *, limit: int, after: int | None, search: str | None, phone: str | None
) -> list[dict[str, Any]]:
    rows = contacts.page(work, limit=limit, after=after, search=search, phone=phone)
    return [contacts.facts(work, row) for row in rows]
