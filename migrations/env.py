"""Runs the migrations on the connection it is given, one transaction for all."""

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

import migrations.rls  # registers the wall with alembic  # noqa: F401  # pyright: ignore[reportUnusedImport]
import models.registry  # every table  # noqa: F401  # pyright: ignore[reportUnusedImport]
from models.base import Base


def run(connection: Connection) -> None:
    """Upgrade on this connection; a lock that does not come in 5 s gives up rather than blocks."""
    connection.execute(text("set lock_timeout = '5s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


_given: Connection | None = context.config.attributes.get("connection")
if _given is not None:
    run(_given)
else:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    with create_engine(url, poolclass=NullPool).connect() as _connection:
        run(_connection)
