from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import selectinload

from stockroom.extensions import db
from stockroom.models import Location, Warehouse

bp = Blueprint("warehouses", __name__, url_prefix="/warehouses")


@bp.route("/")
@login_required
def index():
    rows = (
        Warehouse.query.filter_by(organization_id=current_user.organization_id)
        .options(selectinload(Warehouse.locations))
        .limit(100)
        .all()
    )
    return render_template("warehouses/list.html", warehouses=rows)


@bp.route("/<int:warehouse_id>", methods=["GET", "POST"])
@login_required
def detail(warehouse_id):
    warehouse = (
        Warehouse.query.filter_by(id=warehouse_id, organization_id=current_user.organization_id)
        .options(selectinload(Warehouse.locations))
        .first_or_404()
    )
    code = request.form.get("code", "").strip()[:30]
    if request.method == "POST" and code:
        db.session.add(Location(warehouse_id=warehouse.id, code=code))
        db.session.commit()
        return redirect(url_for("warehouses.detail", warehouse_id=warehouse_id))
    return render_template("warehouses/detail.html", warehouse=warehouse)
