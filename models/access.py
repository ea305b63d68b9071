"""Who may do what: the one table of roles and permissions, and the actors who carry them.

Source: the operations ERP's role matrix; rulings of this project are noted in docs/roles.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.errors import NotAllowed


class Role(StrEnum):
    """A member's role."""

    ADMIN = "admin"
    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    OPS_AGENT = "ops_agent"
    INSTALLER = "installer"
    CPO = "cpo"


class Department(StrEnum):
    """Decides which tickets a member can be given."""

    HOTLINE = "hotline"
    SERVICE = "service"
    MAINTENANCE = "maintenance"
    TECHNICAL = "technical"


class Permission(StrEnum):
    """One thing that can be allowed."""

    VIEW_DASHBOARD = "view_dashboard"
    VIEW_MESSAGES = "view_messages"
    CORRECT_MESSAGES = "correct_messages"
    REPLY = "reply"
    VIEW_TICKETS = "view_tickets"
    OPEN_TICKETS = "open_tickets"
    WORK_TICKETS = "work_tickets"
    ASSIGN_TICKETS = "assign_tickets"
    CLOSE_TICKETS = "close_tickets"
    VIEW_CHARGERS = "view_chargers"
    VIEW_SESSIONS = "view_sessions"
    COMMAND_CHARGERS = "command_chargers"
    EDIT_CHARGERS = "edit_chargers"
    VIEW_FINANCE = "view_finance"
    EDIT_FINANCE = "edit_finance"
    VIEW_CONTACTS = "view_contacts"
    EDIT_CONTACTS = "edit_contacts"
    ERASE_CONTACTS = "erase_contacts"
    VIEW_ROSTER = "view_roster"
    EDIT_ROSTER = "edit_roster"
    VIEW_AUDIT = "view_audit"
    MANAGE_TEAM = "manage_team"
    MANAGE_MODEL = "manage_model"


_ALL = frozenset(Permission)
_MANAGER = _ALL - {Permission.MANAGE_TEAM}
_DESK = _MANAGER - {Permission.ERASE_CONTACTS, Permission.EDIT_CHARGERS, Permission.MANAGE_MODEL}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: _ALL,
    Role.MANAGER: _MANAGER,
    Role.DISPATCHER: _DESK,
    # The source gives the agent the dispatcher's pages; who confirms and closes is named there without the agent.
    Role.OPS_AGENT: _DESK - {Permission.CLOSE_TICKETS, Permission.EDIT_ROSTER, Permission.VIEW_AUDIT},
    Role.INSTALLER: frozenset(
        {
            Permission.VIEW_DASHBOARD,
            Permission.VIEW_MESSAGES,
            Permission.CORRECT_MESSAGES,
            Permission.REPLY,
            Permission.VIEW_TICKETS,
            Permission.WORK_TICKETS,
        }
    ),
    Role.CPO: frozenset({Permission.VIEW_DASHBOARD, Permission.VIEW_CHARGERS}),
}

OWN_TICKETS_ONLY = frozenset({Role.INSTALLER})
"""Roles that see only the tickets assigned to them."""

OWN_CHARGERS_ONLY = frozenset({Role.CPO})
"""Roles that see only the chargers of their own fleet, everywhere."""


class ActorKind(StrEnum):
    """Who is acting."""

    MEMBER = "member"
    CONTACT = "contact"
    ASSISTANT = "assistant"
    CLOCK = "clock"
    CHARGER = "charger"
    OPERATOR = "operator"  # whoever holds the machine: the command line


_ASSISTANT = frozenset(
    {
        Permission.VIEW_MESSAGES,
        Permission.VIEW_TICKETS,
        Permission.OPEN_TICKETS,
        Permission.WORK_TICKETS,
        Permission.VIEW_CHARGERS,
        Permission.VIEW_SESSIONS,
        Permission.COMMAND_CHARGERS,
        Permission.VIEW_FINANCE,
        Permission.VIEW_CONTACTS,
        Permission.REPLY,
    }
)

ACTOR_GRANTS: dict[ActorKind, frozenset[Permission]] = {
    ActorKind.MEMBER: frozenset(),
    ActorKind.CONTACT: frozenset({Permission.OPEN_TICKETS}),
    ActorKind.ASSISTANT: _ASSISTANT,
    ActorKind.CLOCK: _ASSISTANT | {Permission.CLOSE_TICKETS},
    ActorKind.CHARGER: frozenset({Permission.OPEN_TICKETS}),
    ActorKind.OPERATOR: _ALL,
}


@dataclass(frozen=True)
class Actor:
    """Whoever acts. For a member: its role, departments and, for a CPO, the fleet whose chargers it may see."""

    kind: ActorKind
    id: str
    name: str
    role: Role | None = None
    departments: frozenset[Department] = frozenset()
    fleet_id: int | None = None

    @property
    def member_id(self) -> int | None:
        """The member's key, when a member acts."""
        return int(self.id) if self.kind is ActorKind.MEMBER else None

    def may(self, permission: Permission) -> bool:
        """Whether the table allows it."""
        if self.kind is ActorKind.MEMBER:
            return self.role is not None and permission in GRANTS[self.role]
        return permission in ACTOR_GRANTS[self.kind]

    def require(self, permission: Permission) -> None:
        """Refuse, unless the table allows it."""
        if not self.may(permission):
            raise NotAllowed("access.not_allowed", permission=permission.value)


ASSISTANT = Actor(ActorKind.ASSISTANT, "assistant", "Assistant")
CLOCK = Actor(ActorKind.CLOCK, "clock", "Clock")
OPERATOR = Actor(ActorKind.OPERATOR, "cli", "Command line")


def charger_actor(charger_id: str) -> Actor:
    """A charger that acts by its own report."""
    return Actor(ActorKind.CHARGER, charger_id, charger_id)


def contact_actor(contact_id: int, name: str) -> Actor:
    """A customer who acts by writing."""
    return Actor(ActorKind.CONTACT, str(contact_id), name)
