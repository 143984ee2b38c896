"""`IdempotencyKeys`: a request that is repeated with its key has its effect once, and gets the first answer again.

The key's row, the answer and the effect are committed together, so a crash leaves all of them or none, and no lock
that somebody has to break.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, MetaData, and_, delete, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.exceptions import Conflict, HTTPException, Unauthorized, UnprocessableEntity

from seatrial.kit.idempotency.header import fingerprint, read_key
from seatrial.kit.idempotency.table import NAME, idempotency_keys_table
from seatrial.kit.transactions import (
    Clock,
    SessionSource,
    changed,
    commits_refused,
    dialect,
    insert,
    inserted,
    opened,
    utcnow,
)

P = ParamSpec("P")

KEPT_HEADERS = ("Content-Type", "Content-Language", "Location", "ETag", "Link")
"""Of the answer, these are stored; cookies and what hooks add belong to the single response."""
LARGEST = 1024 * 1024
REPLAYED = "Idempotent-Replayed"
"""Header of an answer that was stored."""


class KeyReused(UnprocessableEntity):
    """422: the key came before with another request."""

    error_code = "IDEMPOTENCY_KEY_REUSED"


class KeyInFlight(Conflict):
    """409: the first request with this key is still being processed."""

    error_code = "IDEMPOTENCY_KEY_IN_FLIGHT"

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*args, **kwargs), ("Retry-After", "1")]


class IdempotencyKeys:
    """The table, and the decorator of views.

    `session` gives the one that the views use. `owner` says who asks (a user's id, an API token): keys of different
    owners never meet. `ttl` is how long an answer is kept. `reused` and `in_flight` are the exceptions of the two
    refusals, for APIs that answer other codes.
    """

    def __init__(
        self,
        session: SessionSource,
        metadata: MetaData,
        *,
        owner: Callable[[], object],
        ttl: timedelta = timedelta(hours=24),
        strict: bool = False,
        reused: type[HTTPException] = KeyReused,
        in_flight: type[HTTPException] = KeyInFlight,
        table_name: str = NAME,
        clock: Clock = utcnow,
    ) -> None:
        if isinstance(session, sessionmaker):
            raise TypeError(
                "IdempotencyKeys needs the session that the views use, not a maker of new ones: "
                "give it db.session or a scoped_session"
            )
        self.table = idempotency_keys_table(metadata, table_name)
        self._session, self._owner, self._ttl, self._strict, self._clock = session, owner, ttl, strict, clock
        self._reused, self._in_flight = reused, in_flight

    def protect(self, *, required: bool = False) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
        """Decorator of a view, below the route and the log-in check. The view leaves the commit to it.

        An answer below 500 is committed with the effect and stored; an exception, or a 5xx, rolls both back, so that
        the same request can be tried again.
        """

        def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
            @wraps(view)
            def once(*args: P.args, **kwargs: P.kwargs) -> Response:
                key = read_key(request, required=required, strict=self._strict)

                def call() -> Response:
                    return make_response(current_app.ensure_sync(view)(*args, **kwargs))

                with opened(self._session) as session:
                    return self._plain(session, call) if key is None else self._keyed(session, key, call)

            return once

        return decorate

    def purge(self) -> int:
        """Remove what is older than `ttl`; how many rows."""
        with opened(self._session) as session:
            number = changed(session, delete(self.table).where(self._over(self._clock())))
            session.commit()
            return number

    def _plain(self, session: Session, call: Callable[[], Response]) -> Response:
        """Without a key: still one transaction, committed here."""
        with commits_refused(session, _view()):
            response = call()
        if response.status_code >= 500:
            session.rollback()
        else:
            session.commit()
        return response

    def _keyed(self, session: Session, key: str, call: Callable[[], Response]) -> Response:
        mine = self._mine(key)
        sent = fingerprint(request)
        if not self._claim(session, key, sent):
            return self._answered(session, mine, sent)
        with commits_refused(session, _view()):
            response = call()
            if response.status_code < 500:
                session.flush()
        if response.status_code >= 500:
            session.rollback()
            return response
        stored = changed(session, update(self.table).where(mine).values(**_stored(response)))
        if not stored:
            # The view rolled back by itself, and the key's row went with it: nothing after that may stay alone.
            session.rollback()
            if response.status_code >= 400:
                return response
            raise RuntimeError(f"{_view()} rolled the transaction back and then succeeded: use begin_nested() instead")
        session.commit()
        return response

    def _claim(self, session: Session, key: str, sent: str) -> bool:
        """Whether the key is new. In the request's transaction: who dies holds nothing.

        Raises:
            HTTPException: `in_flight`, where another request holds the key.
        """
        now, owner = self._clock(), self._scope()
        try:
            if dialect(session, self.table) == "postgresql" and not session.scalar(_lock(owner, key)):
                raise self._in_flight("The first request with this key is still being processed.")
            session.execute(delete(self.table).where(self._mine(key), self._over(now)))
            new = insert(session, self.table).values(owner=owner, key=key, fingerprint=sent, created_at=now)
            return inserted(session, new.on_conflict_do_nothing(index_elements=[self.table.c.owner, self.table.c.key]))
        except OperationalError as error:
            if dialect(session, self.table) != "sqlite":
                raise
            # SQLite has one writer, and no lock by key: whoever writes may be our twin.
            raise self._in_flight("Another request is being processed.") from error

    def _answered(self, session: Session, mine: ColumnElement[bool], sent: str) -> Response:
        row = session.execute(select(self.table).where(mine)).first()
        session.rollback()
        if row is None or row.status is None:
            raise self._in_flight("The first request with this key is still being processed.")
        if row.fingerprint != sent:
            raise self._reused("This key came before with another request.")
        response = current_app.response_class(bytes(row.body), row.status)
        response.headers.clear()
        response.headers.extend([(name, value) for name, value in json.loads(row.headers)])
        response.headers["Content-Length"] = str(len(row.body))
        response.headers[REPLAYED] = "true"
        return response

    def _mine(self, key: str) -> ColumnElement[bool]:
        return and_(self.table.c.owner == self._scope(), self.table.c.key == key)

    def _scope(self) -> str:
        """Hashed: what says who asks may be a secret."""
        owner = self._owner()
        if owner is None:
            raise Unauthorized("An idempotency key needs somebody it belongs to.")
        return hashlib.sha256(str(owner).encode("utf-8", "replace")).hexdigest()

    def _over(self, now: datetime) -> ColumnElement[bool]:
        return self.table.c.created_at <= now - self._ttl


def _lock(owner: str, key: str) -> Any:
    """PostgreSQL's lock by number, held until the transaction ends, however it ends."""
    digest = hashlib.sha256(f"{owner}:{key}".encode()).digest()
    return select(func.pg_try_advisory_xact_lock(int.from_bytes(digest[:8], "big", signed=True)))


def _stored(response: Response) -> dict[str, object]:
    response.direct_passthrough = False  # what is a file on disk must be read to be stored
    body = response.get_data()
    if len(body) > LARGEST:
        raise RuntimeError(f"{_view()} answered {len(body)} bytes; with a key at most {LARGEST} can be stored")
    kept = [(name, value) for name in KEPT_HEADERS for value in response.headers.getlist(name)]
    return {"status": response.status_code, "headers": json.dumps(kept), "body": body}


def _view() -> str:
    return f"the view {request.endpoint}"
