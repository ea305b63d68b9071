"""Every table, imported once, so that metadata is whole wherever it is needed (migrations, tests)."""

from models import (
    audit,
    charger,
    charging,
    contact,
    conversation,
    inbox,
    incident,
    member,
    message,
    outbox,
    sla,
    ticket,
    wallet,
)
from models.base import Base

ALL = (
    audit, charger, charging, contact, conversation, inbox, incident, member, message, outbox, sla, ticket, wallet,
)  # fmt: skip

metadata = Base.metadata
