"""The table `idempotency_keys`: one row per key that was used, with the answer it got."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint, func

NAME = "idempotency_keys"


def idempotency_keys_table(metadata: MetaData, name: str = NAME) -> Table:
    """The table in the app's metadata, made by the first call.

    `owner` is a hash of who asked; `status`, `headers` and `body` are the stored answer, empty only within the
    transaction of the first request.
    """
    qualified = f"{metadata.schema}.{name}" if metadata.schema else name
    if qualified in metadata.tables:
        return metadata.tables[qualified]
    return Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        Column("owner", String(64), nullable=False),
        Column("key", String(255), nullable=False),
        Column("fingerprint", String(64), nullable=False),
        Column("status", Integer),
        Column("headers", Text),
        Column("body", LargeBinary),
        Column("created_at", DateTime(timezone=True), nullable=False, index=True, server_default=func.now()),
        UniqueConstraint("owner", "key"),
    )
