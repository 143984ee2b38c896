"""The rows as people see them: listed, counted, requeued, purged; and the conditions that everything shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, MetaData, Table, and_, delete, func, select, update

from seatrial.kit.transactions import Clock, SessionSource, aware, changed, opened, utcnow
from seatrial.kit.webhooks.table import NAME, stripe_events_table

KEPT = timedelta(days=30)
"""As long as Stripe can send an event again, its row must be known."""


@dataclass(frozen=True)
class Entry:
    """One row, for people and for the worker."""

    event_id: str
    event_type: str
    account: str | None
    status: str
    attempts: int
    next_attempt_at: datetime | None
    processed_at: datetime | None
    error_message: str | None
    conflicts: int
    created_at: datetime


class Records:
    """The table, read and tidied up."""

    def __init__(
        self, session: SessionSource, metadata: MetaData, *, table_name: str = NAME, clock: Clock = utcnow
    ) -> None:
        self.table: Table = stripe_events_table(metadata, table_name)
        self.clock = clock
        self._session = session

    def entries(self, *statuses: str, limit: int = 100) -> list[Entry]:
        """Rows with one of these statuses, the newest first."""
        with opened(self._session) as session:
            rows = session.execute(
                select(self.table)
                .where(self.table.c.status.in_(statuses))
                .order_by(self.table.c.id.desc())
                .limit(limit)
            ).all()
            session.rollback()
            return [entry_of(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Number of rows by status."""
        with opened(self._session) as session:
            rows = session.execute(select(self.table.c.status, func.count()).group_by(self.table.c.status)).all()
            session.rollback()
            return {row[0]: row[1] for row in rows}

    def requeue(self, event_id: str) -> str | None:
        """Let workers try a dead or failed event again, now, with all its attempts.

        Returns the status it had; only `dead` and `failed` are changed. None: there is no such event.
        """
        table = self.table
        with opened(self._session) as session:
            status = session.scalar(select(table.c.status).where(self._is(event_id)).with_for_update())
            if status in ("dead", "failed"):
                session.execute(
                    update(table)
                    .where(self._is(event_id), table.c.status == status)
                    .values(status="pending", attempts=0, claim=None, next_attempt_at=self.clock())
                )
            session.commit()
            return status

    def purge(self, older_than: timedelta) -> int:
        """Remove processed rows; how many.

        Raises:
            ValueError: `older_than` is less than the 30 days within which an event can come again.
        """
        if older_than < KEPT:
            raise ValueError(f"processed events must be kept for {KEPT.days} days: Stripe can send them again")
        with opened(self._session) as session:
            done = delete(self.table).where(
                self.table.c.status == "processed", self.table.c.processed_at < self.clock() - older_than
            )
            number = changed(session, done)
            session.commit()
            return number

    # Conditions

    def _is(self, event_id: str) -> ColumnElement[bool]:
        return self.table.c.stripe_event_id == event_id

    @property
    def _held(self) -> ColumnElement[bool]:
        return self.table.c.status == "processing"

    def _alive(self, now: datetime) -> ColumnElement[bool]:
        """Of a claim: its lease is not over."""
        return and_(self.table.c.next_attempt_at.is_not(None), self.table.c.next_attempt_at > now)

    def _due(self, now: datetime) -> ColumnElement[bool]:
        return and_(self.table.c.status.in_(("pending", "failed", "processing")), self.table.c.next_attempt_at <= now)


def entry_of(row: Any) -> Entry:
    """A row of the table."""
    return Entry(
        row.stripe_event_id,
        row.event_type,
        row.account,
        row.status,
        row.attempts,
        aware(row.next_attempt_at),
        aware(row.processed_at),
        row.error_message,
        row.conflicts,
        aware(row.created_at) or utcnow(),
    )
