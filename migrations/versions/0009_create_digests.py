"""Weekly digests, their rows and to whom they went; first revisions are found by patient and time."""

import sqlalchemy as sa
from alembic import op

revision = "0009_create_digests"
down_revision = "0008_create_reminders"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FIRST = sa.text("number = 1")


def upgrade() -> None:
    # What came in in a week is looked for patient by patient: a clinic's digest doesn't read through other clinics'.
    op.drop_index("ix_revisions_first_received_at", "revisions")
    op.create_index(
        "ix_revisions_first_received_at",
        "revisions",
        ["patient_id", "received_at"],
        sqlite_where=FIRST,
        postgresql_where=FIRST,
    )
    op.create_table(
        "digests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name="fk_digests_clinic_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("clinic_id", "week", name="uq_digests_clinic_id_week"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_digests_week_has_days"),
        sa.CheckConstraint("people >= 0", name="ck_digests_people_not_negative"),
    )
    op.create_table(
        "digest_rows",
        sa.Column("digest_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest_id", "patient_id", name="pk_digest_rows"),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digests.id"], name="fk_digest_rows_digest_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_digest_rows_patient_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name="fk_digest_rows_share_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_digest_rows_patient_id", "digest_rows", ["patient_id"])
    op.create_index("ix_digest_rows_share_id", "digest_rows", ["share_id"])
    op.create_table(
        "digest_sendings",
        sa.Column("digest_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest_id", "staff_id", name="pk_digest_sendings"),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digests.id"], name="fk_digest_sendings_digest_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_digest_sendings_staff_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_digest_sendings_staff_id", "digest_sendings", ["staff_id"])


def downgrade() -> None:
    # Digests can be made again from what they were made from, as long as the shares are open.
    for table in ("digest_sendings", "digest_rows", "digests"):
        op.drop_table(table)
    op.drop_index("ix_revisions_first_received_at", "revisions")
    op.create_index(
        "ix_revisions_first_received_at",
        "revisions",
        ["received_at"],
        sqlite_where=FIRST,
        postgresql_where=FIRST,
    )
