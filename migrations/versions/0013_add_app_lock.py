"""The app lock: who wants it and with what it opens, and per session when its person was last here."""

import sqlalchemy as sa
from alembic import op

revision = "0013_add_app_lock"
down_revision = "0012_create_push"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "app_locks",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=True),
        sa.Column("by_passkey", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_app_locks"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_app_locks_account_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("pin_hash IS NOT NULL OR by_passkey", name="ck_app_locks_opens"),
    )
    anew = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("sessions", recreate=anew) as sessions:
        sessions.add_column(sa.Column("here_at", INSTANT, nullable=True))
        sessions.add_column(sa.Column("locked_at", INSTANT, nullable=True))
        sessions.add_column(sa.Column("pin_tries", sa.SmallInteger(), server_default="0", nullable=False))
        sessions.create_check_constraint(op.f("ck_sessions_pin_tries_not_negative"), "pin_tries >= 0")


def downgrade() -> None:
    kept = op.get_bind().execute(sa.text("SELECT count(*) FROM app_locks")).scalar_one()
    if kept:
        raise RuntimeError(
            f"{kept} accounts have the app lock on. The older version would show their journals on a phone that was "
            "left alone. Restore the backup that was made before the upgrade instead."
        )
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_constraint("ck_sessions_pin_tries_not_negative", type_="check")
        for column in ("pin_tries", "locked_at", "here_at"):
            sessions.drop_column(column)
    op.drop_table("app_locks")
