"""The indexes that are planned: those that Seatrial ships, and those of `[[tool.seatrial.indexes]]`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.config import Index, Settings

PREFIX = "stx_"
"""What the names of our indexes begin with: nothing else is ever dropped."""
LONGEST = 60
"""Characters of a name: PostgreSQL cuts names off at 63 bytes, MySQL refuses more than 64."""


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """One planned index, whatever the engine."""

    table: str
    """As statements name it: `orders`, or `shop.orders`."""
    columns: tuple[str, ...]
    unique: bool = False
    where: str = ""
    """Condition of a partial index, as SQL; empty: all rows."""
    named: str = ""
    """The index's name; empty: made of table and columns."""

    @property
    def name(self) -> str:
        return self.named or index_name(self.table, self.columns, self.where)

    @property
    def subject(self) -> str:
        """As reports call it: `orders(customer_id, created_at)`."""
        return f"{self.table}({', '.join(self.columns)})" + (f" where {self.where}" if self.where else "")


def index_name(table: str, columns: Iterable[str], where: str = "") -> str:
    """`stx_<table>_<columns>`, cut off with a digest where it is too long for some server."""
    plain = PREFIX + "_".join((table.replace(".", "_"), *columns)).lower()
    if not where and len(plain.encode()) <= LONGEST:
        return plain
    digest = hashlib.sha256("\0".join((table, *columns, where)).encode()).hexdigest()[:8]
    kept = plain.encode()[: LONGEST - 9].decode(errors="ignore")
    return f"{kept}_{digest}"


INVENTORY = tuple(
    IndexSpec("inventory_history", columns)
    for columns in (
        ("inventory_item_id", "remaining_quantity"),
        ("inventory_item_id", "expiration_date"),
        ("organization_id", "timestamp"),
    )
)
"""First in, first out: the open lots of an item, those that expire, and the history page of an organisation."""
SKUS = tuple(IndexSpec("product_sku_history", spec.columns) for spec in INVENTORY)
AUDIT = (IndexSpec("audit_log", ("organization_id", "created_at")),)
STRATEGIC = (*INVENTORY, *SKUS, *AUDIT)
"""What the shipped revisions build, in their order."""


def configured(settings: Settings | None) -> tuple[IndexSpec, ...]:
    """The indexes of `[[tool.seatrial.indexes]]`."""
    return tuple(spec_of(index) for index in settings.indexes) if settings is not None else ()


def spec_of(index: Index) -> IndexSpec:
    return IndexSpec(index.table, tuple(index.columns), unique=index.unique, where=index.where or "")


def planned(settings: Settings | None) -> tuple[IndexSpec, ...]:
    """Everything that is planned: what is shipped, then what the team has added."""
    return tuple(dict.fromkeys((*STRATEGIC, *configured(settings))))
