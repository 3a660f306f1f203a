"""Shares, the browsers let in by a link, reviews, and the access log that nothing can change."""

import sqlalchemy as sa
from alembic import op

revision = "0005_create_shares"
down_revision = "0004_create_second_steps"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEPT = "the access log is kept as it is"
TRIGGERS = {
    "sqlite": (
        "CREATE TRIGGER access_reads_unchanged BEFORE UPDATE ON access_reads "
        f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
        "CREATE TRIGGER access_reads_kept BEFORE DELETE ON access_reads "
        "WHEN EXISTS (SELECT 1 FROM accounts WHERE id = OLD.patient_id) "
        f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION keep_access_reads() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM accounts WHERE id = OLD.patient_id) "
        "THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{KEPT}'; END $$",
        "CREATE TRIGGER access_reads_kept BEFORE UPDATE OR DELETE ON access_reads "
        "FOR EACH ROW EXECUTE FUNCTION keep_access_reads()",
    ),
}


def upgrade() -> None:
    with op.batch_alter_table("outbox", recreate="always") as outbox:
        outbox.add_column(sa.Column("subject_id", sa.Uuid(), nullable=True))
    op.create_table(
        "shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.Column("tell_me", sa.Boolean(), nullable=False),
        sa.Column("first_opened_at", INSTANT, nullable=True),
        sa.Column("seen_at", INSTANT, nullable=True),
        sa.Column("session_on", sa.Date(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("invited_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("invite_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("invite_expires_at", INSTANT, nullable=True),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("link_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("passcode_hash", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("openings_left", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_shares_patient_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["accounts.id"], name="fk_shares_reader_id", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("invite_hash", name="uq_shares_invite_hash"),
        sa.UniqueConstraint("link_hash", name="uq_shares_link_hash"),
        sa.CheckConstraint("way IN ('person', 'link')", name="ck_shares_way_known"),
        sa.CheckConstraint(
            "(way = 'person' AND invited_hash IS NOT NULL AND link_hash IS NULL AND passcode_hash IS NULL) OR "
            "(way = 'link' AND invited_hash IS NULL AND invite_hash IS NULL AND reader_id IS NULL "
            "AND link_hash IS NOT NULL AND passcode_hash IS NOT NULL)",
            name="ck_shares_way_is_whole",
        ),
        sa.CheckConstraint(
            "until IS NULL OR since IS NULL OR since <= until", name="ck_shares_days_in_order"
        ),
        sa.CheckConstraint("tries BETWEEN 0 AND 10", name="ck_shares_tries_at_most_ten"),
        sa.CheckConstraint("openings_left >= 0", name="ck_shares_openings_left_not_negative"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ck_shares_end_is_whole"),
        sa.CheckConstraint(
            "ended_why IN ('patient', 'declined', 'locked', 'reader')", name="ck_shares_ended_why_known"
        ),
        sa.CheckConstraint("accepted_at IS NULL OR invite_hash IS NULL", name="ck_shares_invite_used_once"),
    )
    op.create_index("ix_shares_patient_id", "shares", ["patient_id"])
    op.create_index("ix_shares_reader_id", "shares", ["reader_id"])
    op.create_table(
        "share_openings",
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_share_openings"),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name="fk_share_openings_share_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_share_openings_share_id", "share_openings", ["share_id"])
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("seen_up_to", INSTANT, nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name="fk_reviews_share_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_reviews_patient_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["accounts.id"], name="fk_reviews_reader_id", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_reviews_share_id", "reviews", ["share_id"])
    op.create_index("ix_reviews_patient_id_at", "reviews", ["patient_id", "at"])
    op.create_table(
        "access_reads",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "number", name="pk_access_reads"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_access_reads_patient_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("number >= 1", name="ck_access_reads_number_positive"),
        sa.CheckConstraint("way IN ('person', 'link')", name="ck_access_reads_way_known"),
        sa.CheckConstraint(
            "shape IN ('list', 'page', 'pdf', 'csv', 'fhir')", name="ck_access_reads_shape_known"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "access_heads",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="pk_access_heads"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_access_heads_patient_id", ondelete="CASCADE"
        ),
    )
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    here = op.get_bind()
    shared = here.execute(sa.text("SELECT count(*) FROM shares")).scalar_one()
    read = here.execute(sa.text("SELECT count(*) FROM access_reads")).scalar_one()
    if shared or read:
        raise RuntimeError(
            f"This journal holds {shared} shares and {read} rows of who looked, which the older version can't keep. "
            "Restore the backup that was made before the upgrade instead."
        )
    for table in ("access_heads", "access_reads", "reviews", "share_openings", "shares"):
        op.drop_table(table)
    if here.dialect.name == "postgresql":
        op.execute("DROP FUNCTION keep_access_reads()")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("subject_id")
