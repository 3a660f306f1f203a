"""The log: patients' keys, entries and their revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0002_create_entries"
down_revision = "0001_create_accounts"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KINDS = "kind IN ('check-in', 'note', 'infusion', 'after-infusion', 'plan', 'profile')"


def upgrade() -> None:
    op.create_table(
        "patient_keys",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="pk_patient_keys"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_patient_keys_patient_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "entries",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("current_revision", sa.Integer(), nullable=False),
        sa.Column("last_revision", sa.Integer(), nullable=False),
        sa.Column("settled_revision", sa.Integer(), nullable=False),
        sa.Column("beside", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "id", name="pk_entries"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_entries_patient_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("current_revision >= 1", name="ck_entries_current_revision_positive"),
        sa.CheckConstraint(
            "last_revision >= current_revision", name="ck_entries_last_revision_not_before_current"
        ),
        sa.CheckConstraint(KINDS, name="ck_entries_kind_known"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entries_patient_id_kind_day", "entries", ["patient_id", "kind", "day"])
    op.create_table(
        "revisions",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("is_beside", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("captured_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("patient_id", "entry_id", "number", name="pk_revisions"),
        sa.ForeignKeyConstraint(
            ["patient_id", "entry_id"],
            ["entries.patient_id", "entries.id"],
            name="fk_revisions_patient_id_entry_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("number >= 1", name="ck_revisions_number_positive"),
        sa.CheckConstraint("base >= 0 AND base < number", name="ck_revisions_base_before_number"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("revisions", "entries", "patient_keys"):
        op.drop_table(table)
