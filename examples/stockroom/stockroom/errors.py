"""One shape for every error: an envelope for API clients, a page for people."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from stockroom.extensions import db, login_manager
from stockroom.services.errors import ServiceError
from stockroom.web import login_redirect

log = logging.getLogger(__name__)

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
}
MESSAGES = {
    400: "The request could not be understood.",
    401: "Please log in.",
    403: "You may not do this.",
    404: "There is nothing here.",
    405: "This method is not available here.",
    413: "The request is too large.",
    415: "This kind of content is not accepted.",
    429: "Too many requests. Please wait a moment.",
    500: "Something went wrong on our side.",
}


def wants_json() -> bool:
    if request.path.startswith(("/api/", "/billing/webhooks/")) or request.is_json:
        return True
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def answer(status: int, code: str, message: str, details: dict[str, str] | None = None) -> Response:
    if wants_json():
        response = jsonify(error={"code": code, "message": message, "details": details or {}})
    else:
        response = make_response(render_template("error.html", status=status, message=message))
    response.status_code = status
    return response


def handle_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    response = answer(status, CODES.get(status, f"HTTP_{status}"), MESSAGES.get(status, error.name))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def handle_csrf(error: CSRFError) -> ResponseReturnValue:
    return answer(400, "CSRF_FAILED", "The form has expired. Please load the page again.")


def handle_service(error: ServiceError) -> ResponseReturnValue:
    db.session.rollback()
    return answer(error.status, error.code, error.message, error.details)


def handle_unexpected(error: Exception) -> ResponseReturnValue:
    db.session.rollback()
    log.exception("Unhandled error in %s", request.endpoint)
    return answer(500, CODES[500], MESSAGES[500])


def handle_unauthorized() -> ResponseReturnValue:
    if wants_json():
        return answer(401, CODES[401], MESSAGES[401])
    return login_redirect()


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, handle_csrf)
    app.register_error_handler(HTTPException, handle_http)
    app.register_error_handler(ServiceError, handle_service)
    app.register_error_handler(Exception, handle_unexpected)
    login_manager.unauthorized_handler(handle_unauthorized)
