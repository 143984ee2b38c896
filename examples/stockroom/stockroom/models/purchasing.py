"""Suppliers and what is ordered from them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stockroom.clock import utcnow
from stockroom.extensions import Model

if TYPE_CHECKING:
    from stockroom.models.inventory import InventoryItem


class Supplier(Model):
    __tablename__ = "supplier"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254), default="")
    lead_days: Mapped[int] = mapped_column(default=7)

    items: Mapped[list[InventoryItem]] = relationship(back_populates="supplier")
    orders: Mapped[list[PurchaseOrder]] = relationship(back_populates="supplier")


class PurchaseOrder(Model):
    __tablename__ = "purchase_order"
    __table_args__ = (Index(None, "organization_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"), index=True)
    reference: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(12), default="open")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    received_at: Mapped[datetime | None]

    supplier: Mapped[Supplier] = relationship(back_populates="orders")
    lines: Mapped[list[PurchaseOrderLine]] = relationship(
        back_populates="order", order_by="PurchaseOrderLine.id", cascade="all, delete-orphan"
    )

    @property
    def total_cents(self) -> int:
        return sum(line.quantity * line.unit_cost_cents for line in self.lines)


class PurchaseOrderLine(Model):
    __tablename__ = "purchase_order_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    purchase_order_id: Mapped[int] = mapped_column(ForeignKey("purchase_order.id"), index=True)
    inventory_item_id: Mapped[int] = mapped_column(ForeignKey("inventory_item.id"), index=True)
    quantity: Mapped[int]
    unit_cost_cents: Mapped[int]

    order: Mapped[PurchaseOrder] = relationship(back_populates="lines")
    item: Mapped[InventoryItem] = relationship()
