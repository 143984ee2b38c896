"""For apps that let Alembic compare their models with the database: what Seatrial has put there is none of theirs.

    migrate = Migrate(app, db, include_object=leave_to_seatrial)

`seatrial db upgrade` builds indexes that no model knows, and keeps its own version table. Without this,
`flask db migrate` writes a revision that drops them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["IncludeObject", "leave_to_seatrial", "together"]

PREFIX = "stx_"
"""What the names of Seatrial's indexes begin with."""
VERSION_TABLE = "seatrial_alembic_version"

IncludeObject = Callable[[Any, str | None, str, bool, Any], bool]
"""Of Alembic: `include_object(object, name, type_, reflected, compare_to)`."""


def leave_to_seatrial(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:  # noqa: ARG001
    """False for what is in the database, in no model, and Seatrial's. Give it to `Migrate` as `include_object`."""
    if not reflected or compare_to is not None:
        return True
    return not ((type_ == "table" and name == VERSION_TABLE) or (type_ == "index" and (name or "").startswith(PREFIX)))


def together(*filters: IncludeObject) -> IncludeObject:
    """Several of them as one: an object is compared when all say so."""

    def include_object(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
        return all(include(item, name, type_, reflected, compare_to) for include in filters)

    return include_object
