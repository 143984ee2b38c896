import requests
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import selectinload

from stockroom.extensions import db
from stockroom.models import InventoryItem, Supplier
from stockroom_legacy.utils import to_int

bp = Blueprint("suppliers", __name__, url_prefix="/suppliers")


@bp.route("/")
@login_required
def index():
    suppliers = (
        Supplier.query.filter_by(organization_id=current_user.organization_id)
        .options(selectinload(Supplier.orders))
        .order_by(Supplier.name)
        .limit(100)
        .all()
    )
    return render_template("suppliers/list.html", suppliers=suppliers)


@bp.route("/new", methods=["GET", "POST"])
@login_required
def new():
    if request.method == "POST":
        name = request.form.get("name", "").strip()[:120]
        if not name:
            return render_template("suppliers/form.html"), 400
        supplier = Supplier(organization_id=current_user.organization_id, name=name)
        supplier.email = request.form.get("email", "")[:254]
        supplier.lead_days = to_int(request.form.get("lead_days"), 7, 0, 365)
        db.session.add(supplier)
        db.session.commit()
        return redirect(url_for("suppliers.index"))
    return render_template("suppliers/form.html")


@bp.route("/<int:supplier_id>")
@login_required
def detail(supplier_id):
    supplier = Supplier.query.filter_by(id=supplier_id, organization_id=current_user.organization_id).first()
    items = InventoryItem.query.filter_by(supplier_id=supplier.id).order_by(InventoryItem.name).limit(100).all()
    return render_template("suppliers/detail.html", supplier=supplier, items=items)


@bp.route("/<int:supplier_id>/notify", methods=["POST"])
@login_required
def notify(supplier_id):
    supplier = Supplier.query.filter_by(id=supplier_id, organization_id=current_user.organization_id).first_or_404()
    try:
        requests.post(current_app.config["SUPPLIER_PORTAL"], json={"supplier": supplier.name}, timeout=10)
    except requests.RequestException:
        flash("The portal cannot be reached.")
    return redirect(url_for("suppliers.index"))
