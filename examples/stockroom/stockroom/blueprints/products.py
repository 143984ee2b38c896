"""Products, SKUs and their movements."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import ProductForm, SkuAdjustForm, SkuForm
from stockroom.services import catalog

bp = Blueprint("products", __name__, url_prefix="/products")


def detail_page(product_id: int, form: SkuForm, status: int = 200) -> ResponseReturnValue:
    product = catalog.product(web.organization_id(), product_id)
    return render_template("products/detail.html", product=product, form=form), status


def history_page(sku_id: int, form: SkuAdjustForm, status: int = 200) -> ResponseReturnValue:
    sku = catalog.sku(web.organization_id(), sku_id)
    page = catalog.sku_history(web.organization_id(), sku_id, web.wanted_slice())
    return render_template("products/history.html", sku=sku, page=page, form=form), status


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    return render_template("products/list.html", page=catalog.products(web.organization_id(), web.wanted_slice()))


@bp.get("/new")
@login_required
@web.needs("can_write")
def new() -> ResponseReturnValue:
    return render_template("form.html", form=ProductForm(), title="New product")


@bp.post("/new")
@login_required
@web.needs("can_write")
def create() -> ResponseReturnValue:
    form = ProductForm()
    if not form.validate_on_submit():
        return render_template("form.html", form=form, title="New product"), 400
    created = catalog.create_product(web.user(), form.name.data or "", form.description.data or "")
    return redirect(url_for("products.detail", product_id=created.id))


@bp.get("/<int:product_id>")
@login_required
def detail(product_id: int) -> ResponseReturnValue:
    return detail_page(product_id, SkuForm())


@bp.post("/<int:product_id>/skus")
@login_required
@web.needs("can_write")
def add_sku(product_id: int) -> ResponseReturnValue:
    form = SkuForm()
    if not form.validate_on_submit():
        return detail_page(product_id, form, 400)
    catalog.add_sku(web.user(), product_id, form.code.data or "", form.label.data or "", form.price_cents.data or 0)
    return redirect(url_for("products.detail", product_id=product_id))


@bp.get("/skus/<int:sku_id>/history")
@login_required
def history(sku_id: int) -> ResponseReturnValue:
    return history_page(sku_id, SkuAdjustForm())


@bp.post("/skus/<int:sku_id>/history")
@login_required
@web.needs("can_write")
def adjust(sku_id: int) -> ResponseReturnValue:
    form = SkuAdjustForm()
    if not form.validate_on_submit():
        return history_page(sku_id, form, 400)
    catalog.adjust_sku(web.user(), sku_id, form.change.data or 0, form.reason.data)
    return redirect(url_for("products.history", sku_id=sku_id))
