"""One page of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.sql.base import ExecutableOption

from stockroom.extensions import db

T = TypeVar("T")


@dataclass(frozen=True)
class Slice:
    """Which page is asked for."""

    page: int = 1
    per_page: int = 25


@dataclass(frozen=True)
class Page(Generic[T]):
    items: Sequence[T]
    page: int
    per_page: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))


def paginate(model: type[T], statement: Select[Any], wanted: Slice, *options: ExecutableOption) -> Page[T]:
    """The wanted rows of a statement that selects `model`."""
    total = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    rows: Sequence[T] = db.session.scalars(
        statement.options(*options).limit(wanted.per_page).offset((wanted.page - 1) * wanted.per_page)
    ).all()
    return Page(rows, wanted.page, wanted.per_page, total)
