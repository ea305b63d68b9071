"""Charging tags: who they belong to and whether they may start a session."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from desk import audit, wallets
from desk.work import Work
from models.access import Permission
from models.charging import ChargingTransaction, IdTag, TagStatus
from models.contact import Contact
from models.errors import BadInput, NotFound, Refusal
from models.ports import TagVerdict


def find(work: Work, value: str) -> IdTag | None:
    """A tag by its value, whatever its case."""
    return work.session.scalar(select(IdTag).where(IdTag.value == value.strip().upper()))


def verdict(work: Work, value: str | None, *, besides: int | None = None) -> TagVerdict:
    """Whether a tag may charge. `besides` is the session that it is asked for, which does not count as another."""
    tag = find(work, value) if value else None
    if tag is None:
        return TagVerdict("Invalid")
    if tag.status is TagStatus.BLOCKED or not _account_is_good(work, tag):
        return TagVerdict("Blocked", tag.expires_at)
    if tag.expires_at is not None and tag.expires_at <= work.now:
        return TagVerdict("Expired", tag.expires_at)
    if _charging_elsewhere(work, tag.value, besides):
        return TagVerdict("ConcurrentTx", tag.expires_at)
    return TagVerdict("Accepted", tag.expires_at)


def _account_is_good(work: Work, tag: IdTag) -> bool:
    contact = work.session.get(Contact, tag.contact_id) if tag.contact_id is not None else None
    if contact is None:
        return True
    wallet = wallets.paying(work, contact)
    return contact.account_active and (wallet is None or wallet.balance_minor >= 0)


def _charging_elsewhere(work: Work, value: str, besides: int | None) -> bool:
    query = select(ChargingTransaction.id).where(
        ChargingTransaction.id_tag == value, ChargingTransaction.stopped_at.is_(None)
    )
    if besides is not None:
        query = query.where(ChargingTransaction.id != besides)
    return work.session.scalar(query.limit(1)) is not None


def add(work: Work, value: str, *, contact_id: int | None = None, expires_at: datetime | None = None) -> IdTag:
    """Register a tag. Refuses an empty or too long one, and one that is known."""
    work.require(Permission.EDIT_FINANCE)
    clean = value.strip().upper()
    if not 1 <= len(clean) <= 36 or not clean.isprintable():
        raise BadInput("charger.bad_tag", tag=value[:40])
    if find(work, clean) is not None:
        raise Refusal("charger.tag_exists", tag=clean)
    tag = IdTag(value=clean, contact_id=contact_id, expires_at=expires_at, created_at=work.now)
    work.session.add(tag)
    work.session.flush()
    work.wake(f"tag.{clean}")
    audit.record(work, "tag.added", f"tag:{clean}", contact_id=contact_id)
    return tag


def set_status(work: Work, value: str, status: TagStatus) -> IdTag:
    """Block a tag, or let it charge again."""
    work.require(Permission.EDIT_FINANCE)
    tag = find(work, value)
    if tag is None:
        raise NotFound("charger.no_tag", tag=value[:40])
    tag.status = status
    work.wake(f"tag.{tag.value}")
    audit.record(work, "tag.status", f"tag:{tag.value}", status=status.value)
    return tag
