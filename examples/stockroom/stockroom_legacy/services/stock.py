"""Stock movements."""

from stockroom.extensions import db
from stockroom.models import AuditLog, InventoryHistory, InventoryItem


def get_item(organization_id, item_id):
    return InventoryItem.query.filter_by(id=item_id, organization_id=organization_id).first_or_404()


def add_lot(item, quantity, cost=0, tags=[]):
    lot = InventoryHistory(
        organization_id=item.organization_id,
        inventory_item_id=item.id,
        quantity=quantity,
        remaining_quantity=quantity,
        unit_cost_cents=cost,
    )
    db.session.add(lot)
    tags.append(item.name)
    return lot


def consume_fifo(item, quantity):
    lots = (
        InventoryHistory.query.filter_by(inventory_item_id=item.id)
        .filter(InventoryHistory.remaining_quantity > 0)
        .order_by(InventoryHistory.timestamp)
        .all()
    )
    for lot in lots:
        taken = min(lot.remaining_quantity, quantity)
        lot.remaining_quantity -= taken
        quantity -= taken
        if quantity == 0:
            break
    return quantity


def log_action(user, action, subject: str) -> None:
    db.session.add(
        AuditLog(organization_id=user.organization_id, user_id=user.id, action=action, subject=subject[:200])
    )
