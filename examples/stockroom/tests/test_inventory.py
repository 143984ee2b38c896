from __future__ import annotations

from conftest import Browser
from flask import Flask
from sqlalchemy import event

from stockroom.extensions import db
from stockroom.models import AuditLog, InventoryHistory, ProductSku


def left(item_id: int) -> list[int]:
    lots = db.session.query(InventoryHistory).filter_by(inventory_item_id=item_id).order_by(InventoryHistory.id)
    return [lot.remaining_quantity for lot in lots]


def test_oldest_lot_is_used_first(app: Flask, owner: Browser) -> None:
    assert owner.post("/items/1/consume", {"quantity": 1500}).status_code == 302
    with app.app_context():
        assert left(1) == [0, 4700]


def test_too_much_is_refused(app: Flask, owner: Browser) -> None:
    assert owner.post("/items/1/consume", {"quantity": 999_999}).status_code == 409
    with app.app_context():
        assert left(1) == [1200, 5000]


def test_production_uses_ingredients_and_books_the_sku(app: Flask, owner: Browser) -> None:
    assert owner.post("/recipes/1/produce", {"batches": 2}).status_code == 302
    with app.app_context():
        assert left(1) == [400, 5000]
        assert db.session.get(ProductSku, 1).quantity == 67


def test_order_becomes_lots(app: Flask, owner: Browser) -> None:
    assert owner.post("/orders/3/receive").status_code == 302
    assert owner.post("/orders/3/receive").status_code == 409
    with app.app_context():
        assert left(1)[-1] == 300


def test_other_organisation_is_invisible(owner: Browser) -> None:
    for path in (
        "/items/8",
        "/orders/5",
        "/recipes/5",
        "/products/4",
        "/suppliers/4",
        "/warehouses/3",
        "/api/v1/items/8",
    ):
        assert owner.get(path).status_code == 404, path
    assert "Northlight" not in owner.get("/items/").text


def test_names_are_unique(owner: Browser) -> None:
    assert owner.post("/items/new", {"name": "Beeswax", "unit": "g", "reorder_level": 0}).status_code == 409


def test_reading_writes_nothing_and_counts_stay_flat(app: Flask, owner: Browser) -> None:
    with app.app_context():
        engine, before = db.engine, db.session.query(AuditLog).count()
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def record(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    for path in (
        "/",
        "/items/",
        "/items/1",
        "/orders/",
        "/recipes/1",
        "/products/",
        "/reports/stock-value",
        "/api/v1/items",
    ):
        seen.clear()
        assert owner.get(path).status_code == 200
        assert len(seen) <= 6, path
        assert all(statement.startswith("SELECT") for statement in seen), path
    event.remove(engine, "before_cursor_execute", record)
    with app.app_context():
        assert db.session.query(AuditLog).count() == before
