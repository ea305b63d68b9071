"""Every table, imported once, so that metadata is whole wherever it is needed (migrations, tests)."""

from models import (
    audit,
    charger,
    charging,
    contact,
    conversation,
    force_charge,
    inbox,
    incident,
    member,
    message,
    oncall,
    outbox,
    second_opinion,
    session,
    sla,
    tally,
    teaching,
    team,
    ticket,
    wallet,
    words,
)
from models.base import Base

ALL = (
    audit, charger, charging, contact, conversation, force_charge, inbox, incident, member, message, oncall, outbox,
    second_opinion, session, sla, tally, teaching, team, ticket, wallet, words,
)  # fmt: skip

metadata = Base.metadata
