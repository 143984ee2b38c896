"""A shop whose limits are counted in Redis, in three ways of meeting its death; MODE picks one."""

import os
import secrets

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

MODES = {
    "fails open": {"swallow_errors": True},
    "fails closed": {},
    "falls back": {"in_memory_fallback_enabled": True},
}


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(config or {})
    app.config.setdefault("SECRET_KEY", secrets.token_hex(16))
    storage = app.config.get("RATELIMIT_STORAGE_URI") or os.environ["REDIS"]
    mode = app.config["MODE"]
    # A dead server refuses at once: nothing here waits for it.
    limiter = Limiter(get_remote_address, app=app, storage_uri=storage, **MODES[mode])

    @app.get("/auth/door")
    @limiter.limit("3 per minute")
    def door():
        return "open"

    return app
