"""Passkeys that sign in alone, links that sign in, and who was offered a passkey already."""

import sqlalchemy as sa
from alembic import op

revision = "0011_sign_in_by_touch_and_link"
down_revision = "0010_create_sync"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
LINKS = "ck_mailed_links_purpose_known"
PURPOSES = "ck_challenges_purpose_known"
OWNED = "ck_challenges_owned_unless_one_touch"


def upgrade() -> None:
    op.create_table(
        "passkey_offers",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("settled_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_passkey_offers"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_passkey_offers_account_id", ondelete="CASCADE"
        ),
    )
    allow_links("'verify', 'reset', 'sign-in'")
    with op.batch_alter_table("challenges") as challenges:
        challenges.alter_column("account_id", existing_type=sa.Uuid(), nullable=True)
        challenges.drop_constraint(PURPOSES, type_="check")
        challenges.create_check_constraint(PURPOSES, "purpose IN ('register', 'sign-in', 'one-touch')")
        challenges.create_check_constraint(OWNED, "(account_id IS NULL) = (purpose = 'one-touch')")


def downgrade() -> None:
    # The older version would show such a passkey as a second step, and never ask for it.
    op.execute(
        "DELETE FROM passkeys WHERE account_id IN (SELECT id FROM accounts WHERE second_step_since IS NULL)"
    )
    op.execute("DELETE FROM challenges WHERE account_id IS NULL")
    op.execute("DELETE FROM mailed_links WHERE purpose = 'sign-in'")
    with op.batch_alter_table("challenges") as challenges:
        challenges.drop_constraint(OWNED, type_="check")
        challenges.drop_constraint(PURPOSES, type_="check")
        challenges.create_check_constraint(PURPOSES, "purpose IN ('register', 'sign-in')")
        challenges.alter_column("account_id", existing_type=sa.Uuid(), nullable=False)
    allow_links("'verify', 'reset'")
    op.drop_table("passkey_offers")


def allow_links(purposes: str) -> None:
    with op.batch_alter_table("mailed_links") as links:
        links.drop_constraint(LINKS, type_="check")
        links.create_check_constraint(LINKS, f"purpose IN ({purposes})")
