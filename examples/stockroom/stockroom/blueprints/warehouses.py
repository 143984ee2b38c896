"""Warehouses and their locations."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import LocationForm, WarehouseForm
from stockroom.services import purchasing

bp = Blueprint("warehouses", __name__, url_prefix="/warehouses")


def index_page(form: WarehouseForm, status: int = 200) -> ResponseReturnValue:
    page = purchasing.warehouses(web.organization_id(), web.wanted_slice())
    return render_template("warehouses/list.html", page=page, form=form), status


def detail_page(warehouse_id: int, form: LocationForm, status: int = 200) -> ResponseReturnValue:
    warehouse = purchasing.warehouse(web.organization_id(), warehouse_id)
    return render_template("warehouses/detail.html", warehouse=warehouse, form=form), status


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    return index_page(WarehouseForm())


@bp.post("/")
@login_required
@web.needs("can_write")
def create() -> ResponseReturnValue:
    form = WarehouseForm()
    if not form.validate_on_submit():
        return index_page(form, 400)
    created = purchasing.add_warehouse(web.user(), form.name.data or "", form.city.data or "")
    return redirect(url_for("warehouses.detail", warehouse_id=created.id))


@bp.get("/<int:warehouse_id>")
@login_required
def detail(warehouse_id: int) -> ResponseReturnValue:
    return detail_page(warehouse_id, LocationForm())


@bp.post("/<int:warehouse_id>/locations")
@login_required
@web.needs("can_write")
def add_location(warehouse_id: int) -> ResponseReturnValue:
    form = LocationForm()
    if not form.validate_on_submit():
        return detail_page(warehouse_id, form, 400)
    purchasing.add_location(web.user(), warehouse_id, form.code.data or "")
    return redirect(url_for("warehouses.detail", warehouse_id=warehouse_id))
