import hashlib
import secrets
from datetime import timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required, login_user, logout_user
from werkzeug.security import check_password_hash, generate_password_hash

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import PasswordResetToken, User
from stockroom_legacy.extensions import limiter

bp = Blueprint("auth", __name__, url_prefix="/auth")


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        user = User.query.filter_by(username=request.form.get("username", "")).first()
        if user and check_password_hash(user.password_hash, request.form.get("password", "")):
            login_user(user)
            return redirect(request.args.get("next") or url_for("dashboard.index"))
        flash("Wrong user name or password.")
    return render_template("login.html")


@bp.route("/logout")
@limiter.limit("30 per minute")
@login_required
def logout():
    current_user.session_version += 1
    db.session.commit()
    logout_user()
    return redirect(url_for("auth.login"))


@bp.route("/forgot-password", methods=["GET", "POST"])
@limiter.limit("5 per minute")
def forgot_password():
    if request.method == "POST":
        user = User.query.filter_by(email=request.form.get("email", "")).first()
        if user:
            token = secrets.token_urlsafe(32)
            digest = hashlib.sha256(token.encode()).hexdigest()
            expires = utcnow() + timedelta(hours=2)
            db.session.add(PasswordResetToken(user_id=user.id, token_hash=digest, expires_at=expires))
            db.session.commit()
            send_mail(user.email, url_for("auth.reset_password", token=token, _external=True))
        flash("A link is on its way.")
        return redirect(url_for("auth.login"))
    return render_template("forgot.html")


@limiter.limit("5 per minute")
@bp.route("/reset-password/<token>", methods=["GET", "POST"])
def reset_password(token):
    digest = hashlib.sha256(token.encode()).hexdigest()
    row = PasswordResetToken.query.filter_by(token_hash=digest, used_at=None).first_or_404()
    password = request.form.get("password", "")
    if request.method == "POST" and len(password) >= 8 and row.expires_at > utcnow():
        row.used_at = utcnow()
        row.user.password_hash = generate_password_hash(password)
        db.session.commit()
        return redirect(url_for("auth.login"))
    return render_template("reset.html")


def send_mail(address, link):
    current_app.logger.info("Mail to %s: %s", address, link)
