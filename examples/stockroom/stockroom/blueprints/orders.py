"""Purchase orders."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import EmptyForm, OrderForm, OrderLineForm
from stockroom.services import purchasing

bp = Blueprint("orders", __name__, url_prefix="/orders")


def order_form(form: OrderForm, status: int = 200) -> ResponseReturnValue:
    suppliers = purchasing.supplier_choices(web.organization_id())
    form.supplier_id.choices = [(row.id, row.name) for row in suppliers]
    return render_template("form.html", form=form, title="New order"), status


def detail_page(order_id: int, form: OrderLineForm, status: int = 200) -> ResponseReturnValue:
    order = purchasing.order(web.organization_id(), order_id)
    form.item_id.choices = [(row.id, row.name) for row in purchasing.item_choices(web.organization_id())]
    return render_template("orders/detail.html", order=order, form=form, receive=EmptyForm()), status


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    page = purchasing.orders(web.organization_id(), web.wanted_slice(), web.query_text("status"))
    return render_template("orders/list.html", page=page)


@bp.get("/new")
@login_required
@web.needs("can_write")
def new() -> ResponseReturnValue:
    return order_form(OrderForm())


@bp.post("/new")
@login_required
@web.needs("can_write")
def create() -> ResponseReturnValue:
    form = OrderForm()
    if not form.validate_on_submit():
        return order_form(form, 400)
    created = purchasing.create_order(web.user(), form.supplier_id.data or 0, form.reference.data or "")
    return redirect(url_for("orders.detail", order_id=created.id))


@bp.get("/<int:order_id>")
@login_required
def detail(order_id: int) -> ResponseReturnValue:
    return detail_page(order_id, OrderLineForm())


@bp.post("/<int:order_id>/lines")
@login_required
@web.needs("can_write")
def add_line(order_id: int) -> ResponseReturnValue:
    form = OrderLineForm()
    if not form.validate_on_submit():
        return detail_page(order_id, form, 400)
    purchasing.add_line(
        web.user(),
        order_id,
        form.item_id.data or 0,
        form.quantity.data or 0,
        form.unit_cost_cents.data or 0,
    )
    return redirect(url_for("orders.detail", order_id=order_id))


@bp.post("/<int:order_id>/receive")
@login_required
@web.needs("can_write")
def receive(order_id: int) -> ResponseReturnValue:
    purchasing.receive_order(web.user(), order_id)
    return redirect(url_for("orders.detail", order_id=order_id))
