"""Web push. Going back drops it: phones have to be turned on anew then, and reminders come by mail meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "0012_create_push"
down_revision = "0011_sign_in_by_touch_and_link"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def _account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id"], ["accounts.id"], name=f"fk_{table}_account_id", ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "push_keys",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("public_key", sa.LargeBinary(65), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push_keys"),
        sa.CheckConstraint("id = 1", name="ck_push_keys_only_one"),
    )
    op.create_table(
        "push_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("endpoint_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_success_at", INSTANT, nullable=True),
        sa.Column("last_note_id", sa.Uuid(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push_devices"),
        _account("push_devices"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_push_devices_session_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("endpoint_hash", name="uq_push_devices_endpoint_hash"),
        sa.CheckConstraint("failures >= 0", name="ck_push_devices_failures_not_negative"),
    )
    op.create_index("ix_push_devices_account_id", "push_devices", ["account_id"])
    op.create_index("ix_push_devices_session_id", "push_devices", ["session_id"])
    op.create_table(
        "push_quiet_hours",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("from_hour", sa.SmallInteger(), nullable=False),
        sa.Column("until_hour", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_push_quiet_hours"),
        _account("push_quiet_hours"),
        sa.CheckConstraint("from_hour BETWEEN 0 AND 23", name="ck_push_quiet_hours_from_hour_in_range"),
        sa.CheckConstraint("until_hour BETWEEN 0 AND 23", name="ck_push_quiet_hours_until_hour_in_range"),
    )
    op.create_table(
        "push_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("day_ends_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("taken_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_push_notes"),
        _account("push_notes"),
        sa.CheckConstraint("attempts >= 0", name="ck_push_notes_attempts_not_negative"),
        sa.CheckConstraint(
            "(due_at IS NULL) = (settled_at IS NOT NULL)", name="ck_push_notes_due_until_settled"
        ),
    )
    for column in ("account_id", "due_at", "settled_at"):
        op.create_index(f"ix_push_notes_{column}", "push_notes", [column])


def downgrade() -> None:
    for table in ("push_notes", "push_quiet_hours", "push_devices", "push_keys"):
        op.drop_table(table)
