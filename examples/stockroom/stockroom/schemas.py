"""The bodies that the JSON API takes and gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from stockroom.models import InventoryHistory, InventoryItem, Product, Recipe
from stockroom.services.inventory import ItemData
from stockroom.services.paging import Page


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL")
    return value


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_no_nul)]
Unit = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=12), AfterValidator(_no_nul)]
Notes = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_no_nul)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000)]
RowId = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ItemIn(Body):
    name: Line
    unit: Unit
    reorder_level: Quantity = 0
    category_id: RowId | None = None
    supplier_id: RowId | None = None
    location_id: RowId | None = None
    notes: Notes = ""

    def data(self) -> ItemData:
        return ItemData(**self.model_dump())


class ItemPatch(Body):
    name: Line | None = None
    unit: Unit | None = None
    reorder_level: Quantity | None = None
    notes: Notes | None = None

    def merged(self, item: InventoryItem) -> ItemData:
        return ItemData(
            name=self.name if self.name is not None else item.name,
            unit=self.unit if self.unit is not None else item.unit,
            reorder_level=self.reorder_level if self.reorder_level is not None else item.reorder_level,
            category_id=item.category_id,
            supplier_id=item.supplier_id,
            location_id=item.location_id,
            notes=self.notes if self.notes is not None else item.notes,
        )


class AdjustIn(Body):
    use: Annotated[int, Field(ge=1, le=1_000_000)]


class LotOut(BaseModel):
    id: int
    quantity: int
    remaining_quantity: int
    unit_cost_cents: int
    expiration_date: date | None
    timestamp: datetime

    @classmethod
    def of(cls, lot: InventoryHistory) -> LotOut:
        return cls.model_validate(lot, from_attributes=True)


class ItemOut(BaseModel):
    id: int
    name: str
    unit: str
    category: str | None
    supplier: str | None
    on_hand: int
    reorder_level: int

    @classmethod
    def of(cls, item: InventoryItem) -> ItemOut:
        return cls(
            id=item.id,
            name=item.name,
            unit=item.unit,
            category=item.category.name if item.category else None,
            supplier=item.supplier.name if item.supplier else None,
            on_hand=item.on_hand,
            reorder_level=item.reorder_level,
        )


class ProductOut(BaseModel):
    id: int
    name: str
    skus: list[str]

    @classmethod
    def of(cls, product: Product) -> ProductOut:
        return cls(id=product.id, name=product.name, skus=[sku.code for sku in product.skus])


class RecipeOut(BaseModel):
    id: int
    name: str
    yield_quantity: int
    sku: str | None
    ingredients: int

    @classmethod
    def of(cls, recipe: Recipe) -> RecipeOut:
        return cls(
            id=recipe.id,
            name=recipe.name,
            yield_quantity=recipe.yield_quantity,
            sku=recipe.sku.code if recipe.sku else None,
            ingredients=len(recipe.ingredients),
        )


class HitOut(BaseModel):
    kind: str
    id: int
    name: str


class SearchOut(BaseModel):
    hits: list[HitOut]


class SummaryOut(BaseModel):
    items: int
    open_orders: int
    expiring_lots: int


class PageOut(BaseModel):
    page: int
    pages: int
    total: int
    items: list[ItemOut] | list[LotOut] | list[ProductOut] | list[RecipeOut]

    @classmethod
    def of(cls, page: Page[Any], items: list[ItemOut] | list[LotOut] | list[ProductOut] | list[RecipeOut]) -> PageOut:
        return cls(page=page.page, pages=page.pages, total=page.total, items=items)
