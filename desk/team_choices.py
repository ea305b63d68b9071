"""Whom a ticket can be given to: for buttons, forms and filters that offer it. `tickets.assign` asks the same again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, or_, select

from desk import ticket_views
from desk.tickets import ANY_DEPARTMENT
from desk.work import Work
from models.access import GRANTS, Department, Permission, Role
from models.member import Member, MemberDepartment

SHOWN = 20
_ABLE = tuple(role for role in Role if Permission.WORK_TICKETS in GRANTS[role])


def for_ticket(work: Work, ref: str) -> list[Member]:
    """Active members who can be given the ticket, the actor first, then by name."""
    work.require(Permission.ASSIGN_TICKETS)
    ticket = ticket_views.get(work, ref)
    query = _inside(ticket.department).order_by(Member.id != work.actor.member_id, Member.name, Member.id)
    return list(work.session.scalars(query.limit(SHOWN)))


def for_department(work: Work, department: Department) -> Sequence[Member]:
    """Active members who can be given a ticket of a department, by name."""
    work.require(Permission.ASSIGN_TICKETS)
    return work.session.scalars(_inside(department).order_by(Member.name, Member.id)).all()


def workers(work: Work) -> Sequence[Member]:
    """Active members whom a list of tickets can be narrowed to, by name."""
    work.require(Permission.ASSIGN_TICKETS)
    return work.session.scalars(_working().order_by(Member.name, Member.id)).all()


def _working() -> Select[Member]:
    return select(Member).where(Member.active.is_(True), Member.role.in_(_ABLE))


def _inside(department: Department) -> Select[Member]:
    members = select(MemberDepartment.member_id).where(MemberDepartment.department == department)
    return _working().where(or_(Member.role.in_(ANY_DEPARTMENT), Member.id.in_(members)))
