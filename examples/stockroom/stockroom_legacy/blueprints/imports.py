from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import AuditLog, Category, InventoryHistory, InventoryItem, Supplier

bp = Blueprint("imports", __name__, url_prefix="/imports")


@bp.route("/stock", methods=["GET", "POST"])
@login_required
def stock():
    if request.method == "GET":
        return render_template("imports.html", problems=[], created=0, updated=0)

    text = request.form.get("rows", "")
    lines = [line for line in text.replace("\r", "").split("\n") if line.strip()]
    if not lines:
        flash("Paste some rows first.")
        return redirect(url_for("imports.stock"))
    if len(lines) > 500:
        flash("At most 500 rows, please.")
        return redirect(url_for("imports.stock"))

    problems = []
    created = 0
    updated = 0
    categories = {
        category.name.lower(): category
        for category in Category.query.filter_by(organization_id=current_user.organization_id).limit(500)
    }
    suppliers = {
        supplier.name.lower(): supplier
        for supplier in Supplier.query.filter_by(organization_id=current_user.organization_id).limit(500)
    }
    items = {
        item.name.lower(): item
        for item in InventoryItem.query.filter_by(organization_id=current_user.organization_id).limit(5000)
    }

    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split(";")]
        if len(cells) < 3:
            problems.append(f"Row {number}: name, unit and quantity are needed.")
            continue
        name = cells[0][:120]
        unit = cells[1][:12]
        if not name:
            problems.append(f"Row {number}: the name is empty.")
            continue
        if not unit:
            problems.append(f"Row {number}: the unit is empty.")
            continue
        try:
            quantity = int(cells[2])
        except ValueError:
            problems.append(f"Row {number}: the quantity is not a number.")
            continue
        if quantity < 0 or quantity > 1_000_000:
            problems.append(f"Row {number}: the quantity is out of range.")
            continue
        cost = 0
        if len(cells) > 3 and cells[3]:
            try:
                cost = round(float(cells[3].replace(",", ".")) * 100)
            except (ValueError, OverflowError):
                problems.append(f"Row {number}: the cost is not a number.")
                continue
            if cost < 0 or cost > 100_000_000:
                problems.append(f"Row {number}: the cost is out of range.")
                continue
        category = None
        if len(cells) > 4 and cells[4]:
            category = categories.get(cells[4].lower())
            if category is None:
                category = Category(organization_id=current_user.organization_id, name=cells[4][:80])
                db.session.add(category)
                categories[cells[4].lower()] = category
        supplier = None
        if len(cells) > 5 and cells[5]:
            supplier = suppliers.get(cells[5].lower())
            if supplier is None:
                problems.append(f"Row {number}: the supplier is unknown.")
                continue

        item = items.get(name.lower())
        if item is None:
            item = InventoryItem(organization_id=current_user.organization_id, name=name, unit=unit)
            item.category = category
            item.supplier = supplier
            db.session.add(item)
            items[name.lower()] = item
            created += 1
        else:
            if category is not None:
                item.category = category
            if supplier is not None:
                item.supplier = supplier
            item.archived_at = None
            updated += 1
        if quantity:
            db.session.add(
                InventoryHistory(
                    organization_id=current_user.organization_id,
                    item=item,
                    quantity=quantity,
                    remaining_quantity=quantity,
                    unit_cost_cents=cost,
                    timestamp=utcnow(),
                )
            )

    if problems and not request.form.get("anyway"):
        db.session.rollback()
        return render_template("imports.html", problems=problems, created=0, updated=0), 400
    db.session.add(
        AuditLog(
            organization_id=current_user.organization_id,
            user_id=current_user.id,
            action="import.stock",
            subject=f"{created} new, {updated} changed",
        )
    )
    db.session.commit()
    return render_template("imports.html", problems=problems, created=created, updated=updated)
