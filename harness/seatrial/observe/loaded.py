"""Which rows the ORM made objects of, by table and primary key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

Loaded = dict[str, dict[tuple[Any, ...], None]]
"""Primary keys in the order of loading, by table name (with its schema where it has one)."""

_installed = False
_install_lock = threading.Lock()
_current: Loaded | None = None


@contextmanager
def loaded_rows() -> Iterator[Loaded]:
    """Note what is loaded inside the block, by any thread of this process. One block at a time."""
    global _current
    _install()
    before, _current = _current, {}
    try:
        yield _current
    finally:
        _current = before


def _install() -> None:
    """Once and for good, like the recorder's listeners: without an open block the listener returns at once."""
    global _installed
    from sqlalchemy import event
    from sqlalchemy.orm import Mapper

    with _install_lock:
        if not _installed:
            event.listen(Mapper, "load", _on_load)
            _installed = True


def _on_load(instance: object, _context: Any) -> None:
    noted = _current
    if noted is None:
        return
    try:
        state = sa.inspect(instance)
        identity = state.identity
        for table in state.mapper.tables:
            noted.setdefault(_name(table), {})[identity] = None
    except Exception:  # a listener that raises would break the app
        return


def _name(table: Any) -> str:
    schema = getattr(table, "schema", None)
    return f"{schema}.{table.name}" if schema else str(table.name)
