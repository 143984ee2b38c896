"""Stockroom: inventory for small manufacturers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from seatrial.kit.migrations import leave_to_seatrial

from stockroom import errors, headers, models, web
from stockroom.blueprints import oauth, register_blueprints
from stockroom.config import settings
from stockroom.extensions import csrf, db, limiter, login_manager, migrate, monitor
from stockroom.services import accounts, billing

__all__ = ["create_app", "models"]

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(settings(config))

    headers.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS), render_as_batch=True, include_object=leave_to_seatrial)
    csrf.init_app(app)
    limiter.init_app(app)
    login_manager.init_app(app)
    login_manager.user_loader(accounts.load_session_user)
    oauth.init_app(app)
    web.init_app(app)
    errors.init_app(app)
    billing.events.init_app(app)
    register_blueprints(app)
    app.jinja_env.filters["money"] = money
    monitor.init_app(app)
    return app


def money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d}"
