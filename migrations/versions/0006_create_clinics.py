"""Clinics with staff and invitations, shares that a clinic follows by, and flags as a clinic has them."""

import sqlalchemy as sa
from alembic import op

revision = "0006_create_clinics"
down_revision = "0005_create_shares"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEPT = "the access log is kept as it is"
TRIGGERS = (
    "CREATE TRIGGER access_reads_unchanged BEFORE UPDATE ON access_reads "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
    "CREATE TRIGGER access_reads_kept BEFORE DELETE ON access_reads "
    "WHEN EXISTS (SELECT 1 FROM accounts WHERE id = OLD.patient_id) "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
)
SHARE_WAYS = {
    "before": (
        "(way = 'person' AND invited_hash IS NOT NULL AND link_hash IS NULL AND passcode_hash IS NULL) OR "
        "(way = 'link' AND invited_hash IS NULL AND invite_hash IS NULL AND reader_id IS NULL "
        "AND link_hash IS NOT NULL AND passcode_hash IS NOT NULL)"
    ),
    "after": (
        "(way = 'person' AND invited_hash IS NOT NULL AND link_hash IS NULL AND passcode_hash IS NULL "
        "AND clinic_id IS NULL) OR "
        "(way = 'link' AND invited_hash IS NULL AND invite_hash IS NULL AND reader_id IS NULL "
        "AND link_hash IS NOT NULL AND passcode_hash IS NOT NULL AND clinic_id IS NULL) OR "
        "(way = 'clinic' AND invited_hash IS NULL AND invite_hash IS NULL AND reader_id IS NULL "
        "AND link_hash IS NULL AND passcode_hash IS NULL AND clinic_id IS NOT NULL AND accepted_at IS NOT NULL)"
    ),
}
WAYS = {"before": "way IN ('person', 'link')", "after": "way IN ('person', 'link', 'clinic')"}
SHAPES = {
    "before": "shape IN ('list', 'page', 'pdf', 'csv', 'fhir')",
    "after": "shape IN ('list', 'page', 'pdf', 'csv', 'fhir', 'flags', 'digest')",
}
FOLLOWED = sa.text("way = 'clinic' AND ended_at IS NULL")
IN_FORCE = sa.text("removed_at IS NULL")
UNDELIVERED = sa.text("delivered_at IS NULL")
FIRST = sa.text("number = 1")


def _change_access_log(to: str) -> None:
    """On SQLite the table is made anew, which loses its triggers."""
    with op.batch_alter_table("access_reads", table_kwargs={"sqlite_with_rowid": False}) as reads:
        reads.drop_constraint("ck_access_reads_way_known", type_="check")
        reads.create_check_constraint("ck_access_reads_way_known", WAYS[to])
        reads.drop_constraint("ck_access_reads_shape_known", type_="check")
        reads.create_check_constraint("ck_access_reads_shape_known", SHAPES[to])
    if op.get_bind().dialect.name == "sqlite":
        for statement in TRIGGERS:
            op.execute(statement)


def upgrade() -> None:
    _create_clinics()
    _create_staff()
    _create_invitations()
    with op.batch_alter_table("shares") as shares:
        shares.add_column(sa.Column("clinic_id", sa.Uuid(), nullable=True))
        shares.create_foreign_key("fk_shares_clinic_id", "clinics", ["clinic_id"], ["id"], ondelete="CASCADE")
        shares.drop_constraint("ck_shares_way_known", type_="check")
        shares.create_check_constraint("ck_shares_way_known", WAYS["after"])
        shares.drop_constraint("ck_shares_way_is_whole", type_="check")
        shares.create_check_constraint("ck_shares_way_is_whole", SHARE_WAYS["after"])
    op.create_index("ix_shares_clinic_id_patient_id", "shares", ["clinic_id", "patient_id"])
    op.create_index(
        "uq_shares_followed_by_one",
        "shares",
        ["patient_id"],
        unique=True,
        sqlite_where=FOLLOWED,
        postgresql_where=FOLLOWED,
    )
    _change_access_log("after")
    with op.batch_alter_table("flags", recreate="always") as flags:
        flags.add_column(sa.Column("delivered_at", INSTANT, nullable=True))
    op.create_index(
        "ix_flags_undelivered",
        "flags",
        ["told_at"],
        sqlite_where=UNDELIVERED,
        postgresql_where=UNDELIVERED,
    )
    _create_clinic_flags()
    op.create_index(
        "ix_revisions_first_received_at",
        "revisions",
        ["received_at"],
        sqlite_where=FIRST,
        postgresql_where=FIRST,
    )


