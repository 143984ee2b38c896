from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import Category, InventoryHistory, InventoryItem
from stockroom_legacy.services.stock import add_lot, consume_fifo, get_item, log_action
from stockroom_legacy.utils import to_int

bp = Blueprint("inventory", __name__)


@bp.route("/inventory/")
@login_required
def index():
    items = (
        InventoryItem.query.filter_by(organization_id=current_user.organization_id, archived_at=None)
        .options(joinedload(InventoryItem.category))
        .order_by(InventoryItem.name)
        .limit(100)
        .all()
    )
    return render_template("inventory/list.html", items=items)


@bp.route("/inventory/new", methods=["GET", "POST"])
@login_required
def new():
    if request.method == "POST":
        name = request.form.get("name", "").strip()[:120]
        unit = request.form.get("unit", "").strip()[:12]
        if not name or not unit:
            flash("A name and a unit, please.")
            return render_template("inventory/form.html", item=None), 400
        item = InventoryItem(organization_id=current_user.organization_id, name=name, unit=unit)
        item.reorder_level = to_int(request.form.get("reorder_level"))
        db.session.add(item)
        log_action(current_user, "item.create", name)
        db.session.commit()
        return redirect(url_for("inventory.detail", item_id=item.id))
    return render_template("inventory/form.html", item=None)


@bp.route("/inventory/<int:item_id>")
@login_required
def detail(item_id):
    item = get_item(current_user.organization_id, item_id)
    lots = (
        InventoryHistory.query.filter_by(inventory_item_id=item.id).order_by(InventoryHistory.timestamp).limit(50).all()
    )
    return render_template("inventory/detail.html", item=item, lots=lots)


@bp.route("/inventory/<int:item_id>/edit", methods=["GET", "POST"])
@login_required
def edit(item_id):
    item = get_item(current_user.organization_id, item_id)
    if request.method == "POST":
        if not request.form.get("name"):
            flash("A name, please.")
            return render_template("inventory/form.html", item=item), 400
        item.name = request.form["name"].strip()[:120]
        item.notes = request.form.get("notes", "")[:2000]
        log_action(current_user, "item.update", item.name)
        db.session.commit()
        return redirect(url_for("inventory.detail", item_id=item_id))
    return render_template("inventory/form.html", item=item)


@bp.route("/inventory/<int:item_id>/adjust", methods=["POST"])
@login_required
def adjust(item_id):
    item = get_item(current_user.organization_id, item_id)
    quantity = int(request.form.get("quantity"))
    if not 0 < abs(quantity) <= 1_000_000:
        abort(400)
    if quantity > 0:
        add_lot(item, quantity)
    elif consume_fifo(item, -quantity):
        db.session.rollback()
        flash("There is not enough stock.")
        return redirect(url_for("inventory.detail", item_id=item_id))
    log_action(current_user, "item.adjust", item.name)
    db.session.commit()
    return redirect(url_for("inventory.detail", item_id=item_id))


@bp.route("/inventory/<int:item_id>/archive", methods=["GET", "POST"])
@login_required
def archive(item_id):
    item = get_item(current_user.organization_id, item_id)
    item.archived_at = utcnow()
    log_action(current_user, "item.archive", item.name)
    db.session.commit()
    return redirect(url_for("inventory.index"))


@bp.route("/inventory/expiring")
@login_required
def expiring():
    lots = (
        InventoryHistory.query.filter_by(organization_id=current_user.organization_id)
        .filter(InventoryHistory.expiration_date <= utcnow().date() + timedelta(days=30))
        .options(joinedload(InventoryHistory.item))
        .order_by(InventoryHistory.expiration_date)
        .limit(100)
        .all()
    )
    return render_template("inventory/expiring.html", lots=lots)


@bp.route("/categories/", methods=["GET", "POST"])
@login_required
def categories():
    if request.method == "POST":
        name = request.form.get("name", "").strip()[:80]
        if name:
            db.session.add(Category(organization_id=current_user.organization_id, name=name))
            db.session.commit()
        return redirect(url_for("inventory.categories"))
    rows = []
    for category in Category.query.filter_by(organization_id=current_user.organization_id).limit(100).all():
        count = InventoryItem.query.filter_by(category_id=category.id).count()
        rows.append((category.name, count))
    return render_template("inventory/categories.html", rows=rows)
