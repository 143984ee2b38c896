"""An app that shows each shape of N+1 beside its sound twin: `/flawed/<shape>` and `/sound/<shape>`."""

import os
from typing import Any

from flask import Flask

from gazette import (
    caches,
    inheritance,
    loops,
    objects,
    pages,
    places,
    relations,
    serialisers,
    templates,
    traps,
)
from gazette.models import db
from gazette.seeds import seed
from gazette.views import cache, flawed, sound

__all__ = ["create_app", "seed"]

MODULES = (caches, inheritance, loops, objects, pages, places, relations, serialisers, templates, traps)
"""Imported for their views."""


def create_app(config: dict[str, Any] | None = None) -> Flask:
    app = Flask(__name__)
    url = os.environ.get("DATABASE_URL", "sqlite://")
    app.config.from_mapping(
        SECRET_KEY="a key for trials only, of some length",
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_BINDS={"reference": url},
        CACHE_TYPE="SimpleCache",
    )
    app.config.update(config or {})
    db.init_app(app)
    cache.init_app(app)
    app.register_blueprint(flawed)
    app.register_blueprint(sound)
    return app
