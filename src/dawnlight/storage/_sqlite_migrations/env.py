"""Alembic's environment: runs the migrations on the connection, and in the transaction, of the caller."""

from __future__ import annotations

from alembic import context


def run_migrations() -> None:
    """Run what the caller of Alembic asked for."""
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()


# Alembic runs this file with its context set; whoever imports it as a module has none.
if hasattr(context, "config"):
    run_migrations()
