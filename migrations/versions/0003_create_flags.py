"""Questionnaires, urinary checks, safety plans and safety checks in the log; flags beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0003_create_flags"
down_revision = "0002_create_entries"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BEFORE = ("check-in", "note", "infusion", "after-infusion", "plan", "profile")
ADDED = ("questionnaire", "urinary-check", "safety-plan", "safety-check")


def upgrade() -> None:
    allow_kinds(BEFORE + ADDED)
    op.create_table(
        "flags",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("cause_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("help_on", sa.Date(), nullable=True),
        sa.Column("help_seen_at", INSTANT, nullable=True),
        sa.Column("again_on", sa.Date(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "id", name="pk_flags"),
        sa.ForeignKeyConstraint(
            ["patient_id", "entry_id"],
            ["entries.patient_id", "entries.id"],
            name="fk_flags_patient_id_entry_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "urgency IN ('emergency', 'safety', 'urgent', 'review')", name="ck_flags_urgency_known"
        ),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="ck_flags_state_known"),
        sa.UniqueConstraint("patient_id", "cause_hash", name="uq_flags_patient_id_cause_hash"),
    )


def downgrade() -> None:
    here = op.get_bind()
    added = ", ".join(f"'{kind}'" for kind in ADDED)
    kept = here.execute(sa.text(f"SELECT count(*) FROM entries WHERE kind IN ({added})")).scalar_one()
    raised = here.execute(sa.text("SELECT count(*) FROM flags")).scalar_one()
    if kept or raised:
        raise RuntimeError(
            f"This journal holds {kept} questionnaires, safety plans or checks and {raised} flags, which the older "
            "version can't keep. Restore the backup that was made before the upgrade instead."
        )
    op.drop_table("flags")
    allow_kinds(BEFORE)


def allow_kinds(kinds: tuple[str, ...]) -> None:
    """SQLite makes the table anew for this. The foreign keys are off meanwhile (env.py), or dropping the old table
    would take every revision along."""
    words = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("entries", table_kwargs={"sqlite_with_rowid": False}) as entries:
        entries.drop_constraint("ck_entries_kind_known", type_="check")
        entries.create_check_constraint("ck_entries_kind_known", f"kind IN ({words})")
