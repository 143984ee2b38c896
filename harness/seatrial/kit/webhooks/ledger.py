"""`WebhookLedger`: every event applied once, whatever dies in between.

One delivery is one transaction: the row is inserted first (a twin waits there), claimed by a conditional UPDATE, the
event is processed, the row is marked, and all of it is committed together. What fails is rolled back and then recorded
in a transaction of its own.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import MetaData, and_, not_, or_, select, update
from sqlalchemy.orm import Session

from seatrial.kit.transactions import (
    Clock,
    SessionSource,
    aware,
    changed,
    commits_refused,
    insert,
    opened,
    undo,
    utcnow,
)
from seatrial.kit.webhooks.backoff import Backoff
from seatrial.kit.webhooks.event import WebhookEvent
from seatrial.kit.webhooks.failure import ClaimLost, described
from seatrial.kit.webhooks.records import Entry, Records, entry_of
from seatrial.kit.webhooks.result import WebhookResult, result
from seatrial.kit.webhooks.table import NAME

log = logging.getLogger(__name__)

Process = Callable[[Session, WebhookEvent], bool]
"""Applies an event in the session given, without a commit. False: there is nothing to do for events of this type."""


@dataclass(frozen=True)
class Claim:
    """A worker's hold on one event, until its lease is over."""

    entry: Entry
    token: str


