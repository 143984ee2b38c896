"""Every error in one shape: the envelope for API clients, whatever the app shows to people.

init_errors(app, service_errors=[ServiceError], rollback=db.session.rollback)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException

from seatrial.kit.refusals import LONGEST, VALIDATION_ERROR, ErrorBody, ErrorEnvelope, Refusal, fields

__all__ = ["ErrorBody", "ErrorEnvelope", "Refusal", "error_response", "init_errors", "wants_json"]

log = logging.getLogger(__name__)

Page = Callable[[Refusal], ResponseReturnValue]
"""Shows a refusal to people."""

_CONFLICTS = {
    # PostgreSQL: unique, foreign key, exclusion. SQLite by name. MySQL by number.
    "23505", "23503", "23P01",
    "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY",
    "1062", "1451", "1452",
}  # fmt: skip
_OF_THE_BODY = frozenset({"content-type", "content-length"})


def init_errors(
    app: Flask,
    *,
    service_errors: Iterable[type[Exception]] = (),
    validation_errors: bool = True,
    rollback: Callable[[], object] | None = None,
    page: Page | None = None,
    json_for: Callable[[], bool] | None = None,
) -> None:
    """Register the handlers. Handlers that the app registers for one status, or for a narrower class, go first.

    `service_errors` are the app's own: `status` (400), `code`, `message` and `details` are read from them where they
    have them; their text is never shown. `validation_errors=False` leaves pydantic's errors alone, for apps that
    validate their own answers with it. `rollback` is called before such an error is answered. `page` shows an error to
    people; without it they get what Flask would have shown. `json_for` decides who is an API client (`wants_json`).
    """
    asked = json_for or wants_json

    def answer(refusal: Refusal, otherwise: Exception) -> ResponseReturnValue:
        if asked():
            return error_response(refusal)
        if page is not None:
            return _with_headers(page(refusal), refusal)
        if isinstance(otherwise, HTTPException):
            return otherwise
        return _plain(refusal)

    def undo() -> None:
        if rollback is not None:
            rollback()

    def http(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None or error.code is None:
            return error  # a response that the app made itself
        if error.code >= 500:
            undo()
        return answer(_of_http(error), error)

    def invalid(error: ValidationError) -> ResponseReturnValue:
        undo()
        return answer(Refusal.of(400, VALIDATION_ERROR, "The request is not valid.", fields(error)), error)

    def conflict(error: IntegrityError) -> ResponseReturnValue:
        undo()
        if not _is_conflict(error):
            raise error  # a value that must not be missing: the app's own mistake, hence 500
        log.warning("A conflict in the database was answered 409", exc_info=error)
        return answer(Refusal.of(409), error)

    def service(error: Exception) -> ResponseReturnValue:
        undo()
        return answer(_of_service(error), error)

    app.register_error_handler(HTTPException, http)
    app.register_error_handler(IntegrityError, conflict)
    if validation_errors:
        app.register_error_handler(ValidationError, invalid)
    for kind in service_errors:
        app.register_error_handler(kind, service)


def error_response(refusal: Refusal) -> Response:
    """The envelope as a response, for handlers and hooks of the app's own (`error_response(Refusal.of(401))`)."""
    response = current_app.response_class(
        refusal.envelope.model_dump_json(), refusal.status, mimetype="application/json"
    )
    return _with_headers(response, refusal)


def wants_json() -> bool:
    """An API client: by its path (`/api/`), by what it sends, or because it prefers JSON to HTML."""
    if "/api/" in request.path or request.is_json:
        return True
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def _of_http(error: HTTPException) -> Refusal:
    """A description that the app wrote is shown; Werkzeug's own are, for a 4xx, replaced by shorter ones."""
    status = error.code or 500
    written = error.description if error.description != type(error).description else None
    # The description of a missing key is the key in debug mode, and of a 5xx whatever went wrong.
    shown = written if status < 500 and isinstance(written, str) and not isinstance(error, KeyError) else ""
    return Refusal.of(
        status,
        str(getattr(error, "error_code", "")),
        shown[:LONGEST],
        getattr(error, "details", None),
        [(name, value) for name, value in error.get_headers() if name.lower() not in _OF_THE_BODY],
    )


def _of_service(error: Exception) -> Refusal:
    status = getattr(error, "status", 400)
    return Refusal.of(
        status if isinstance(status, int) and 400 <= status < 600 else 400,
        _text(error, "code"),
        _text(error, "message"),
        getattr(error, "details", None),
    )


def _text(error: Exception, name: str) -> str:
    value = getattr(error, name, "")
    return value[:LONGEST] if isinstance(value, str) else ""


def _is_conflict(error: IntegrityError) -> bool:
    """A second row of a kind, or one that others need: what a client can cause, and mend."""
    cause: Any = error.orig
    first = cause.args[0] if getattr(cause, "args", ()) else ""
    told = (getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname"))
    return any(str(value) in _CONFLICTS for value in (*told, first) if value is not None)


def _plain(refusal: Refusal) -> Response:
    return _with_headers(current_app.response_class(refusal.message, refusal.status, mimetype="text/plain"), refusal)


def _with_headers(answer: ResponseReturnValue, refusal: Refusal) -> Response:
    response = current_app.make_response(answer)
    response.status_code = refusal.status
    for name, value in refusal.headers:
        response.headers[name] = value
    return response
