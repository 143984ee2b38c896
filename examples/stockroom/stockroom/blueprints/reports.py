"""Reports, on the page and as a file."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.services import reports

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    return render_template("reports/index.html")


@bp.get("/stock-value")
@login_required
def stock_value() -> ResponseReturnValue:
    return render_template("reports/stock.html", rows=reports.stock(web.organization_id()))


@bp.get("/stock.csv")
@login_required
def stock_csv() -> ResponseReturnValue:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(("item", "unit", "category", "on hand", "value in cents"))
    for row in reports.stock(web.organization_id()):
        writer.writerow((plain(row.name), plain(row.unit), plain(row.category), row.on_hand, row.value_cents))
    return Response(
        target.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=stock.csv"},
    )


def plain(text: str) -> str:
    """Spreadsheets run what begins like a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