class WebhookLedger(Records):
    """The table, and every transaction on it.

    `session` is the app's own: Flask-SQLAlchemy's `db.session`, a `scoped_session` or a `sessionmaker`. `lease` must
    be longer than any handler runs: afterwards a worker's claim counts as abandoned.
    """

    def __init__(
        self,
        session: SessionSource,
        metadata: MetaData,
        *,
        table_name: str = NAME,
        backoff: Backoff | None = None,
        lease: timedelta = timedelta(minutes=10),
        clock: Clock = utcnow,
    ) -> None:
        super().__init__(session, metadata, table_name=table_name, clock=clock)
        self.backoff = backoff or Backoff()
        self._lease = lease

    # Deliveries

    def deliver(self, event: WebhookEvent, process: Process) -> WebhookResult:
        """Apply an event that was delivered, unless it was already; never raises for what the handler raises."""
        with opened(self._session) as session:
            try:
                token = self._claim_delivery(session, event)
                if token is None:
                    return self._known(session, event)
                found = self._apply(session, event, token, process)
                session.commit()
            except Exception as error:
                undo(session)
                log.exception("Event %s (%s) failed", event.id, event.type)
                return self._record_failed_delivery(session, event, error)
            return found

    def _claim_delivery(self, session: Session, event: WebhookEvent) -> str | None:
        """Insert first, then claim: an UPDATE locks on PostgreSQL and on SQLite, unlike FOR UPDATE."""
        table, now, token = self.table, self.clock(), secrets.token_hex(16)
        session.execute(
            insert(session, table)
            .values(
                stripe_event_id=event.id,
                event_type=event.type,
                account=event.account,
                status="pending",
                payload_hash=event.payload_hash,
                attempts=0,
                created_at=now,
            )
            .on_conflict_do_nothing(index_elements=[table.c.stripe_event_id])
        )
        # A delivery is always a try: next_attempt_at holds back workers only.
        open_now = or_(table.c.status.in_(("pending", "failed", "dead")), and_(self._held, not_(self._alive(now))))
        claimed = changed(
            session,
            update(table)
            .where(self._is(event.id), table.c.payload_hash == event.payload_hash, open_now)
            .values(status="processing", attempts=table.c.attempts + 1, claim=token),
        )
        return token if claimed else None

    def _known(self, session: Session, event: WebhookEvent) -> WebhookResult:
        """An event that is done, in work elsewhere, or another payload under the same id."""
        columns = self.table.c
        row = session.execute(
            select(columns.status, columns.payload_hash, columns.processed_at).where(self._is(event.id))
        ).first()
        session.rollback()
        if row is None:  # removed this very moment
            return result("in_progress")
        if row.payload_hash != event.payload_hash:
            self._record_conflict(session, event)
            return result("conflict" if row.status == "processed" else "conflict_open", aware(row.processed_at))
        if row.status == "processed":
            return result("duplicate", aware(row.processed_at))
        return result("in_progress")

    def _apply(self, session: Session, event: WebhookEvent, token: str, process: Process) -> WebhookResult:
        """Process and mark. The caller commits; nobody else may."""
        with commits_refused(session, f"the handler of {event.type}"):
            handled = process(session, event)
            session.flush()
        now = self.clock()
        marked = changed(
            session,
            update(self.table)
            .where(self._is(event.id), self.table.c.claim == token, self.table.c.status == "processing")
            .values(status="processed", processed_at=now, next_attempt_at=None, error_message=None, claim=None),
        )
        if not marked:
            raise ClaimLost("another process has taken the event, or the handler rolled the transaction back")
        return result("processed" if handled else "ignored", now)

    # Records, each in a transaction of its own

    def _record_failed_delivery(self, session: Session, event: WebhookEvent, error: Exception) -> WebhookResult:
        """An upsert, because the row went with the rollback. Never takes a processed row back: the answer of a commit
        may be lost, and a twin may have won. Leaves a worker's living claim alone."""
        table, now, text = self.table, self.clock(), described(error)
        try:
            tried = (session.scalar(select(table.c.attempts).where(self._is(event.id))) or 0) + 1
            dead = self.backoff.exhausted(tried)
            outcome = {
                "status": "dead" if dead else "failed",
                "error_message": text,
                "next_attempt_at": None if dead else now + self.backoff.delay(tried),
                "claim": None,
            }
            session.execute(
                insert(session, table)
                .values(
                    stripe_event_id=event.id,
                    event_type=event.type,
                    account=event.account,
                    payload_hash=event.payload_hash,
                    attempts=1,
                    created_at=now,
                    **outcome,
                )
                .on_conflict_do_update(
                    index_elements=[table.c.stripe_event_id],
                    set_={**outcome, "attempts": table.c.attempts + 1},
                    where=and_(
                        table.c.payload_hash == event.payload_hash,
                        table.c.status != "processed",
                        not_(and_(self._held, self._alive(now))),
                    ),
                )
            )
            session.commit()
        except Exception:
            undo(session)
            log.exception("The failure of event %s could not be recorded", event.id)
            return result("failed")
        return result("dead" if dead else "failed")

    def _record_conflict(self, session: Session, event: WebhookEvent) -> None:
        log.warning("Event %s (%s) came again with another payload: recorded, not applied", event.id, event.type)
        try:
            session.execute(
                update(self.table)
                .where(self._is(event.id))
                .values(conflicts=self.table.c.conflicts + 1, conflict_hash=event.payload_hash)
            )
            session.commit()
        except Exception:
            undo(session)
            log.exception("The conflict of event %s could not be recorded", event.id)

    # Workers

    def due(self, limit: int) -> list[str]:
        """Ids of the events that a worker should try now, the longest waiting first."""
        with opened(self._session) as session:
            now = self.clock()
            found = session.scalars(
                select(self.table.c.stripe_event_id)
                .where(self._due(now))
                .order_by(self.table.c.next_attempt_at, self.table.c.id)
                .limit(limit)
            ).all()
            session.rollback()
            return list(found)

    def claim(self, event_id: str) -> Claim | None:
        """Take a due event, committed, until the lease is over; None where another was faster.

        An event whose every attempt was abandoned is a dead letter here: it takes its workers with it.
        """
        table, now, token = self.table, self.clock(), secrets.token_hex(16)
        with opened(self._session) as session:
            # Locked rows are somebody's work in progress: a worker has other events to try meanwhile.
            row = session.execute(
                select(table).where(self._is(event_id), self._due(now)).with_for_update(skip_locked=True)
            ).first()
            if row is None:
                session.rollback()
                return None
            exhausted = self.backoff.exhausted(row.attempts)
            change: dict[str, Any] = (
                {
                    "status": "dead",
                    "claim": None,
                    "next_attempt_at": None,
                    "error_message": "abandoned: its worker died",
                }
                if exhausted
                else {
                    "status": "processing",
                    "claim": token,
                    "attempts": table.c.attempts + 1,
                    "next_attempt_at": now + self._lease,
                }
            )
            taken = changed(session, update(table).where(self._is(event_id), self._due(now)).values(**change))
            session.commit()
            if not taken:
                return None
            if exhausted:
                log.error("Event %s (%s) is a dead letter: its workers died", event_id, row.event_type)
                return None
            return Claim(entry_of(row), token)

    def work(self, claim: Claim, event: WebhookEvent, process: Process) -> WebhookResult:
        """Apply an event that was claimed. Raises what the handler raises, with everything rolled back."""
        with opened(self._session) as session:
            found = self._apply(session, event, claim.token, process)
            session.commit()
            return found

    def release(self, claim: Claim, error: Exception, *, final: bool = False) -> WebhookResult:
        """Record that a claimed event failed; its attempt was counted with the claim. `final`: never try it again."""
        table, tried = self.table, claim.entry.attempts + 1
        dead = final or self.backoff.exhausted(tried)
        with opened(self._session) as session:
            changed(
                session,
                update(table)
                .where(self._is(claim.entry.event_id), table.c.claim == claim.token, table.c.status == "processing")
                .values(
                    status="dead" if dead else "failed",
                    error_message=described(error),
                    next_attempt_at=None if dead else self.clock() + self.backoff.delay(tried),
                    claim=None,
                ),
            )
            session.commit()
        return result("dead" if dead else "failed")
