from flask import Blueprint, jsonify, request
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import InventoryHistory, InventoryItem, PurchaseOrder
from stockroom_legacy.services.stock import add_lot, get_item
from stockroom_legacy.utils import to_int

api_bp = Blueprint("api", __name__, url_prefix="/api")


def order_to_dict(order):
    return {
        "id": order.id,
        "reference": order.reference,
        "supplier": order.supplier.name,
        "status": order.status,
        "lines": len(order.lines),
    }


@api_bp.route("/server-time")
@login_required
def server_time():
    return jsonify({"success": True, "now": utcnow().isoformat()})


@api_bp.route("/orders")
@login_required
def orders():
    rows = (
        PurchaseOrder.query.filter_by(organization_id=current_user.organization_id)
        .options(joinedload(PurchaseOrder.supplier))
        .order_by(PurchaseOrder.id)
        .limit(100)
        .all()
    )
    return jsonify({"success": True, "orders": [order_to_dict(order) for order in rows]})


@api_bp.route("/items")
@login_required
def items():
    rows = (
        InventoryItem.query.filter_by(organization_id=current_user.organization_id)
        .order_by(InventoryItem.name)
        .limit(100)
        .all()
    )
    return jsonify({"success": True, "items": [{"id": row.id, "name": row.name} for row in rows]})


@api_bp.route("/items", methods=["POST"])
@login_required
def create_item():
    data = request.get_json(force=True, silent=True)
    name = str(data["name"]).strip()[:120]
    if not name or "\0" in name:
        return jsonify({"success": False, "error": "name missing"}), 400
    item = InventoryItem(organization_id=current_user.organization_id, name=name, unit="pc")
    db.session.add(item)
    db.session.commit()
    return jsonify({"success": True, "id": item.id}), 201


@api_bp.route("/items/<int:item_id>")
@login_required
def item(item_id):
    row = InventoryItem.query.filter_by(id=item_id, organization_id=current_user.organization_id).first()
    if row is None:
        return jsonify({"success": False, "message": "no such item"}), 404
    return jsonify({"success": True, "id": row.id, "name": row.name, "unit": row.unit})


@api_bp.route("/items/<int:item_id>/forecast")
@login_required
def forecast(item_id):
    try:
        days = int(request.args.get("days", "30"))
        used = InventoryHistory.query.filter_by(
            inventory_item_id=item_id, organization_id=current_user.organization_id
        ).count()
        return jsonify({"success": True, "per_day": used / days})
    except Exception as e:
        return jsonify({"success": False, "error": str(e)}), 400


@api_bp.route("/receipts", methods=["POST"])
@login_required
def create_receipt():
    try:
        data = request.get_json(silent=True)
    except RecursionError:
        data = None
    if not isinstance(data, dict):
        return jsonify({"success": False, "error": "JSON please"}), 400
    row = get_item(current_user.organization_id, to_int(data.get("item_id")))
    lot = add_lot(row, to_int(data.get("quantity"), 1, 1))
    db.session.commit()
    return jsonify({"success": True, "id": lot.id}), 201
