"""The second step when signing in: apps, passkeys, recovery codes, and the challenges that passkeys answer."""

import sqlalchemy as sa
from alembic import op

revision = "0004_create_second_steps"
down_revision = "0003_create_flags"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def account() -> sa.Column:
    return sa.Column("account_id", sa.Uuid(), nullable=False)


def of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id"], ["accounts.id"], name=f"fk_{table}_account_id", ondelete="CASCADE"
    )


def upgrade() -> None:
    anew = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("accounts", recreate=anew) as accounts:
        accounts.add_column(
            sa.Column("reads_others", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        accounts.add_column(sa.Column("second_step_since", INSTANT, nullable=True))
    with op.batch_alter_table("sessions", recreate=anew) as sessions:
        sessions.add_column(sa.Column("second_step_at", INSTANT, nullable=True))
    op.create_table(
        "totp_factors",
        account(),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("pending_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name="pk_totp_factors"),
        of_account("totp_factors"),
        sa.CheckConstraint(
            "(sealed IS NULL) = (confirmed_at IS NULL)", name="ck_totp_factors_confirmed_is_whole"
        ),
        sa.CheckConstraint(
            "sealed IS NOT NULL OR pending_sealed IS NOT NULL", name="ck_totp_factors_not_empty"
        ),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        account(),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        of_account("passkeys"),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
    )
    op.create_index("ix_passkeys_account_id", "passkeys", ["account_id"])
    op.create_table(
        "recovery_codes",
        account(),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name="pk_recovery_codes"),
        of_account("recovery_codes"),
    )
    op.create_table(
        "challenges",
        sa.Column("challenge_hash", sa.LargeBinary(32), nullable=False),
        account(),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name="pk_challenges"),
        of_account("challenges"),
        sa.CheckConstraint("purpose IN ('register', 'sign-in')", name="ck_challenges_purpose_known"),
    )
    op.create_index("ix_challenges_account_id", "challenges", ["account_id"])


def downgrade() -> None:
    here = op.get_bind()
    count = "SELECT count(*) FROM accounts WHERE second_step_since IS NOT NULL OR reads_others"
    kept = here.execute(sa.text(count)).scalar_one()
    if kept:
        raise RuntimeError(
            f"{kept} accounts sign in with a second step or read what others share. The older version would let them "
            "in with the passphrase alone. Restore the backup that was made before the upgrade instead."
        )
    for table in ("challenges", "recovery_codes", "passkeys", "totp_factors"):
        op.drop_table(table)
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("second_step_at")
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("second_step_since")
        accounts.drop_column("reads_others")
