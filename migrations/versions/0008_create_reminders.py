"""Reminders to patients. Going back drops them: nobody is reminded then, and they are off until turned on again."""

import sqlalchemy as sa
from alembic import op

revision = "0008_create_reminders"
down_revision = "0007_grow_outbox"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reminders",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("cadence", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("next_due_at", INSTANT, nullable=True),
        sa.Column("last_turn_on", sa.Date(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_reminders"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_reminders_account_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="uq_reminders_token_hash"),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name="ck_reminders_hour_in_range"),
        sa.CheckConstraint("cadence IN ('daily', 'some-days', 'weekly')", name="ck_reminders_cadence_known"),
        sa.CheckConstraint(
            "(next_due_at IS NOT NULL) = (is_on AND NOT is_paused)", name="ck_reminders_due_while_on"
        ),
    )
    op.create_index("ix_reminders_next_due_at", "reminders", ["next_due_at"])


def downgrade() -> None:
    op.drop_table("reminders")
