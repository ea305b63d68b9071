"""Every door: what Telegram, the team's cards and the console keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Go forward; there is no way back but a backup."""
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("extra", JSON, nullable=True))
    with op.batch_alter_table("charger") as table:
        table.add_column(sa.Column("connected_before_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_incident_charger_id_id", "incident", ["charger_id", "id"])
    op.create_table(
        "shift",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_shift_ends_after_it_starts")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_shift_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index(op.f("ix_shift_ends_at"), "shift", ["ends_at"])
    op.create_index(op.f("ix_shift_member_id"), "shift", ["member_id"])
    with op.batch_alter_table("ticket") as table:
        table.add_column(sa.Column("snoozed_until_at", sa.DateTime(timezone=True), nullable=True))
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "team_chat",
        sa.Column("id", big, nullable=False),
        sa.Column("account", sa.String(length=160), nullable=False),
        sa.Column("chat_id", sa.String(length=40), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("former_id", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_chat")),
        sa.UniqueConstraint("account", "chat_id", "topic", name=op.f("uq_team_chat_account_chat_id_topic")),
    )
    op.create_index(op.f("ix_team_chat_former_id"), "team_chat", ["former_id"])
    op.create_table(
        "member_link",
        sa.Column("id", big, nullable=False),
        sa.Column("member_id", big, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_link_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_member_link_digest")),
    )
    op.create_index(op.f("ix_member_link_member_id"), "member_link", ["member_id"])
    op.create_table(
        "team_question",
        sa.Column("id", big, nullable=False),
        sa.Column("outbox_id", big, nullable=False),
        sa.Column("member_id", big, nullable=False),
        sa.Column("line", sa.String(length=300), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_team_question_member_id_member")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_team_question_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_question")),
        sa.UniqueConstraint("outbox_id", name=op.f("uq_team_question_outbox_id")),
    )
    op.create_index(op.f("ix_team_question_member_id"), "team_question", ["member_id"])
    with op.batch_alter_table("media") as table:
        table.alter_column("message_id", existing_type=big, nullable=True)
        table.add_column(sa.Column("event_id", big, nullable=True))
        table.add_column(sa.Column("album", sa.String(length=64), nullable=True))
        table.create_foreign_key(op.f("fk_media_event_id_ticket_event"), "ticket_event", ["event_id"], ["id"])
        table.create_index(op.f("ix_media_event_id"), ["event_id"])
        table.create_index(op.f("ix_media_album"), ["album"])
    with op.batch_alter_table("member") as table:
        table.add_column(sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("member") as table:
        table.alter_column("must_change_password", server_default=None)
    op.create_table(
        "member_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_session_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_member_session_digest")),
    )
    op.create_index(op.f("ix_member_session_member_id"), "member_session", ["member_id"])
    op.create_table(
        "sign_in_try",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fits", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_try")),
    )
    op.create_index("ix_sign_in_try_email_at", "sign_in_try", ["email", "at"])
    op.create_index("ix_sign_in_try_ip_at", "sign_in_try", ["ip", "at"])
    op.create_index("ix_sign_in_try_at", "sign_in_try", ["at"])
    op.create_table(
        "second_factor",
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sealed", sa.String(length=300), nullable=False),
        sa.Column("last_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_second_factor_member_id_member")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_recovery_code_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("digest", name=op.f("uq_recovery_code_digest")),
    )
    op.create_index(op.f("ix_recovery_code_member_id"), "recovery_code", ["member_id"])
    op.create_index("ix_audit_target_at_id", "audit", ["target", "at", "id"])
    op.create_index("ix_audit_action_at_id", "audit", ["action", "at", "id"])
    op.create_index("ix_audit_actor_at_id", "audit", ["actor_kind", "actor_id", "at", "id"])
    op.create_index("ix_audit_at_id", "audit", ["at", "id"])
    _lists_of_tickets()
    _sums()
    _cards()


