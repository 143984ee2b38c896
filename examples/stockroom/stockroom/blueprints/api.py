"""The JSON API of the browser: session cookie, and X-CSRFToken on everything that changes."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from flask_login import login_required
from seatrial.kit.validation import read_body, reply

from stockroom import web
from stockroom.extensions import keys
from stockroom.schemas import (
    AdjustIn,
    HitOut,
    ItemIn,
    ItemOut,
    ItemPatch,
    LotOut,
    PageOut,
    ProductOut,
    RecipeOut,
    SearchOut,
    SummaryOut,
)
from stockroom.services import catalog, inventory, recipes, reports

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.get("/summary")
@login_required
def summary() -> Response:
    counts = reports.summary(web.organization_id())
    return reply(SummaryOut(items=counts.items, open_orders=counts.open_orders, expiring_lots=counts.expiring_lots))


@bp.get("/items")
@login_required
def items() -> Response:
    page = inventory.items(web.organization_id(), web.wanted_slice(), web.query_text("q"))
    return reply(PageOut.of(page, [ItemOut.of(item) for item in page.items]))


@bp.post("/items")
@login_required
@web.needs("can_write")
def create_item() -> Response:
    created = inventory.create_item(web.user(), read_body(ItemIn).data())
    return reply(ItemOut.of(inventory.item(web.organization_id(), created.id)), 201)


@bp.get("/items/<int:item_id>")
@login_required
def item(item_id: int) -> Response:
    return reply(ItemOut.of(inventory.item(web.organization_id(), item_id)))


@bp.patch("/items/<int:item_id>")
@login_required
@web.needs("can_write")
def update_item(item_id: int) -> Response:
    data = read_body(ItemPatch).merged(inventory.item(web.organization_id(), item_id))
    return reply(ItemOut.of(inventory.update_item(web.user(), item_id, data)))


@bp.delete("/items/<int:item_id>")
@login_required
@web.needs("can_write")
def archive_item(item_id: int) -> Response:
    inventory.archive_item(web.user(), item_id)
    return current_app.response_class(status=204)


@bp.get("/items/<int:item_id>/lots")
@login_required
def lots(item_id: int) -> Response:
    page = inventory.lots(web.organization_id(), item_id, web.wanted_slice())
    return reply(PageOut.of(page, [LotOut.of(lot) for lot in page.items]))


@bp.post("/items/<int:item_id>/adjust")
@login_required
@web.needs("can_write")
@keys.protect()
def adjust_item(item_id: int) -> Response:
    inventory.take(web.user(), item_id, read_body(AdjustIn).use)
    return reply(ItemOut.of(inventory.item(web.organization_id(), item_id)))


@bp.get("/products")
@login_required
def products() -> Response:
    page = catalog.products(web.organization_id(), web.wanted_slice())
    return reply(PageOut.of(page, [ProductOut.of(product) for product in page.items]))


@bp.get("/recipes")
@login_required
def list_recipes() -> Response:
    page = recipes.recipes(web.organization_id(), web.wanted_slice())
    return reply(PageOut.of(page, [RecipeOut.of(recipe) for recipe in page.items]))


@bp.get("/search")
@login_required
def search() -> Response:
    hits = reports.search(web.organization_id(), web.query_text("q"))
    shapes = [HitOut(kind=hit.kind, id=hit.id, name=hit.name) for hit in hits]
    return reply(SearchOut(hits=shapes))
