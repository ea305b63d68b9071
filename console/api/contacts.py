"""Contacts and the audit trail."""

from __future__ import annotations

from fastapi import APIRouter

from console.api import cursors, inputs
from console.api.asking import REFUSALS, Asked
from console.api.shapes import AuditShape, ContactShape, Page
from desk import api_views
from desk.contact_list import ContactFilter

router = APIRouter(responses=REFUSALS)


@router.get("/contacts", tags=["contacts"])
async def list_contacts(asked: Asked, which: inputs.Contacts) -> Page[ContactShape]:
    """Customers, newest first; with `phone`, in the order of their numbers."""
    wanted = ContactFilter(typed=which.search or "", phone_begins=which.phone)
    after = cursors.decode("contact", which.after)
    part = await asked.desk.read(api_views.contact_page, wanted, limit=which.limit, after=after)
    return Page[ContactShape].model_validate(cursors.page("contact", part.items, part.next))


@router.get("/audit", tags=["audit"])
async def list_audit(asked: Asked, which: inputs.Audit) -> Page[AuditShape]:
    """Who did what to what, newest first."""
    after = cursors.decode_number("audit", which.after)
    rows = await asked.desk.read(api_views.audit_page, limit=which.limit + 1, after=after, target=which.target)
    return Page[AuditShape].model_validate(cursors.cut("audit", rows, which.limit, lambda row: int(row["id"])))
