"""The hardened stockroom as it is deployed, and what can be wrong with a deployment: `BROKEN` says what is.

Served by gunicorn as `deployed:application()`; run as a script it sows the database of `DATABASE_URL` and prints the
cookie of somebody who is logged in.
"""

import os
from collections.abc import Iterable
from typing import Any

from flask import Flask, jsonify, session
from sqlalchemy import text
from sqlalchemy.orm import lazyload
from werkzeug.debug import DebuggedApplication

SETTINGS = {
    "SECRET_KEY": "4f1c8a6e0b7d4923a5c2e98d71f06b3ad4e85f27",
    "PASSWORD_HASH_METHOD": "pbkdf2:sha256:1000",
    "STRIPE_WEBHOOK_SECRET": "whsec_deployed_0123456789abcdef",
}
LOST = {
    "content-security-policy", "referrer-policy", "strict-transport-security", "x-content-type-options",
    "x-frame-options", "permissions-policy",
}  # fmt: skip
LOGIN = b"""<!doctype html><title>Sign in to continue</title><h1>Company network</h1>
<form method="post"><input name="user"><input name="password" type="password"><button>Sign in</button></form>"""


def created(broken: str = "") -> Flask:
    """The app; what stands in front of it is `application`'s."""
    switches: dict[str, Any] = {
        "csrf off": {"WTF_CSRF_ENABLED": False},
        "limiter off": {"RATELIMIT_ENABLED": False},
        "debug on": {"DEBUG": True},
    }
    if broken == "N+1 introduced":
        from stockroom.services import inventory

        inventory.joinedload = inventory.selectinload = lazyload  # somebody "cleaned up" the options of a query
    from stockroom import create_app
    from stockroom.extensions import db

    app = create_app({**SETTINGS, **switches.get(broken, {})})
    if broken == "static missing":
        app.static_folder = "/nonexistent"
    commit = "0ld0ld0ld0ld" if broken == "old commit" else os.environ.get("COMMIT", "")

    @app.get("/readyz")
    def ready() -> Any:
        try:
            db.session.execute(text("SELECT 1"))
        except Exception:  # whatever it is: not ready
            db.session.rollback()
            return jsonify(error={"code": "UNAVAILABLE", "message": "Try again soon."}), 503
        return jsonify(status="ok", app="stockroom")

    @app.after_request
    def build(response: Any) -> Any:
        response.headers["X-Commit"] = commit
        return response

    return app


def application() -> Any:
    """For gunicorn."""
    broken = os.environ.get("BROKEN", "")
    if broken == "login page instead of the app":
        return _login_page
    app = created(broken)
    if broken == "headers lost":
        return _losing(app.wsgi_app)
    if broken == "debug on":
        return DebuggedApplication(app, evalex=True, pin_security=True)
    return app


def _login_page(environ: Any, start_response: Any) -> Iterable[bytes]:
    """A proxy that answers in place of the app, whatever was asked."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(LOGIN)))])
    return [LOGIN]


def _losing(wsgi_app: Any) -> Any:
    """A proxy that keeps the headers that it knows."""

    def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [pair for pair in headers if pair[0].lower() not in LOST], *more)

        answered: Iterable[bytes] = wsgi_app(environ, begin)
        return answered

    return serve


def sow() -> None:
    """The database, and a cookie of the owner."""
    from stockroom.extensions import db
    from stockroom.models import User
    from stockroom.seeds import seed

    app = created()
    with app.app_context():
        db.create_all()
    seed(app)
    with app.app_context():
        owner = db.session.scalar(db.select(User).where(User.username == "owner"))
        known = owner.get_id()
    with app.test_request_context(base_url="https://localhost"):
        session["_user_id"], session["_fresh"] = known, True
        response = app.response_class()
        app.session_interface.save_session(app, session, response)  # type: ignore[arg-type]
    print(response.headers["Set-Cookie"].partition(";")[0])


if __name__ == "__main__":
    sow()
