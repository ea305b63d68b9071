"""Whom a ticket can be given to, for the buttons that ask."""

from __future__ import annotations

from sqlalchemy import or_, select

from desk import ticket_views
from desk.tickets import ANY_DEPARTMENT
from desk.work import Work
from models.access import GRANTS, Permission, Role
from models.member import Member, MemberDepartment

SHOWN = 20


def for_ticket(work: Work, ref: str) -> list[Member]:
    """Active members who can be given the ticket, the actor first, then by name."""
    work.require(Permission.ASSIGN_TICKETS)
    ticket = ticket_views.get(work, ref)
    able = [role for role in Role if Permission.WORK_TICKETS in GRANTS[role]]
    of_department = select(MemberDepartment.member_id).where(MemberDepartment.department == ticket.department)
    found = work.session.scalars(
        select(Member)
        .where(
            Member.active.is_(True),
            Member.role.in_(able),
            or_(Member.role.in_(ANY_DEPARTMENT), Member.id.in_(of_department)),
        )
        .order_by(Member.id != work.actor.member_id, Member.name, Member.id)
        .limit(SHOWN)
    )
    return list(found)
