"""What phones have sent, so that each operation happens once. Going back forgets it: a phone that sends again what was
kept before is then told apart by its content."""

import sqlalchemy as sa
from alembic import op

revision = "0010_create_sync"
down_revision = "0009_create_digests"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sync_operations",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "id", name="pk_sync_operations"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_sync_operations_patient_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("patient_id", "number", name="uq_sync_operations_patient_id_number"),
        sa.CheckConstraint("revision >= 0", name="ck_sync_operations_revision_not_negative"),
        sa.CheckConstraint("number >= 1", name="ck_sync_operations_number_positive"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sync_operations_received_at", "sync_operations", ["received_at"])
    op.create_table(
        "data_epochs",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_epochs"),
        sa.CheckConstraint("id = 1", name="ck_data_epochs_only_one"),
    )


def downgrade() -> None:
    op.drop_table("data_epochs")
    op.drop_table("sync_operations")
