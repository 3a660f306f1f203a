"""Runs the migrations. The address comes from the journal's settings; nothing here imports the journal."""

import os

from alembic import context
from sqlalchemy import create_engine, event, pool

config = context.config
url = config.attributes.get("database_url") or os.environ["DATABASE_URL"]


def prepare(connection, _record):
    connection.isolation_level = None
    # SQLite changes a table by making it anew; with foreign keys on, dropping the old one deletes what points to it.
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


engine = create_engine(url, poolclass=pool.NullPool)
if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
    if engine.dialect.name == "sqlite":
        astray = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if astray:
            raise RuntimeError(
                f"After the migration {len(astray)} rows point to nothing. Restore the backup."
            )
