from flask import Blueprint, jsonify, render_template, request
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import AuditLog, InventoryItem, Product
from stockroom_legacy.services import stats

bp = Blueprint("dashboard", __name__)

RECENT_SEARCHES = []


@bp.route("/")
@login_required
def index():
    counts = stats.dashboard_counts(current_user.organization_id)
    return render_template("dashboard.html", counts=counts)


@bp.route("/audit")
@login_required
def audit():
    query = AuditLog.query.filter_by(organization_id=current_user.organization_id)
    if request.args.get("action"):
        query = query.filter_by(action=request.args["action"])
    entries = query.options(joinedload(AuditLog.user)).order_by(AuditLog.created_at.desc()).all()
    return render_template("audit.html", entries=entries)


@bp.route("/notifications", methods=["GET", "POST"])
@login_required
def notifications():
    entries = (
        AuditLog.query.filter_by(organization_id=current_user.organization_id)
        .order_by(AuditLog.created_at.desc())
        .limit(10)
        .all()
    )
    page = render_template("notifications.html", entries=entries)
    current_user.last_seen_at = utcnow()
    db.session.commit()
    return page


@bp.route("/search")
@login_required
def search():
    text = request.args.get("q", "")[:100]
    RECENT_SEARCHES.append({"user": current_user.username, "text": text, "context": [text] * 50})
    hits = []
    if text:
        for model in (InventoryItem, Product):
            hits += (
                model.query.filter_by(organization_id=current_user.organization_id)
                .filter(model.name.icontains(text, autoescape=True))
                .limit(20)
                .all()
            )
    return render_template("search.html", text=text, hits=hits)


@bp.route("/healthz")
def health():
    return jsonify({"status": "ok"})
