"""Two believable organisations, always the same: one to work in, one whose rows nobody else may see."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta

from flask import Flask
from werkzeug.security import generate_password_hash

from stockroom.extensions import db
from stockroom.models import (
    AuditLog,
    Category,
    InventoryHistory,
    InventoryItem,
    Location,
    OAuthIdentity,
    Organization,
    PasswordResetToken,
    Product,
    ProductSku,
    ProductSkuHistory,
    PurchaseOrder,
    PurchaseOrderLine,
    Recipe,
    RecipeIngredient,
    Role,
    StripeEvent,
    Subscription,
    Supplier,
    User,
    Warehouse,
)

START = datetime(2026, 9, 1, 8, 0)
FAR = date(2031, 6, 30)
ROLES = (("owner", True, True), ("clerk", True, False), ("viewer", False, False))

# name, unit, category, supplier, location, reorder level, lots as (quantity, left, cost, expires)
ITEMS = (
    ("Shea butter", "g", 0, 0, 0, 2000, ((5000, 1200, 2, date(2026, 10, 15)), (5000, 5000, 2, FAR))),
    ("Coconut oil", "ml", 0, 0, 0, 3000, ((4000, 0, 1, date(2026, 9, 20)), (4000, 2500, 1, FAR), (2000, 2000, 1, FAR))),
    ("Beeswax", "g", 1, 1, 1, 500, ((1000, 300, 3, None), (1000, 1000, 3, None))),
    ("Lavender oil", "ml", 2, 1, 1, 800, ((250, 40, 28, date(2027, 3, 1)), (250, 250, 29, date(2027, 9, 1)))),
    ("Tea tree oil", "ml", 2, 1, 2, 100, ((200, 120, 24, date(2027, 1, 1)), (100, 100, 25, FAR))),
    ("Tin 60 ml", "pc", 3, 2, 2, 200, ((500, 180, 35, None), (500, 500, 34, None))),
    ("Jar 120 ml", "pc", 3, 2, 3, 200, ((300, 90, 55, None), (300, 300, 54, None))),
)
PRODUCTS = (
    ("Hand balm", "Dry hands, all day.", (("HB-60", "Hand balm 60 ml", 890), ("HB-120", "Hand balm 120 ml", 1490))),
    ("Lip balm", "With beeswax.", (("LB-15", "Lip balm 15 ml", 450),)),
    ("Foot cream", "With tea tree oil.", (("FC-120", "Foot cream 120 ml", 1650),)),
)
# name, yield, sku, ingredients as (item, quantity)
RECIPES = (
    ("Hand balm base", 20, 0, ((0, 400), (1, 300), (2, 100), (5, 20))),
    ("Hand balm large", 10, 1, ((0, 400), (1, 300), (2, 100), (6, 10))),
    ("Lip balm", 30, 2, ((0, 100), (2, 90), (3, 5))),
    ("Foot cream", 8, 3, ((0, 300), (1, 200), (4, 15), (6, 8))),
)


def seed(app: Flask) -> None:
    password = os.environ.get("TRIAL_PASSWORD") or "sea-trial-pass"
    hashed = generate_password_hash(password, method=app.config.get("PASSWORD_HASH_METHOD", "pbkdf2:sha256:60000"))
    with app.app_context():
        roles = [Role(name=name, can_write=write, can_manage=manage) for name, write, manage in ROLES]
        db.session.add_all(roles)
        db.session.flush()
        _organization(roles, hashed, "Harbour Soapworks", "harbour", ("owner", "clerk", "viewer"), 7)
        _organization(roles, hashed, "Northlight Candles", "northlight", ("north-owner",), 4)
        db.session.commit()


def _organization(
    roles: list[Role], hashed: str, name: str, slug: str, usernames: tuple[str, ...], item_count: int
) -> None:
    organization = Organization(name=name, slug=slug, created_at=START)
    db.session.add(organization)
    db.session.flush()
    users = [
        User(
            organization_id=organization.id,
            role_id=roles[number].id,
            username=username,
            email=f"{username}@{slug}.example",
            full_name=username.replace("-", " ").title(),
            password_hash=hashed,
            created_at=START,
        )
        for number, username in enumerate(usernames)
    ]
    db.session.add_all(users)
    db.session.flush()
    items = _stock(organization.id, item_count)
    skus = _products(organization.id)
    _recipes(organization.id, items, skus)
    _orders(organization.id, items)
    _records(organization.id, slug, users, items)


def _stock(organization_id: int, item_count: int) -> list[InventoryItem]:
    categories = [
        Category(organization_id=organization_id, name=name)
        for name in ("Butters and oils", "Waxes", "Essential oils", "Packaging")
    ]
    suppliers = [
        Supplier(organization_id=organization_id, name=name, email=f"orders@{domain}.example", lead_days=days)
        for name, domain, days in (("Karité Direct", "karite", 14), ("Herbline", "herbline", 5), ("Tinworks", "tin", 9))
    ]
    warehouses = [
        Warehouse(organization_id=organization_id, name=name, city=city)
        for name, city in (("Main store", "Bremen"), ("Cold room", "Bremen"))
    ]
    db.session.add_all([*categories, *suppliers, *warehouses])
    db.session.flush()
    locations = [
        Location(warehouse_id=warehouses[number // 2].id, code=code)
        for number, code in enumerate(("A-01", "A-02", "C-01", "C-02"))
    ]
    db.session.add_all(locations)
    db.session.flush()
    items: list[InventoryItem] = []
    for row in ITEMS[:item_count]:
        name, unit, category, supplier, location, level, lots = row
        items.append(
            InventoryItem(
                organization_id=organization_id,
                name=name,
                unit=unit,
                category_id=categories[category].id,
                supplier_id=suppliers[supplier].id,
                location_id=locations[location].id,
                reorder_level=level,
                notes="Keep dry.",
                created_at=START,
                lots=[
                    InventoryHistory(
                        organization_id=organization_id,
                        quantity=quantity,
                        remaining_quantity=left,
                        unit_cost_cents=cost,
                        expiration_date=expires,
                        timestamp=START + timedelta(days=number),
                    )
                    for number, (quantity, left, cost, expires) in enumerate(lots)
                ],
            )
        )
    db.session.add_all(items)
    db.session.flush()
    return items


def _products(organization_id: int) -> list[ProductSku]:
    skus: list[ProductSku] = []
    for name, description, rows in PRODUCTS:
        product = Product(organization_id=organization_id, name=name, description=description, created_at=START)
        for code, label, price in rows:
            history = [
                ProductSkuHistory(
                    organization_id=organization_id,
                    change_type=change_type,
                    quantity_change=change,
                    remaining_quantity=left,
                    expiration_date=FAR,
                    timestamp=START + timedelta(days=number),
                )
                for number, (change_type, change, left) in enumerate(
                    (("production", 40, 40), ("sale", -12, 28), ("count", -1, 27))
                )
            ]
            sku = ProductSku(
                organization_id=organization_id, code=code, label=label, price_cents=price, quantity=27, history=history
            )
            product.skus.append(sku)
            skus.append(sku)
        db.session.add(product)
    db.session.flush()
    return skus


def _recipes(organization_id: int, items: list[InventoryItem], skus: list[ProductSku]) -> None:
    for name, produced, sku, ingredients in RECIPES:
        db.session.add(
            Recipe(
                organization_id=organization_id,
                name=name,
                yield_quantity=produced,
                sku_id=skus[sku].id,
                instructions="Melt at 70 °C, stir, pour, let rest for a day.",
                created_at=START,
                ingredients=[
                    RecipeIngredient(inventory_item_id=items[number].id, quantity=quantity)
                    for number, quantity in ingredients
                    if number < len(items)
                ],
            )
        )


def _orders(organization_id: int, items: list[InventoryItem]) -> None:
    for number, (reference, status) in enumerate(
        (("PO-1001", "received"), ("PO-1002", "received"), ("PO-1003", "open"), ("PO-1004", "open"))
    ):
        db.session.add(
            PurchaseOrder(
                organization_id=organization_id,
                supplier_id=items[number % len(items)].supplier_id or 0,
                reference=reference,
                status=status,
                created_at=START + timedelta(days=number),
                received_at=START + timedelta(days=number + 7) if status == "received" else None,
                lines=[
                    PurchaseOrderLine(inventory_item_id=item.id, quantity=100 * (number + 1), unit_cost_cents=3)
                    for item in items[number % 2 : number % 2 + 3]
                ],
            )
        )


def _records(organization_id: int, slug: str, users: list[User], items: list[InventoryItem]) -> None:
    db.session.add_all(
        AuditLog(
            organization_id=organization_id,
            user_id=users[number % len(users)].id,
            action="item.create" if number < len(items) else "lot.receive",
            subject=items[number % len(items)].name,
            created_at=START + timedelta(hours=number),
        )
        for number in range(2 * len(items))
    )
    db.session.add_all(
        (
            Subscription(
                organization_id=organization_id,
                plan="team",
                stripe_customer_id=f"cus_{slug}",
                credits=100,
                updated_at=START,
            ),
            StripeEvent(
                stripe_event_id=f"evt_{slug}_1",
                event_type="checkout.session.completed",
                status="processed",
                payload_hash="0" * 64,
                attempts=1,
                processed_at=START,
                created_at=START,
            ),
            OAuthIdentity(user_id=users[0].id, issuer="https://id.example", subject=f"{slug}-1", created_at=START),
            PasswordResetToken(
                user_id=users[0].id, token_hash=f"{organization_id:064d}", expires_at=START, used_at=START
            ),
        )
    )
