"""The outbox keeps the sealed message between tries; addresses that bounce; when a worker was last seen."""

import sqlalchemy as sa
from alembic import op

revision = "0007_grow_outbox"
down_revision = "0006_create_clinics"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("outbox", recreate="always") as outbox:
        outbox.add_column(sa.Column("group_id", sa.Uuid(), nullable=True))
        outbox.add_column(sa.Column("is_named", sa.Boolean(), server_default=sa.false(), nullable=False))
        outbox.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
        outbox.add_column(sa.Column("settled_at", INSTANT, nullable=True))
    op.execute("UPDATE outbox SET settled_at = coalesce(sent_at, created_at) WHERE due_at IS NULL")
    with op.batch_alter_table("outbox") as outbox:
        outbox.create_check_constraint(
            op.f("ck_outbox_due_until_settled"), "(due_at IS NULL) = (settled_at IS NOT NULL)"
        )
        outbox.create_check_constraint(
            op.f("ck_outbox_emptied_when_settled"), "settled_at IS NULL OR sealed IS NULL"
        )
        outbox.create_index("ix_outbox_group_id", ["group_id"])
    op.create_table(
        "mail_addresses",
        sa.Column("address_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("hard_bounces", sa.Integer(), nullable=False),
        sa.Column("last_code", sa.Integer(), nullable=True),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("switched_off_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("address_hash", name="pk_mail_addresses"),
        sa.CheckConstraint("hard_bounces >= 0", name="ck_mail_addresses_hard_bounces_not_negative"),
    )
    op.create_table(
        "worker_marks",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker_marks"),
        sa.CheckConstraint("id = 1", name="ck_worker_marks_only_one"),
    )


def downgrade() -> None:
    op.drop_table("worker_marks")
    op.drop_table("mail_addresses")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_index("ix_outbox_group_id")
        outbox.drop_constraint(op.f("ck_outbox_due_until_settled"), type_="check")
        outbox.drop_constraint(op.f("ck_outbox_emptied_when_settled"), type_="check")
        for column in ("settled_at", "sealed", "is_named", "group_id"):
            outbox.drop_column(column)
