"""Fresh values for columns that must differ from their source: the same type and, as far as can be seen, format."""

from __future__ import annotations

import datetime
import os
import re
import uuid
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-f]{24,}|[0-9A-F]{24,}")


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = _Nothing()
"""There is no fresh value: an enumeration, a truth value, a type that is not understood."""


def fresh(column: sa.Column[Any], value: Any, number: int) -> Any:
    """A value that no other row has. `number` differs for each row made in a trial. NOTHING when there is none."""
    kind = column.type
    if value is None or isinstance(kind, sa.Enum | sa.Boolean) or isinstance(value, bool):
        return NOTHING
    match value:
        case uuid.UUID():
            return uuid.uuid4()
        case str():
            return _text(value, number, getattr(kind, "length", None))
        case int():
            return value + number
        case float() | Decimal():
            return value + number
        case datetime.datetime() | datetime.date():
            try:
                return value + datetime.timedelta(days=number)
            except OverflowError:
                return value - datetime.timedelta(days=number)
        case bytes():
            return os.urandom(len(value)) if len(value) >= 8 else NOTHING
    return NOTHING


def _text(value: str, number: int, limit: int | None) -> Any:
    if _UUID.fullmatch(value):
        made = str(uuid.uuid4()) if "-" in value else uuid.uuid4().hex
        return made.upper() if value.upper() == value and value.lower() != value else made
    if _HEX.fullmatch(value):
        made = os.urandom(len(value)).hex()[: len(value)]
        return made.upper() if value.upper() == value and value.lower() != value else made
    tag = f"c{number:x}"
    if "@" in value:
        local, _, domain = value.rpartition("@")
        made = f"{local}+{tag}@{domain}"
        if limit and len(made) > limit:
            made = f"{tag}@{domain}"
    elif value.isdecimal():
        made = str(int(value) + number).zfill(len(value))
    else:
        made = f"{value}-{tag}"
        if limit and len(made) > limit:
            made = f"{value[: max(0, limit - len(tag))]}{tag}"
    return made if not limit or len(made) <= limit else NOTHING
