"""One shape for every error: an envelope for API clients, a page for people."""

from __future__ import annotations

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from seatrial.kit import errors
from seatrial.kit.errors import Refusal, error_response, init_errors

from stockroom.extensions import db, login_manager
from stockroom.services.errors import ServiceError
from stockroom.web import login_redirect


def wants_json() -> bool:
    return request.path.startswith("/billing/webhooks/") or errors.wants_json()


def page(refusal: Refusal) -> ResponseReturnValue:
    return render_template("error.html", status=refusal.status, message=refusal.message), refusal.status


def handle_csrf(error: CSRFError) -> ResponseReturnValue:
    refusal = Refusal.of(400, "CSRF_FAILED", "The form has expired. Please load the page again.")
    return error_response(refusal) if wants_json() else page(refusal)


def handle_unauthorized() -> ResponseReturnValue:
    return error_response(Refusal.of(401)) if wants_json() else login_redirect()


def init_app(app: Flask) -> None:
    init_errors(app, service_errors=[ServiceError], rollback=db.session.rollback, page=page, json_for=wants_json)
    app.register_error_handler(CSRFError, handle_csrf)
    login_manager.unauthorized_handler(handle_unauthorized)
