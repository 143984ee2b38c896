from flask import Blueprint, render_template
from flask_login import current_user, login_required
from sqlalchemy import BigInteger, cast, func
from sqlalchemy.orm import joinedload

from stockroom.extensions import db
from stockroom.models import InventoryHistory, InventoryItem, Organization, ProductSkuHistory
from stockroom_legacy.services.stats import turnover_ticks

bp = Blueprint("reports", __name__, url_prefix="/reports")


def current_organization():
    return Organization.query.filter_by(id=current_user.organization_id).first()


@bp.route("/")
@login_required
def index():
    return render_template("reports/index.html")


@bp.route("/turnover")
@login_required
def turnover():
    ticks = turnover_ticks(current_user.organization_id)
    return render_template("reports/turnover.html", ticks=ticks)


@bp.route("/stock-value")
@login_required
def stock_value():
    value = func.sum(cast(InventoryHistory.remaining_quantity, BigInteger) * InventoryHistory.unit_cost_cents)
    rows = (
        db.session.query(InventoryItem.name, value)
        .join(InventoryItem.lots)
        .filter(InventoryItem.organization_id == current_user.organization_id)
        .group_by(InventoryItem.name)
        .order_by(InventoryItem.name)
        .limit(100)
        .all()
    )
    title = current_organization().name
    currency = current_organization().currency
    founded = current_organization().created_at.year
    return render_template("reports/value.html", rows=rows, title=title, currency=currency, founded=founded)


@bp.route("/movements")
@login_required
def movements():
    rows = (
        ProductSkuHistory.query.filter_by(organization_id=current_user.organization_id)
        .options(joinedload(ProductSkuHistory.sku))
        .order_by(ProductSkuHistory.timestamp.desc())
        .limit(50)
        .all()
    )
    return render_template("reports/movements.html", rows=rows)


@bp.route("/receipts")
@login_required
def receipts():
    rows = (
        InventoryHistory.query.filter_by(organization_id=current_user.organization_id)
        .options(joinedload(InventoryHistory.item))
        .order_by(InventoryHistory.timestamp.desc())
        .limit(50)
        .all()
    )
    return render_template("reports/receipts.html", rows=rows)
