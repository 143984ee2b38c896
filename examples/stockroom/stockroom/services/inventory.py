"""Inventory items, categories and FIFO lots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import Category, InventoryHistory, InventoryItem, Location, Supplier, User, Warehouse
from stockroom.services import audit
from stockroom.services.errors import Conflict, InvalidInput, NotFound
from stockroom.services.paging import Page, Slice, paginate


@dataclass(frozen=True)
class ItemData:
    """The editable fields of an item."""

    name: str
    unit: str
    reorder_level: int = 0
    category_id: int | None = None
    supplier_id: int | None = None
    location_id: int | None = None
    notes: str = ""


@dataclass(frozen=True)
class Choices:
    """What an item form offers."""

    categories: Sequence[Category]
    suppliers: Sequence[Supplier]
    locations: Sequence[Location]


def items(organization_id: int, wanted: Slice, text: str = "", category_id: int | None = None) -> Page[InventoryItem]:
    statement = _active_items(organization_id).order_by(InventoryItem.name)
    if text:
        statement = statement.where(InventoryItem.name.icontains(text, autoescape=True))
    if category_id is not None:
        statement = statement.where(InventoryItem.category_id == category_id)
    return paginate(
        InventoryItem,
        statement,
        wanted,
        joinedload(InventoryItem.category),
        joinedload(InventoryItem.supplier),
        selectinload(InventoryItem.lots),
    )


def item(organization_id: int, item_id: int, *, lots: bool = True) -> InventoryItem:
    """Raises NotFound. Its lots come with it, unless the page shows none."""
    found = db.session.scalar(
        select(InventoryItem)
        .where(InventoryItem.id == item_id, InventoryItem.organization_id == organization_id)
        .options(
            joinedload(InventoryItem.category),
            joinedload(InventoryItem.supplier),
            joinedload(InventoryItem.location).joinedload(Location.warehouse),
            *([selectinload(InventoryItem.lots)] if lots else []),
        )
    )
    if found is None:
        raise NotFound("No such item.")
    return found


def lots(organization_id: int, item_id: int, wanted: Slice) -> Page[InventoryHistory]:
    statement = (
        select(InventoryHistory)
        .where(
            InventoryHistory.inventory_item_id == item_id,
            InventoryHistory.organization_id == organization_id,
        )
        .order_by(InventoryHistory.timestamp.desc(), InventoryHistory.id.desc())
    )
    return paginate(InventoryHistory, statement, wanted)


def expiring(organization_id: int, until: date, wanted: Slice) -> Page[InventoryHistory]:
    statement = (
        select(InventoryHistory)
        .where(
            InventoryHistory.organization_id == organization_id,
            InventoryHistory.expiration_date <= until,
            InventoryHistory.remaining_quantity > 0,
        )
        .order_by(InventoryHistory.expiration_date, InventoryHistory.id)
    )
    return paginate(InventoryHistory, statement, wanted, joinedload(InventoryHistory.item))


def choices(organization_id: int) -> Choices:
    return Choices(
        categories=categories(organization_id),
        suppliers=db.session.scalars(
            select(Supplier).where(Supplier.organization_id == organization_id).order_by(Supplier.name).limit(500)
        ).all(),
        locations=db.session.scalars(
            select(Location)
            .join(Location.warehouse)
            .where(Warehouse.organization_id == organization_id)
            .order_by(Location.code)
            .limit(500)
        ).all(),
    )


def categories(organization_id: int) -> Sequence[Category]:
    return db.session.scalars(
        select(Category).where(Category.organization_id == organization_id).order_by(Category.name).limit(500)
    ).all()


def category_sizes(organization_id: int, wanted: Slice) -> Page[tuple[int, str, int]]:
    """Each category with the number of its items."""
    statement = (
        select(Category.id, Category.name, func.count(InventoryItem.id))
        .outerjoin(Category.items)
        .where(Category.organization_id == organization_id)
        .group_by(Category.id, Category.name)
        .order_by(Category.name)
    )
    total = db.session.scalar(select(func.count()).where(Category.organization_id == organization_id)) or 0
    rows = db.session.execute(statement.limit(wanted.per_page).offset((wanted.page - 1) * wanted.per_page)).all()
    return Page([(row[0], row[1], row[2]) for row in rows], wanted.page, wanted.per_page, total)


def add_category(user: User, name: str) -> Category:
    category = Category(organization_id=user.organization_id, name=name)
    db.session.add(category)
    audit.record(user, "category.create", name)
    _commit("There is a category of this name.")
    return category


def create_item(user: User, data: ItemData) -> InventoryItem:
    _check_references(user.organization_id, data)
    created = InventoryItem(organization_id=user.organization_id, **vars(data))
    db.session.add(created)
    audit.record(user, "item.create", data.name)
    _commit("There is an item of this name.")
    return created


def update_item(user: User, item_id: int, data: ItemData) -> InventoryItem:
    _check_references(user.organization_id, data)
    changed = item(user.organization_id, item_id)
    for field, value in vars(data).items():
        setattr(changed, field, value)
    audit.record(user, "item.update", data.name)
    _commit("There is an item of this name.")
    return changed


def archive_item(user: User, item_id: int) -> None:
    archived = item(user.organization_id, item_id)
    archived.archived_at = utcnow()
    audit.record(user, "item.archive", archived.name)
    db.session.commit()


def receive(user: User, item_id: int, quantity: int, unit_cost_cents: int, expires: date | None) -> InventoryHistory:
    received = item(user.organization_id, item_id)
    lot = InventoryHistory(
        organization_id=user.organization_id,
        inventory_item_id=received.id,
        quantity=quantity,
        remaining_quantity=quantity,
        unit_cost_cents=unit_cost_cents,
        expiration_date=expires,
    )
    db.session.add(lot)
    audit.record(user, "lot.receive", f"{quantity} {received.unit} {received.name}")
    db.session.commit()
    return lot


def consume(user: User, item_id: int, quantity: int) -> None:
    take(user, item_id, quantity)
    db.session.commit()


def take(user: User, item_id: int, quantity: int) -> None:
    """As `consume`, inside the caller's transaction."""
    used = item(user.organization_id, item_id)
    take_fifo(user.organization_id, {used.id: quantity})
    audit.record(user, "lot.consume", f"{quantity} {used.unit} {used.name}")


