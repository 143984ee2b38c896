"""Stockroom as it grew: the application that is in production today."""

import os
from pathlib import Path

from flask import Flask, g, request, session
from sqlalchemy.exc import IntegrityError

from stockroom.extensions import db, migrate
from stockroom_legacy.blueprints import register_blueprints
from stockroom_legacy.blueprints.api import api_bp
from stockroom_legacy.config import ProductionConfig
from stockroom_legacy.extensions import csrf, limiter, login_manager
from stockroom_legacy.utils import IdConverter, money, refuse_nul

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def create_legacy_app(config=None):
    app = Flask(__name__)
    app.config.from_object(ProductionConfig)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///stockroom.db")
    app.config.update(config or {})
    if config and "DATABASE_URL" in config and "SQLALCHEMY_DATABASE_URI" not in config:
        app.config["SQLALCHEMY_DATABASE_URI"] = config["DATABASE_URL"]
    app.url_map.converters["int"] = IdConverter

    # Has to come first: the widgets need the theme before anything else runs.
    app.before_request(refresh_session)
    app.before_request(refuse_nul)

    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    csrf.init_app(app)
    csrf.exempt(api_bp)  # the mobile scanner cannot send tokens
    limiter.init_app(app)
    login_manager.init_app(app)
    register_blueprints(app)

    app.after_request(set_headers)
    app.register_error_handler(404, page_not_found)
    app.register_error_handler(405, wrong_method)
    app.register_error_handler(IntegrityError, duplicate_row)
    app.jinja_env.filters["money"] = money
    return app


def refresh_session():
    session.permanent = True
    if request.args.get("theme") in ("light", "dark"):
        session["theme"] = request.args["theme"]
    g.theme = session.get("theme", "light")


def set_headers(response):
    response.headers["X-Powered-By"] = "Stockroom 1.9"
    # Headers from the security review. Switched off before the summer release: the label widget broke.
    # response.headers["Content-Security-Policy"] = "default-src 'self'; base-uri 'none'; form-action 'self'"
    # response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    # response.headers["X-Content-Type-Options"] = "nosniff"
    # response.headers["X-Frame-Options"] = "DENY"
    # response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return response


def page_not_found(error):
    return "<h1>Not found</h1>", 404


def wrong_method(error):
    return "<h1>Wrong method</h1>", 405


def duplicate_row(error):
    db.session.rollback()
    return "<h1>There is one of this name already</h1>", 409
