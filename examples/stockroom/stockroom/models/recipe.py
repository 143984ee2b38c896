"""Recipes turn inventory items into SKUs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stockroom.clock import utcnow
from stockroom.extensions import Model

if TYPE_CHECKING:
    from stockroom.models.inventory import InventoryItem
    from stockroom.models.product import ProductSku


class Recipe(Model):
    __tablename__ = "recipe"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("product_sku.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    yield_quantity: Mapped[int] = mapped_column(default=1)
    instructions: Mapped[str] = mapped_column(String(4000), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    sku: Mapped[ProductSku | None] = relationship()
    ingredients: Mapped[list[RecipeIngredient]] = relationship(
        back_populates="recipe", order_by="RecipeIngredient.id", cascade="all, delete-orphan"
    )


class RecipeIngredient(Model):
    __tablename__ = "recipe_ingredient"
    __table_args__ = (UniqueConstraint("recipe_id", "inventory_item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipe.id"))
    inventory_item_id: Mapped[int] = mapped_column(ForeignKey("inventory_item.id"), index=True)
    quantity: Mapped[int]

    recipe: Mapped[Recipe] = relationship(back_populates="ingredients")
    item: Mapped[InventoryItem] = relationship()
