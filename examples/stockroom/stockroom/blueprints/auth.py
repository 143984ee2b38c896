"""Log in, log out, passwords. Every route here is limited per address."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user

from stockroom import web
from stockroom.extensions import limiter
from stockroom.forms import ChangePasswordForm, ForgotForm, LoginForm, NewPasswordForm
from stockroom.models import User
from stockroom.services import accounts
from stockroom.services.errors import InvalidInput

bp = Blueprint("auth", __name__, url_prefix="/auth")
limiter.limit("60 per minute")(bp)


def start_session(user: User, *, remember: bool = False) -> None:
    """A fresh session, so that nothing planted before the log-in survives it."""
    session.clear()
    login_user(user, remember=remember)
    session.permanent = True


@bp.get("/login")
@limiter.limit("60 per minute")
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("dashboard.index"))
    return render_template("auth/login.html", form=LoginForm())


@bp.post("/login")
@limiter.limit("10 per minute")
def login_submit() -> ResponseReturnValue:
    form = LoginForm()
    if form.validate_on_submit():
        user = accounts.authenticate(form.username.data or "", form.password.data or "")
        if user is not None:
            start_session(user, remember=bool(form.remember.data))
            return redirect(web.local_target(request.args.get("next")))
    flash("User name or password is not correct.")
    return render_template("auth/login.html", form=form), 400


@bp.post("/logout")
@limiter.limit("30 per minute")
@login_required
def logout() -> ResponseReturnValue:
    accounts.end_sessions(web.user())
    logout_user()
    session.clear()
    return redirect(url_for("auth.login"))


@bp.get("/forgot-password")
@limiter.limit("30 per minute")
def forgot() -> ResponseReturnValue:
    return render_template("auth/forgot.html", form=ForgotForm())


@bp.post("/forgot-password")
@limiter.limit("5 per minute")
def forgot_submit() -> ResponseReturnValue:
    form = ForgotForm()
    if not form.validate_on_submit():
        return render_template("auth/forgot.html", form=form), 400
    started = accounts.start_reset(form.email.data or "")
    if started is not None:
        user, token = started
        web.mailer().send(user.email, "Your password", web.public_url("auth.reset", token=token))
    flash("If there is an account for this address, a link is on its way.")
    return redirect(url_for("auth.login"))


@bp.get("/reset-password/<token>")
@limiter.limit("30 per minute")
def reset(token: str) -> ResponseReturnValue:
    if not accounts.reset_is_open(token):
        abort(404)
    return render_template("auth/reset.html", form=NewPasswordForm())


@bp.post("/reset-password/<token>")
@limiter.limit("5 per minute")
def reset_submit(token: str) -> ResponseReturnValue:
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return render_template("auth/reset.html", form=form), 400
    accounts.finish_reset(token, form.password.data or "", web.hash_method())
    flash("The password is changed. Please log in.")
    return redirect(url_for("auth.login"))


@bp.get("/change-password")
@limiter.limit("30 per minute")
@login_required
def change_password() -> ResponseReturnValue:
    return render_template("auth/change.html", form=ChangePasswordForm())


@bp.post("/change-password")
@limiter.limit("5 per minute")
@login_required
def change_password_submit() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if not form.validate_on_submit():
        return render_template("auth/change.html", form=form), 400
    try:
        accounts.change_password(web.user(), form.current.data or "", form.password.data or "", web.hash_method())
    except InvalidInput as error:
        flash(error.message)
        return render_template("auth/change.html", form=form), 400
    start_session(web.user())
    return redirect(url_for("dashboard.index"))
