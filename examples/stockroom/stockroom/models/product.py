"""What is sold: products, their SKUs and every movement of a SKU."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stockroom.clock import utcnow
from stockroom.extensions import Model


class Product(Model):
    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    skus: Mapped[list[ProductSku]] = relationship(
        back_populates="product", order_by="ProductSku.code", cascade="all, delete-orphan"
    )


class ProductSku(Model):
    __tablename__ = "product_sku"
    __table_args__ = (UniqueConstraint("organization_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(120))
    price_cents: Mapped[int] = mapped_column(default=0)
    quantity: Mapped[int] = mapped_column(default=0)

    product: Mapped[Product] = relationship(back_populates="skus")
    history: Mapped[list[ProductSkuHistory]] = relationship(
        back_populates="sku", order_by="ProductSkuHistory.timestamp.desc()", cascade="all, delete-orphan"
    )


class ProductSkuHistory(Model):
    __tablename__ = "product_sku_history"
    __table_args__ = (Index(None, "sku_id", "timestamp"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("product_sku.id"))
    change_type: Mapped[str] = mapped_column(String(20))
    quantity_change: Mapped[int]
    remaining_quantity: Mapped[int]
    expiration_date: Mapped[date | None]
    timestamp: Mapped[datetime] = mapped_column(default=utcnow)

    sku: Mapped[ProductSku] = relationship(back_populates="history")
