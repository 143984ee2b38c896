"""Products and SKUs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from stockroom.extensions import db
from stockroom.models import Product, ProductSku, ProductSkuHistory, User
from stockroom.services import audit
from stockroom.services.errors import Conflict, NotFound
from stockroom.services.paging import Page, Slice, paginate


def products(organization_id: int, wanted: Slice) -> Page[Product]:
    statement = select(Product).where(Product.organization_id == organization_id).order_by(Product.name)
    return paginate(Product, statement, wanted, selectinload(Product.skus))


def product(organization_id: int, product_id: int) -> Product:
    found = db.session.scalar(
        select(Product)
        .where(Product.id == product_id, Product.organization_id == organization_id)
        .options(selectinload(Product.skus))
    )
    if found is None:
        raise NotFound("No such product.")
    return found


def sku(organization_id: int, sku_id: int) -> ProductSku:
    found = db.session.scalar(
        select(ProductSku)
        .where(ProductSku.id == sku_id, ProductSku.organization_id == organization_id)
        .options(joinedload(ProductSku.product))
    )
    if found is None:
        raise NotFound("No such SKU.")
    return found


def sku_history(organization_id: int, sku_id: int, wanted: Slice) -> Page[ProductSkuHistory]:
    statement = (
        select(ProductSkuHistory)
        .where(ProductSkuHistory.sku_id == sku_id, ProductSkuHistory.organization_id == organization_id)
        .order_by(ProductSkuHistory.timestamp.desc(), ProductSkuHistory.id.desc())
    )
    return paginate(ProductSkuHistory, statement, wanted)


def create_product(user: User, name: str, description: str) -> Product:
    created = Product(organization_id=user.organization_id, name=name, description=description)
    db.session.add(created)
    audit.record(user, "product.create", name)
    _commit("There is a product of this name.")
    return created


def add_sku(user: User, product_id: int, code: str, label: str, price_cents: int) -> ProductSku:
    created = ProductSku(
        organization_id=user.organization_id,
        product_id=product(user.organization_id, product_id).id,
        code=code,
        label=label,
        price_cents=price_cents,
    )
    db.session.add(created)
    audit.record(user, "sku.create", code)
    _commit("There is a SKU of this code.")
    return created


def adjust_sku(user: User, sku_id: int, change: int, reason: str) -> ProductSku:
    changed = sku(user.organization_id, sku_id)
    if changed.quantity + change < 0:
        raise Conflict("There is not enough stock of this SKU.")
    record_movement(changed, change, reason)
    audit.record(user, "sku.adjust", f"{change:+d} {changed.code}")
    db.session.commit()
    return changed


def record_movement(sku: ProductSku, change: int, reason: str) -> None:
    """Changes the quantity of a SKU and writes its history, inside the caller's transaction."""
    sku.quantity += change
    db.session.add(
        ProductSkuHistory(
            organization_id=sku.organization_id,
            sku_id=sku.id,
            change_type=reason,
            quantity_change=change,
            remaining_quantity=sku.quantity,
        )
    )


def _commit(message: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(message) from error