def _create_clinics() -> None:
    op.create_table(
        "clinics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("after_hours", sa.Text(), nullable=False),
        sa.Column("phq", sa.Text(), nullable=True),
        sa.Column("response_plan", sa.Text(), nullable=False),
        sa.Column("plan_confirmed_at", INSTANT, nullable=True),
        sa.Column("plan_confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("digest_day", sa.SmallInteger(), nullable=False),
        sa.Column("digest_hour", sa.SmallInteger(), nullable=False),
        sa.Column("digest_due_at", INSTANT, nullable=False),
        sa.Column("look_due_at", INSTANT, nullable=False),
        sa.Column("second_contact", sa.Text(), nullable=False),
        sa.Column("acknowledge_minutes", sa.Integer(), nullable=False),
        sa.Column("rules_off", sa.Text(), nullable=False),
        sa.Column("blur_below", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clinics"),
        sa.CheckConstraint("phq IN ('phq-8', 'phq-9')", name="ck_clinics_phq_known"),
        sa.CheckConstraint(
            "phq IS NULL OR phq = 'phq-8' OR plan_confirmed_at IS NOT NULL", name="ck_clinics_plan_confirmed"
        ),
        sa.CheckConstraint("digest_day BETWEEN 0 AND 6", name="ck_clinics_digest_day_in_range"),
        sa.CheckConstraint("digest_hour BETWEEN 0 AND 23", name="ck_clinics_digest_hour_in_range"),
        sa.CheckConstraint(
            "acknowledge_minutes BETWEEN 5 AND 10080", name="ck_clinics_acknowledge_minutes_in_range"
        ),
        sa.CheckConstraint("blur_below BETWEEN 3 AND 50", name="ck_clinics_blur_below_in_range"),
    )
    op.create_index("ix_clinics_digest_due_at", "clinics", ["digest_due_at"])
    op.create_index("ix_clinics_look_due_at", "clinics", ["look_due_at"])


def _create_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_clinician", sa.Boolean(), nullable=False),
        sa.Column("is_front_desk", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("invited_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("invite_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("invite_expires_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.Column("wants_digest", sa.Boolean(), nullable=False),
        sa.Column("unsubscribe_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_staff_clinic_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_staff_account_id", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("invite_hash", name="uq_staff_invite_hash"),
        sa.UniqueConstraint("unsubscribe_hash", name="uq_staff_unsubscribe_hash"),
        sa.CheckConstraint("is_admin OR is_clinician OR is_front_desk", name="ck_staff_has_a_role"),
        sa.CheckConstraint("accepted_at IS NULL OR invite_hash IS NULL", name="ck_staff_invite_used_once"),
    )
    op.create_index("ix_staff_clinic_id", "staff", ["clinic_id"])
    op.create_index(
        "uq_staff_account_id_clinic_id",
        "staff",
        ["account_id", "clinic_id"],
        unique=True,
        sqlite_where=IN_FORCE,
        postgresql_where=IN_FORCE,
    )


def _create_invitations() -> None:
    op.create_table(
        "clinic_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("invited_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_clinic_invitations"),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name="fk_clinic_invitations_clinic_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["staff.id"], name="fk_clinic_invitations_created_by", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["accounts.id"], name="fk_clinic_invitations_answered_by", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("token_hash", name="uq_clinic_invitations_token_hash"),
        sa.CheckConstraint("way IN ('mail', 'code')", name="ck_clinic_invitations_way_known"),
        sa.CheckConstraint(
            "(way = 'mail') = (invited_hash IS NOT NULL)", name="ck_clinic_invitations_way_is_whole"
        ),
        sa.CheckConstraint(
            "answer IN ('agreed', 'declined', 'withdrawn')", name="ck_clinic_invitations_answer_known"
        ),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)", name="ck_clinic_invitations_answer_is_whole"
        ),
        sa.CheckConstraint("answer IS NULL OR token_hash IS NULL", name="ck_clinic_invitations_used_once"),
    )
    op.create_index("ix_clinic_invitations_clinic_id", "clinic_invitations", ["clinic_id"])


def _create_clinic_flags() -> None:
    op.create_table(
        "clinic_flags",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("flag_id", sa.Uuid(), nullable=True),
        sa.Column("cause_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("mailed_at", INSTANT, nullable=True),
        sa.Column("escalate_at", INSTANT, nullable=True),
        sa.Column("escalated_at", INSTANT, nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clinic_flags"),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name="fk_clinic_flags_clinic_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["accounts.id"], name="fk_clinic_flags_patient_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name="fk_clinic_flags_share_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["staff.id"], name="fk_clinic_flags_owner_id", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("clinic_id", "patient_id", "cause_hash", name="uq_clinic_flags_cause"),
        sa.CheckConstraint(
            "urgency IN ('emergency', 'safety', 'urgent', 'review')", name="ck_clinic_flags_urgency_known"
        ),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="ck_clinic_flags_state_known"),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name="ck_clinic_flags_closed_is_whole"
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_why IS NULL)", name="ck_clinic_flags_reason_is_whole"
        ),
        sa.CheckConstraint(
            "closed_why IN ('talked', 'in-treatment', 'no-need', 'mistake', 'passed-on', 'left')",
            name="ck_clinic_flags_reason_known",
        ),
        sa.CheckConstraint(
            "state <> 'acknowledged' OR acknowledged_at IS NOT NULL",
            name="ck_clinic_flags_acknowledged_is_whole",
        ),
    )
    op.create_index("ix_clinic_flags_clinic_id_state", "clinic_flags", ["clinic_id", "state"])
    op.create_index("ix_clinic_flags_patient_id", "clinic_flags", ["patient_id"])
    op.create_index("ix_clinic_flags_escalate_at", "clinic_flags", ["escalate_at"])
    op.create_table(
        "flag_steps",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(always=False),
            nullable=False,
        ),
        sa.Column("clinic_flag_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_flag_steps"),
        sa.ForeignKeyConstraint(
            ["clinic_flag_id"], ["clinic_flags.id"], name="fk_flag_steps_clinic_flag_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_flag_steps_staff_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint(
            "step IN ('raised', 'again', 'mailed', 'second-contact', 'acknowledged', 'noted', 'closed', 'reopened')",
            name="ck_flag_steps_step_known",
        ),
    )
    op.create_index("ix_flag_steps_clinic_flag_id", "flag_steps", ["clinic_flag_id"])


def downgrade() -> None:
    here = op.get_bind()
    clinics = here.execute(sa.text("SELECT count(*) FROM clinics")).scalar_one()
    if clinics:
        raise RuntimeError(
            f"This journal has {clinics} clinics, which the older version can't keep. "
            "Restore the backup that was made before the upgrade instead."
        )
    op.drop_index("ix_revisions_first_received_at", "revisions")
    op.drop_table("flag_steps")
    op.drop_table("clinic_flags")
    op.drop_index("ix_flags_undelivered", "flags")
    with op.batch_alter_table("flags") as flags:
        flags.drop_column("delivered_at")
    _change_access_log("before")
    op.drop_index("uq_shares_followed_by_one", "shares")
    op.drop_index("ix_shares_clinic_id_patient_id", "shares")
    with op.batch_alter_table("shares") as shares:
        shares.drop_constraint("ck_shares_way_is_whole", type_="check")
        shares.create_check_constraint("ck_shares_way_is_whole", SHARE_WAYS["before"])
        shares.drop_constraint("ck_shares_way_known", type_="check")
        shares.create_check_constraint("ck_shares_way_known", WAYS["before"])
        shares.drop_constraint("fk_shares_clinic_id", type_="foreignkey")
        shares.drop_column("clinic_id")
    for table in ("clinic_invitations", "staff", "clinics"):
        op.drop_table(table)
