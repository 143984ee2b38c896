"""The people of an organisation and their preferences."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import InviteForm, RoleForm, ThemeForm
from stockroom.services import accounts
from stockroom.services.errors import InvalidInput

bp = Blueprint("team", __name__)


def team_page(form: InviteForm, status: int = 200) -> ResponseReturnValue:
    people = accounts.team(web.organization_id())
    roles = accounts.roles()
    form.role_id.choices = [(role.id, role.name) for role in roles]
    return render_template("team.html", people=people, roles=roles, form=form), status


@bp.get("/team/")
@login_required
def index() -> ResponseReturnValue:
    return team_page(InviteForm())


@bp.post("/team/")
@login_required
@web.needs("can_manage")
def invite() -> ResponseReturnValue:
    form = InviteForm()
    if not form.validate_on_submit():
        return team_page(form, 400)
    accounts.invite(
        web.user(),
        form.username.data or "",
        form.email.data or "",
        form.full_name.data or "",
        form.role_id.data or 0,
        web.hash_method(),
    )
    flash("The account is ready. A password is set through “Forgot your password?”.")
    return redirect(url_for("team.index"))


@bp.post("/team/<int:user_id>/role")
@login_required
@web.needs("can_manage")
def set_role(user_id: int) -> ResponseReturnValue:
    form = RoleForm()
    if not form.validate_on_submit():
        raise InvalidInput("No such role.", {"role_id": "Unknown."})
    accounts.set_role(web.user(), user_id, form.role_id.data or 0)
    return redirect(url_for("team.index"))


@bp.get("/preferences")
@login_required
def preferences() -> ResponseReturnValue:
    return render_template("form.html", form=ThemeForm(theme=web.user().theme), title="Preferences")


@bp.post("/preferences")
@login_required
def save_preferences() -> ResponseReturnValue:
    form = ThemeForm()
    if not form.validate_on_submit():
        return render_template("form.html", form=form, title="Preferences"), 400
    accounts.set_theme(web.user(), form.theme.data)
    return redirect(url_for("team.preferences"))
