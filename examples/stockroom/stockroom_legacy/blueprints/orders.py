from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload, selectinload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import PurchaseOrder, PurchaseOrderLine
from stockroom_legacy.services.stock import add_lot

bp = Blueprint("orders", __name__, url_prefix="/orders")

PAGE_SIZE = 25


@bp.route("/")
@login_required
def index():
    page = int(request.args.get("page", 1))
    rows = (
        PurchaseOrder.query.filter_by(organization_id=current_user.organization_id)
        .options(joinedload(PurchaseOrder.supplier))
        .order_by(PurchaseOrder.created_at.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
        .all()
    )
    return render_template("orders/list.html", orders=rows, page=page)


@bp.route("/<int:order_id>")
@login_required
def detail(order_id):
    order = (
        PurchaseOrder.query.filter_by(id=order_id, organization_id=current_user.organization_id)
        .options(
            joinedload(PurchaseOrder.supplier), selectinload(PurchaseOrder.lines).joinedload(PurchaseOrderLine.item)
        )
        .first_or_404()
    )
    return render_template("orders/detail.html", order=order)


@bp.route("/<int:order_id>/receive", methods=["POST"])
@login_required
def receive(order_id):
    order = (
        PurchaseOrder.query.filter_by(id=order_id, organization_id=current_user.organization_id)
        .options(selectinload(PurchaseOrder.lines).joinedload(PurchaseOrderLine.item))
        .first_or_404()
    )
    if order.status != "open":
        flash("The order is closed.")
        return redirect(url_for("orders.detail", order_id=order_id))
    for line in order.lines:
        add_lot(line.item, line.quantity, line.unit_cost_cents)
    order.status = "received"
    order.received_at = utcnow()
    db.session.commit()
    return redirect(url_for("orders.detail", order_id=order_id))
