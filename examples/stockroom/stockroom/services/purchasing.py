"""Suppliers, warehouses and purchase orders."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import (
    InventoryHistory,
    InventoryItem,
    Location,
    PurchaseOrder,
    PurchaseOrderLine,
    Supplier,
    User,
    Warehouse,
)
from stockroom.services import audit
from stockroom.services.errors import Conflict, InvalidInput, NotFound
from stockroom.services.paging import Page, Slice, paginate


def suppliers(organization_id: int, wanted: Slice) -> Page[Supplier]:
    statement = select(Supplier).where(Supplier.organization_id == organization_id).order_by(Supplier.name)
    return paginate(Supplier, statement, wanted)


def supplier(organization_id: int, supplier_id: int) -> Supplier:
    found = db.session.scalar(
        select(Supplier).where(Supplier.id == supplier_id, Supplier.organization_id == organization_id)
    )
    if found is None:
        raise NotFound("No such supplier.")
    return found


def supplied_items(organization_id: int, supplier_id: int, wanted: Slice) -> Page[InventoryItem]:
    statement = (
        select(InventoryItem)
        .where(InventoryItem.supplier_id == supplier_id, InventoryItem.organization_id == organization_id)
        .order_by(InventoryItem.name)
    )
    return paginate(InventoryItem, statement, wanted)


def save_supplier(user: User, supplier_id: int | None, name: str, email: str, lead_days: int) -> Supplier:
    if supplier_id is None:
        saved = Supplier(organization_id=user.organization_id)
        db.session.add(saved)
    else:
        saved = supplier(user.organization_id, supplier_id)
    saved.name, saved.email, saved.lead_days = name, email, lead_days
    audit.record(user, "supplier.save", name)
    _commit("There is a supplier of this name.")
    return saved


def warehouses(organization_id: int, wanted: Slice) -> Page[Warehouse]:
    statement = select(Warehouse).where(Warehouse.organization_id == organization_id).order_by(Warehouse.name)
    return paginate(Warehouse, statement, wanted, selectinload(Warehouse.locations))


def warehouse(organization_id: int, warehouse_id: int) -> Warehouse:
    found = db.session.scalar(
        select(Warehouse)
        .where(Warehouse.id == warehouse_id, Warehouse.organization_id == organization_id)
        .options(selectinload(Warehouse.locations).selectinload(Location.items))
    )
    if found is None:
        raise NotFound("No such warehouse.")
    return found


def add_warehouse(user: User, name: str, city: str) -> Warehouse:
    created = Warehouse(organization_id=user.organization_id, name=name, city=city)
    db.session.add(created)
    audit.record(user, "warehouse.create", name)
    _commit("There is a warehouse of this name.")
    return created


def add_location(user: User, warehouse_id: int, code: str) -> Location:
    created = Location(warehouse_id=warehouse(user.organization_id, warehouse_id).id, code=code)
    db.session.add(created)
    audit.record(user, "location.create", code)
    _commit("There is a location of this code.")
    return created


def orders(organization_id: int, wanted: Slice, status: str = "") -> Page[PurchaseOrder]:
    statement = (
        select(PurchaseOrder)
        .where(PurchaseOrder.organization_id == organization_id)
        .order_by(PurchaseOrder.created_at.desc(), PurchaseOrder.id.desc())
    )
    if status:
        statement = statement.where(PurchaseOrder.status == status)
    return paginate(
        PurchaseOrder, statement, wanted, joinedload(PurchaseOrder.supplier), selectinload(PurchaseOrder.lines)
    )


def order(organization_id: int, order_id: int) -> PurchaseOrder:
    found = db.session.scalar(
        select(PurchaseOrder)
        .where(PurchaseOrder.id == order_id, PurchaseOrder.organization_id == organization_id)
        .options(
            joinedload(PurchaseOrder.supplier),
            selectinload(PurchaseOrder.lines).joinedload(PurchaseOrderLine.item),
        )
    )
    if found is None:
        raise NotFound("No such order.")
    return found


def create_order(user: User, supplier_id: int, reference: str) -> PurchaseOrder:
    try:
        ordered_from = supplier(user.organization_id, supplier_id)
    except NotFound as error:
        raise InvalidInput("No such supplier.", {"supplier_id": "Unknown."}) from error
    created = PurchaseOrder(
        organization_id=user.organization_id, supplier_id=ordered_from.id, reference=reference, status="open"
    )
    db.session.add(created)
    audit.record(user, "order.create", reference)
    db.session.commit()
    return created


def add_line(user: User, order_id: int, item_id: int, quantity: int, unit_cost_cents: int) -> PurchaseOrderLine:
    found = _open_order(user.organization_id, order_id)
    known = db.session.scalar(
        select(InventoryItem.id).where(
            InventoryItem.id == item_id, InventoryItem.organization_id == user.organization_id
        )
    )
    if known is None:
        raise InvalidInput("No such item.", {"item_id": "Unknown."})
    line = PurchaseOrderLine(
        purchase_order_id=found.id, inventory_item_id=item_id, quantity=quantity, unit_cost_cents=unit_cost_cents
    )
    db.session.add(line)
    audit.record(user, "order.line", found.reference)
    db.session.commit()
    return line


def receive_order(user: User, order_id: int) -> PurchaseOrder:
    """Books every line as a new lot."""
    found = _open_order(user.organization_id, order_id)
    found.status, found.received_at = "received", utcnow()
    db.session.add_all(
        InventoryHistory(
            organization_id=user.organization_id,
            inventory_item_id=line.inventory_item_id,
            quantity=line.quantity,
            remaining_quantity=line.quantity,
            unit_cost_cents=line.unit_cost_cents,
        )
        for line in found.lines
    )
    audit.record(user, "order.receive", found.reference)
    db.session.commit()
    return found


def supplier_choices(organization_id: int) -> Sequence[Supplier]:
    return db.session.scalars(
        select(Supplier).where(Supplier.organization_id == organization_id).order_by(Supplier.name).limit(500)
    ).all()


def item_choices(organization_id: int) -> Sequence[InventoryItem]:
    return db.session.scalars(
        select(InventoryItem)
        .where(InventoryItem.organization_id == organization_id, InventoryItem.archived_at.is_(None))
        .order_by(InventoryItem.name)
        .limit(500)
    ).all()


def _open_order(organization_id: int, order_id: int) -> PurchaseOrder:
    found = order(organization_id, order_id)
    if found.status != "open":
        raise Conflict("The order is closed.")
    return found


def _commit(message: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(message) from error
