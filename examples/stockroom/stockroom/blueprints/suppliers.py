"""Suppliers."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import SupplierForm
from stockroom.services import purchasing

bp = Blueprint("suppliers", __name__, url_prefix="/suppliers")


def save(supplier_id: int | None, title: str) -> ResponseReturnValue:
    form = SupplierForm()
    if not form.validate_on_submit():
        return render_template("form.html", form=form, title=title), 400
    saved = purchasing.save_supplier(
        web.user(), supplier_id, form.name.data or "", form.email.data or "", form.lead_days.data or 0
    )
    return redirect(url_for("suppliers.detail", supplier_id=saved.id))


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    return render_template("suppliers/list.html", page=purchasing.suppliers(web.organization_id(), web.wanted_slice()))


@bp.get("/new")
@login_required
@web.needs("can_write")
def new() -> ResponseReturnValue:
    return render_template("form.html", form=SupplierForm(), title="New supplier")


@bp.post("/new")
@login_required
@web.needs("can_write")
def create() -> ResponseReturnValue:
    return save(None, "New supplier")


@bp.get("/<int:supplier_id>")
@login_required
def detail(supplier_id: int) -> ResponseReturnValue:
    supplier = purchasing.supplier(web.organization_id(), supplier_id)
    page = purchasing.supplied_items(web.organization_id(), supplier_id, web.wanted_slice())
    return render_template("suppliers/detail.html", supplier=supplier, page=page)


@bp.get("/<int:supplier_id>/edit")
@login_required
@web.needs("can_write")
def edit(supplier_id: int) -> ResponseReturnValue:
    form = SupplierForm(obj=purchasing.supplier(web.organization_id(), supplier_id))
    return render_template("form.html", form=form, title="Edit supplier")


@bp.post("/<int:supplier_id>/edit")
@login_required
@web.needs("can_write")
def update(supplier_id: int) -> ResponseReturnValue:
    return save(supplier_id, "Edit supplier")
