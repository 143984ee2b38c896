"""The engines and metadata of the app: through Flask-SQLAlchemy where it is used, else found among live objects."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

from seatrial.model.errors import ConfigurationError
from seatrial.observe.connections import same_database
from seatrial.target.living import living

CATALOGUES = ("information_schema", "pg_catalog", "sys")
STAND_IN = "made on first use"
"""Name of the bind that stands for an engine that is not there yet."""


@dataclass(frozen=True, slots=True)
class Bind:
    """One engine with the metadata that is created on it."""

    name: str
    engine: Engine
    metadata: sa.MetaData | None


def binds(app: Flask) -> list[Bind]:
    """Every engine the app may use. Needs no connection; engines that are made later are refused when they connect."""
    found: list[Bind] = []
    extension = app.extensions.get("sqlalchemy")
    if extension is not None and hasattr(type(extension), "engines"):
        with app.app_context():
            metadatas: dict[Any, sa.MetaData] = dict(getattr(extension, "metadatas", {}))
            found += [
                Bind(name or "default", engine, metadatas.get(name)) for name, engine in extension.engines.items()
            ]
    known = {id(bind.engine) for bind in found}
    loose = [engine for engine in living(Engine) if id(engine) not in known]
    for number, engine in enumerate(loose):
        metadata = _largest_metadata() if number == 0 and not found else None
        found.append(Bind(f"engine {number + 1}", engine, metadata))
    return found


def stand_in(database_url: str) -> list[Bind]:
    """The trial's own engine, for an app that has tables and makes its engine on first use; else nothing."""
    metadata = _largest_metadata()
    return [] if metadata is None else [Bind(STAND_IN, sa.create_engine(database_url, poolclass=NullPool), metadata)]


def _largest_metadata() -> sa.MetaData | None:
    # SQLAlchemy's dialects describe the catalogues of the databases with metadata of their own.
    found = [
        metadata
        for metadata in living(sa.MetaData)
        if metadata.tables and not any((t.schema or "").lower() in CATALOGUES for t in metadata.tables.values())
    ]
    return max(found, key=lambda m: len(m.tables), default=None)


def read_back(app: Flask, database_url: str, refused: list[str]) -> list[Bind]:
    """All binds of the app, each seen to lead to the trial's database.

    Raises:
        ConfigurationError: A bind leads elsewhere, or the app tried to connect elsewhere while it was built.
    """
    mistakes = list(refused)
    found = []
    for bind in binds(app):
        if _in_memory(bind.engine) or same_database(bind.engine.url, database_url):
            found.append(bind)
            continue
        where = bind.engine.url.render_as_string(hide_password=True)
        mistakes.append(
            f"database: bind {bind.name!r} leads to {where}, not to the trial's database; put {{database_url}} under "
            "[tool.seatrial.env] or [tool.seatrial.config] in the variable or key that the app reads"
        )
    if mistakes:
        raise ConfigurationError(*dict.fromkeys(mistakes))
    return found


def _in_memory(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:")
