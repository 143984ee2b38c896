"""Figures: the dashboard, reports and search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import joinedload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import AuditLog, Category, InventoryHistory, InventoryItem, Product, PurchaseOrder, Recipe

HORIZON = timedelta(days=30)


@dataclass(frozen=True)
class Summary:
    items: int
    open_orders: int
    expiring_lots: int


@dataclass(frozen=True)
class Dashboard(Summary):
    recent: Sequence[AuditLog]
    low: Sequence[StockRow]


@dataclass(frozen=True)
class StockRow:
    item_id: int
    name: str
    unit: str
    category: str
    on_hand: int
    value_cents: int
    reorder_level: int


@dataclass(frozen=True)
class Hit:
    kind: str
    id: int
    name: str


def summary(organization_id: int) -> Summary:
    items = select(func.count(InventoryItem.id)).where(
        InventoryItem.organization_id == organization_id, InventoryItem.archived_at.is_(None)
    )
    orders = select(func.count(PurchaseOrder.id)).where(
        PurchaseOrder.organization_id == organization_id, PurchaseOrder.status == "open"
    )
    lots = select(func.count(InventoryHistory.id)).where(
        InventoryHistory.organization_id == organization_id,
        InventoryHistory.remaining_quantity > 0,
        InventoryHistory.expiration_date <= soon(),
    )
    counts = db.session.execute(select(items.scalar_subquery(), orders.scalar_subquery(), lots.scalar_subquery())).one()
    return Summary(counts[0], counts[1], counts[2])


def dashboard(organization_id: int) -> Dashboard:
    counts = summary(organization_id)
    recent = db.session.scalars(
        select(AuditLog)
        .where(AuditLog.organization_id == organization_id)
        .options(joinedload(AuditLog.user))
        .order_by(AuditLog.created_at.desc(), AuditLog.id.desc())
        .limit(8)
    ).all()
    low = [row for row in stock(organization_id) if row.on_hand < row.reorder_level][:10]
    return Dashboard(counts.items, counts.open_orders, counts.expiring_lots, recent, low)


def soon() -> date:
    return utcnow().date() + HORIZON


def stock(organization_id: int, limit: int = 500) -> list[StockRow]:
    """Quantity and value on hand per item, in one statement."""
    on_hand = func.coalesce(func.sum(InventoryHistory.remaining_quantity), 0)
    value = func.coalesce(
        func.sum(cast(InventoryHistory.remaining_quantity, BigInteger) * InventoryHistory.unit_cost_cents), 0
    )
    rows = db.session.execute(
        select(
            InventoryItem.id,
            InventoryItem.name,
            InventoryItem.unit,
            func.coalesce(Category.name, ""),
            on_hand,
            value,
            InventoryItem.reorder_level,
        )
        .outerjoin(InventoryItem.category)
        .outerjoin(InventoryItem.lots)
        .where(InventoryItem.organization_id == organization_id, InventoryItem.archived_at.is_(None))
        .group_by(InventoryItem.id, InventoryItem.name, InventoryItem.unit, Category.name, InventoryItem.reorder_level)
        .order_by(InventoryItem.name)
        .limit(limit)
    ).all()
    return [StockRow(row[0], row[1], row[2], row[3], int(row[4]), int(row[5]), row[6]) for row in rows]


def search(organization_id: int, text: str) -> list[Hit]:
    if not text:
        return []
    hits: list[Hit] = []
    for kind, model in (("item", InventoryItem), ("product", Product), ("recipe", Recipe)):
        rows = db.session.execute(
            select(model.id, model.name)
            .where(model.organization_id == organization_id, model.name.icontains(text, autoescape=True))
            .order_by(model.name)
            .limit(20)
        ).all()
        hits += [Hit(kind, row[0], row[1]) for row in rows]
    return hits
