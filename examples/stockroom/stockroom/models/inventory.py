"""Inventory items and the lots they are made of, oldest lot used first."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stockroom.clock import utcnow
from stockroom.extensions import Model

if TYPE_CHECKING:
    from stockroom.models.purchasing import Supplier
    from stockroom.models.warehouse import Location


class Category(Model):
    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(String(80))

    items: Mapped[list[InventoryItem]] = relationship(back_populates="category")


class InventoryItem(Model):
    __tablename__ = "inventory_item"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        CheckConstraint("reorder_level >= 0", name="reorder_level_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True)
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"), index=True)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    unit: Mapped[str] = mapped_column(String(12))
    reorder_level: Mapped[int] = mapped_column(default=0)
    notes: Mapped[str] = mapped_column(String(2000), default="")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    category: Mapped[Category | None] = relationship(back_populates="items")
    supplier: Mapped[Supplier | None] = relationship(back_populates="items")
    location: Mapped[Location | None] = relationship(back_populates="items")
    lots: Mapped[list[InventoryHistory]] = relationship(
        back_populates="item", order_by="InventoryHistory.timestamp, InventoryHistory.id", cascade="all, delete-orphan"
    )

    @property
    def on_hand(self) -> int:
        return sum(lot.remaining_quantity for lot in self.lots)


class InventoryHistory(Model):
    """One received lot; `remaining_quantity` falls as stock is used."""

    __tablename__ = "inventory_history"
    __table_args__ = (
        CheckConstraint("remaining_quantity >= 0", name="remaining_positive"),
        Index(None, "inventory_item_id", "remaining_quantity"),
        Index(None, "organization_id", "expiration_date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    inventory_item_id: Mapped[int] = mapped_column(ForeignKey("inventory_item.id"))
    quantity: Mapped[int]
    remaining_quantity: Mapped[int]
    unit_cost_cents: Mapped[int] = mapped_column(default=0)
    expiration_date: Mapped[date | None]
    timestamp: Mapped[datetime] = mapped_column(default=utcnow)

    item: Mapped[InventoryItem] = relationship(back_populates="lots")
