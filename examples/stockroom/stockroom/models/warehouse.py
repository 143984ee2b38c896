"""Where things are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stockroom.extensions import Model

if TYPE_CHECKING:
    from stockroom.models.inventory import InventoryItem


class Warehouse(Model):
    __tablename__ = "warehouse"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(String(120))
    city: Mapped[str] = mapped_column(String(80), default="")

    locations: Mapped[list[Location]] = relationship(
        back_populates="warehouse", order_by="Location.code", cascade="all, delete-orphan"
    )


class Location(Model):
    __tablename__ = "location"
    __table_args__ = (UniqueConstraint("warehouse_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    code: Mapped[str] = mapped_column(String(30))

    warehouse: Mapped[Warehouse] = relationship(back_populates="locations")
    items: Mapped[list[InventoryItem]] = relationship(back_populates="location")
