"""The table `stripe_events`: one row per event that was seen. The row says *seen*; only `status` says *done*."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, func

Status = Literal["pending", "processing", "processed", "failed", "dead"]
"""`pending`: to be tried; `processing`: a worker holds it until `next_attempt_at`; `failed`: to be tried again;
`dead`: given up until somebody requeues it or Stripe sends it again."""

NAME = "stripe_events"
LONGEST_NAME = 255
LONGEST_ERROR = 500


def stripe_events_table(metadata: MetaData, name: str = NAME) -> Table:
    """The table in the app's metadata, made by the first call; models may take it as their `__table__`.

    Beside what says who, what and when: `claim` is the token of whoever works on the event, so that a worker whose
    lease is over cannot mark what another has taken; `account` is where a connected account's event is fetched again;
    `conflicts` and `conflict_hash` keep what came under the same id with another payload, which `error_message` would
    forget with the next success.
    """
    key = f"{metadata.schema}.{name}" if metadata.schema else name
    if key in metadata.tables:
        return metadata.tables[key]
    moment = DateTime(timezone=True)
    return Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        Column("stripe_event_id", String(LONGEST_NAME), nullable=False, unique=True),
        Column("event_type", String(LONGEST_NAME), nullable=False),
        Column("account", String(LONGEST_NAME)),
        Column("status", String(20), nullable=False, default="pending", server_default="pending"),
        Column("payload_hash", String(64), nullable=False),
        Column("attempts", Integer, nullable=False, default=0, server_default="0"),
        Column("next_attempt_at", moment, index=True),
        Column("claim", String(32)),
        Column("processed_at", moment),
        Column("error_message", String(LONGEST_ERROR)),
        Column("conflicts", Integer, nullable=False, default=0, server_default="0"),
        Column("conflict_hash", String(64)),
        Column("created_at", moment, nullable=False, server_default=func.now()),
    )
