from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload

from stockroom.extensions import db
from stockroom.models import Organization, Role, User
from stockroom_legacy.decorators import manager_required, partner_key_required
from stockroom_legacy.extensions import csrf
from stockroom_legacy.services.avatars import avatar_url

bp = Blueprint("settings", __name__)


def has_permission(name):
    role = Role.query.filter_by(id=current_user.role_id).first()
    return getattr(role, name)


@bp.route("/team/")
@login_required
def team():
    people = (
        User.query.filter_by(organization_id=current_user.organization_id)
        .options(joinedload(User.role))
        .order_by(User.username)
        .limit(100)
        .all()
    )
    can = {
        "invite": has_permission("can_manage"),
        "remove": has_permission("can_manage"),
        "edit": has_permission("can_write"),
    }
    return render_template("team.html", people=people, can=can, avatar_url=avatar_url)


@bp.route("/team/managers")
@login_required
def managers():
    role = Role.query.filter_by(name="owner").first_or_404()
    owners = User.query.filter_by(role_id=role.id).limit(50).all()
    people = [person for person in owners if person.organization_id == current_user.organization_id]
    return render_template("managers.html", people=people)


@bp.route("/preferences", methods=["GET", "POST"])
@login_required
def preferences():
    if request.method == "POST":
        theme = request.form.get("theme")
        if theme in ("light", "dark"):
            current_user.theme = theme
            db.session.commit()
        return redirect(url_for("settings.preferences"))
    response = make_response(render_template("preferences.html"))
    response.set_cookie(
        "theme",
        current_user.theme,
        max_age=31536000,
    )
    return response


@csrf.exempt
@partner_key_required
def partner_count():
    flash("Thank you, the count is queued.")
    return redirect(url_for("dashboard.index"))


@manager_required
def change_currency():
    currency = request.form.get("currency", "").strip().upper()
    if len(currency) == 3 and currency.isalpha():
        organization = db.session.get(Organization, current_user.organization_id)
        organization.currency = currency
        db.session.commit()
    return redirect(url_for("settings.preferences"))


bp.add_url_rule("/partner/count", "partner_count", partner_count, methods=["POST"])
bp.add_url_rule("/settings/currency", "change_currency", change_currency, methods=["POST"])