def take_fifo(organization_id: int, wanted: dict[int, int]) -> None:
    """Takes quantities from the oldest lots, inside the caller's transaction; all of it or nothing."""
    open_lots = db.session.scalars(
        select(InventoryHistory)
        .where(
            InventoryHistory.organization_id == organization_id,
            InventoryHistory.inventory_item_id.in_(wanted),
            InventoryHistory.remaining_quantity > 0,
        )
        .order_by(InventoryHistory.timestamp, InventoryHistory.id)
        .with_for_update()
    ).all()
    missing = dict(wanted)
    changes: list[dict[str, int]] = []
    for lot in open_lots:
        taken = min(lot.remaining_quantity, missing[lot.inventory_item_id])
        missing[lot.inventory_item_id] -= taken
        if taken:
            changes.append({"id": lot.id, "remaining_quantity": lot.remaining_quantity - taken})
    if any(missing.values()):
        raise Conflict("There is not enough stock.")
    db.session.execute(update(InventoryHistory), changes)


def _active_items(organization_id: int) -> Select[Any]:
    return select(InventoryItem).where(
        InventoryItem.organization_id == organization_id, InventoryItem.archived_at.is_(None)
    )


def _check_references(organization_id: int, data: ItemData) -> None:
    """Every referenced row belongs to the same organisation."""
    checks = {
        "category_id": (data.category_id, select(Category.id).where(Category.organization_id == organization_id)),
        "supplier_id": (data.supplier_id, select(Supplier.id).where(Supplier.organization_id == organization_id)),
        "location_id": (
            data.location_id,
            select(Location.id).join(Location.warehouse).where(Warehouse.organization_id == organization_id),
        ),
    }
    columns = {"category_id": Category.id, "supplier_id": Supplier.id, "location_id": Location.id}
    for field, (value, statement) in checks.items():
        if value is not None and db.session.scalar(statement.where(columns[field] == value)) is None:
            raise InvalidInput("The item refers to something unknown.", {field: "Unknown."})


def _commit(message: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(message) from error