def _lists_of_tickets() -> None:
    """Lists of tickets answer from an index: each ticket knows which of its clocks runs out first."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    never = sa.text("'9999-01-01 00:00:00.000000'" if sqlite else "'9999-01-01 00:00:00+00'")
    for column in ("next_due_at", "risk_at"):
        op.add_column("ticket", sa.Column(column, sa.DateTime(timezone=True), nullable=False, server_default=never))
    risk = (
        "strftime('%Y-%m-%d %H:%M:%f', due_at, '-' || (target_s / 4) || ' seconds') || '000'"
        if sqlite
        else "due_at - target_s * interval '0.25 second'"
    )
    running = "FROM sla_clock WHERE ticket_id = ticket.id AND state = 'running' AND due_at IS NOT NULL"
    op.execute(
        f"UPDATE ticket SET next_due_at = (SELECT min(due_at) {running}), risk_at = (SELECT min({risk}) {running}) "  # noqa: S608 - our own words
        f"WHERE EXISTS (SELECT 1 {running})"
    )
    live = "status IN ('OPEN', 'ASSIGNED', 'IN_PROGRESS')"
    for name, columns, rows in (
        ("assignee_id_status_id", ["assignee_id", "status", "id"], None),
        ("assignee_id_updated_at", ["assignee_id", "updated_at"], None),
        ("priority_status_id", ["priority", "status", "id"], None),
        ("category_status_id", ["category", "status", "id"], None),
        ("department_status_id", ["department", "status", "id"], None),
        ("claim_class_id", ["claim_class", "id"], "claim_class IS NOT NULL"),
        ("live", ["id"], live),
        ("unassigned", ["id"], "status = 'OPEN' AND assignee_id IS NULL"),
        ("queue", ["priority", "tier_rank", "next_due_at", "id"], live),
        ("own_queue", ["assignee_id", "priority", "tier_rank", "next_due_at", "id"], live),
        ("charger_id_status_id", ["charger_id", "status", "id"], None),
        ("assignee_id_next_due_at", ["assignee_id", "next_due_at", "id"], None),
        ("next_due_at", ["next_due_at", "id"], None),
    ):
        only = sa.text(rows) if rows else None
        op.create_index(f"ix_ticket_{name}", "ticket", columns, postgresql_where=only, sqlite_where=only)


def _sums() -> None:
    """What is asked for often is kept as sums; those of the past are counted once, by days in UTC."""
    op.create_table(
        "tally",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally")),
    )
    op.create_index("ix_tally_what_day", "tally", ["what", "day"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    day = "substr({0}, 1, 10)" if sqlite else "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    for what, key, moment, rows in (
        ("tickets", "status", None, "ticket"),
        ("opened", "''", "created_at", "ticket"),
        ("resolved", "''", "resolved_at", "ticket WHERE resolved_at IS NOT NULL"),
        ("messages", "category", "received_at", "message WHERE direction = 'inbound' AND category IS NOT NULL"),
    ):
        on = day.format(moment) if moment else "''"
        op.execute(
            f"INSERT INTO tally (what, key, day, change) "  # noqa: S608 - our own words
            f"SELECT '{what}', sums.name, sums.at, count(*) "
            f"FROM (SELECT {key} AS name, {on} AS at FROM {rows}) AS sums GROUP BY sums.name, sums.at"
        )
    trouble = sa.text("state IN ('dead', 'unknown')")
    op.create_index("ix_outbox_trouble", "outbox", ["id"], postgresql_where=trouble, sqlite_where=trouble)
    op.create_index("ix_procedure_run_created_at", "procedure_run", ["created_at"])


def _cards() -> None:
    """One message for each matter in each of the team's chats; pages that are repeated until somebody answers."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("team_alert") as table:
        table.add_column(sa.Column("paged_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("pages", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("page_again_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("team_alert") as table:
        table.alter_column("pages", server_default=None)
    op.create_table(
        "team_card",
        sa.Column("id", big, nullable=False),
        sa.Column("team_chat_id", big, nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", big, nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("face", sa.String(length=64), nullable=False),
        sa.Column("outbox_id", big, nullable=True),
        sa.Column("ping_alert_id", big, nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("snoozed_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ping_alert_id"], ["team_alert.id"], name=op.f("fk_team_card_ping_alert_id_team_alert")),
        sa.ForeignKeyConstraint(["team_chat_id"], ["team_chat.id"], name=op.f("fk_team_card_team_chat_id_team_chat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_card")),
        sa.UniqueConstraint(
            "team_chat_id", "subject_kind", "subject_id",
            name=op.f("uq_team_card_team_chat_id_subject_kind_subject_id"),
        ),
    )  # fmt: skip
    op.create_index("ix_team_card_subject", "team_card", ["subject_kind", "subject_id"])
    op.create_index("ix_team_card_chat_provider_id", "team_card", ["team_chat_id", "provider_id"])
    op.create_index("ix_team_card_outbox_id", "team_card", ["outbox_id"])
    op.create_index("ix_team_card_state_updated_at", "team_card", ["state", "updated_at"])
    op.create_table(
        "card_touch",
        sa.Column("id", big, nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", big, nullable=False),
        sa.Column("ping", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_touch")),
    )
    for name, table_name, columns, rows in (
        ("ix_team_card_wanted", "team_card", ["team_chat_id", "id"], "wanted > made"),
        ("ix_team_alert_page_again_at", "team_alert", ["page_again_at"], "page_again_at IS NOT NULL"),
        ("ix_outbox_team_created_at", "outbox", ["created_at"], "channel = 'team'"),
    ):
        only = sa.text(rows)
        op.create_index(name, table_name, columns, postgresql_where=only, sqlite_where=only)
    op.create_table(
        "poll_lease",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_poll_lease")),
    )
    op.create_table(
        "phone_link",
        sa.Column("id", big, nullable=False),
        sa.Column("conversation_id", big, nullable=False),
        sa.Column("contact_id", big, nullable=False),
        sa.Column("before_contact_id", big, nullable=False),
        sa.Column("message_id", big, nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_phone_link_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_phone_link_contact_id_contact")),
        sa.ForeignKeyConstraint(
            ["before_contact_id"], ["contact.id"], name=op.f("fk_phone_link_before_contact_id_contact")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_phone_link_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_link")),
    )
    for column in ("conversation_id", "contact_id", "before_contact_id", "message_id"):
        op.create_index(op.f(f"ix_phone_link_{column}"), "phone_link", [column])
    op.create_table(
        "force_charge",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("charger_id", sa.String(length=48), nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id_tag", sa.String(length=36), nullable=False),
        sa.Column("limit_s", sa.Integer(), nullable=True),
        sa.Column("limit_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stop_tries", sa.Integer(), nullable=False),
        sa.Column("stop_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("door", sa.String(length=200), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["procedure_run.id"], name=op.f("fk_force_charge_run_id_procedure_run")),
        sa.ForeignKeyConstraint(["charger_id"], ["charger.id"], name=op.f("fk_force_charge_charger_id_charger")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_force_charge_contact_id_contact")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_force_charge_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_force_charge")),
        sa.UniqueConstraint("run_id", name=op.f("uq_force_charge_run_id")),
    )
    op.create_index(op.f("ix_force_charge_transaction_id"), "force_charge", ["transaction_id"])
    op.create_index(
        "ix_force_charge_open", "force_charge", ["id"], postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
