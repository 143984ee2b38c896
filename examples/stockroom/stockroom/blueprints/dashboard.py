"""The first page, the activity, search and the health check."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.services import audit, reports

bp = Blueprint("dashboard", __name__)


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    return render_template("dashboard.html", board=reports.dashboard(web.organization_id()))


@bp.get("/activity")
@login_required
def activity() -> ResponseReturnValue:
    return render_template("activity.html", page=audit.activity(web.organization_id(), web.wanted_slice()))


@bp.get("/search")
@login_required
def search() -> ResponseReturnValue:
    text = web.query_text("q")
    return render_template("search.html", text=text, hits=reports.search(web.organization_id(), text))


@bp.get("/healthz")
def health() -> ResponseReturnValue:
    return jsonify(status="ok")
