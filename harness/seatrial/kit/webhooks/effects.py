"""Business keys: an effect that may happen once, whichever of several events (or a page of the app) asks for it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, func
from sqlalchemy.orm import Session

from seatrial.kit.transactions import Clock, insert, inserted, utcnow

NAME = "webhook_effects"
LONGEST = 255


class Effects:
    """A table of its own, so that an effect needs no column of its own.

    `checkout.session.completed`, `checkout.session.async_payment_succeeded` and the page behind the checkout all call
    `effects.first(session, f"{checkout_id}:fulfil")`; one of them gets True.
    """

    def __init__(self, metadata: MetaData, *, table_name: str = NAME, clock: Clock = utcnow) -> None:
        key = f"{metadata.schema}.{table_name}" if metadata.schema else table_name
        self._clock = clock
        self.table = (
            metadata.tables[key]
            if key in metadata.tables
            else Table(
                table_name,
                metadata,
                Column("id", Integer, primary_key=True),
                Column("effect_key", String(LONGEST), nullable=False, unique=True),
                Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
            )
        )

    def first(self, session: Session, key: str) -> bool:
        """Whether the effect is the caller's to cause, in the session's transaction: it holds if that is committed.

        On PostgreSQL a twin waits here until the other's transaction ends (READ COMMITTED).

        Raises:
            ValueError: The key is empty or longer than 255 characters.
        """
        if not 0 < len(key) <= LONGEST:
            raise ValueError(f"an effect's key has 1 to {LONGEST} characters, not {len(key)}")
        now: datetime = self._clock()
        new = insert(session, self.table).values(effect_key=key, created_at=now)
        return inserted(session, new.on_conflict_do_nothing(index_elements=[self.table.c.effect_key]))
