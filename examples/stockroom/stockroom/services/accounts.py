"""Users: passwords, resets, roles and sessions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.security import check_password_hash, generate_password_hash

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import OAuthIdentity, PasswordResetToken, Role, User
from stockroom.services import audit
from stockroom.services.errors import Conflict, InvalidInput, NotFound

RESET_LIFETIME = timedelta(minutes=30)
# Checked when the user name is unknown, so that the answer takes the same time.
_UNKNOWN_USER_HASH = generate_password_hash(secrets.token_urlsafe(16), method="pbkdf2:sha256:60000")


def load_session_user(session_id: str) -> User | None:
    """The user of a session cookie, unless that session was ended."""
    user_id, _, version = session_id.partition(":")
    if not (user_id.isdecimal() and version.isdecimal() and len(user_id) < 10 and len(version) < 10):
        return None
    user: User | None = db.session.scalar(
        select(User)
        .where(User.id == int(user_id), User.session_version == int(version), User.active.is_(True))
        .options(joinedload(User.role), joinedload(User.organization))
    )
    return user


def authenticate(username: str, password: str) -> User | None:
    user: User | None = db.session.scalar(
        select(User)
        .where(User.username == username, User.active.is_(True))
        .options(joinedload(User.role), joinedload(User.organization))
    )
    correct = check_password_hash(user.password_hash if user else _UNKNOWN_USER_HASH, password)
    if user is None or not correct:
        return None
    user.last_seen_at = utcnow()
    audit.record(user, "login", user.username)
    db.session.commit()
    return user


def end_sessions(user: User) -> None:
    user.session_version += 1
    audit.record(user, "logout", user.username)
    db.session.commit()


def change_password(user: User, current: str, new: str, method: str) -> None:
    if not check_password_hash(user.password_hash, current):
        raise InvalidInput("The current password is not correct.", {"current": "Not correct."})
    user.password_hash = generate_password_hash(new, method=method)
    user.session_version += 1
    audit.record(user, "password.change", user.username)
    db.session.commit()


def start_reset(email: str) -> tuple[User, str] | None:
    """A fresh token for the account of this address, or None without one; the caller answers both alike."""
    user = db.session.scalar(select(User).where(func.lower(User.email) == email.lower(), User.active.is_(True)))
    if user is None:
        return None
    token = secrets.token_urlsafe(32)
    db.session.add(PasswordResetToken(user_id=user.id, token_hash=_digest(token), expires_at=utcnow() + RESET_LIFETIME))
    db.session.commit()
    return user, token


def reset_is_open(token: str) -> bool:
    return _open_token(token) is not None


def finish_reset(token: str, password: str, method: str) -> None:
    row = _open_token(token)
    if row is None:
        raise NotFound("This link is no longer valid.")
    row.used_at = utcnow()
    row.user.password_hash = generate_password_hash(password, method=method)
    row.user.session_version += 1
    audit.record(row.user, "password.reset", row.user.username)
    db.session.commit()


def user_of_identity(issuer: str, subject: str, email: str, *, email_verified: bool) -> User | None:
    """The account of an OpenID subject; a first log-in links it by a verified address."""
    identity = db.session.scalar(
        select(OAuthIdentity)
        .where(OAuthIdentity.issuer == issuer, OAuthIdentity.subject == subject)
        .options(joinedload(OAuthIdentity.user))
    )
    if identity is not None:
        linked: User = identity.user
        return linked if linked.active else None
    if not email_verified:
        return None
    user = db.session.scalar(select(User).where(func.lower(User.email) == email.lower(), User.active.is_(True)))
    if user is not None:
        db.session.add(OAuthIdentity(user_id=user.id, issuer=issuer, subject=subject))
        audit.record(user, "oauth.link", issuer)
        db.session.commit()
    return user


def team(organization_id: int) -> Sequence[User]:
    return db.session.scalars(
        select(User)
        .where(User.organization_id == organization_id)
        .options(joinedload(User.role))
        .order_by(User.username)
        .limit(200)
    ).all()


def roles() -> Sequence[Role]:
    return db.session.scalars(select(Role).order_by(Role.id).limit(20)).all()


def invite(actor: User, username: str, email: str, full_name: str, role_id: int, method: str) -> User:
    taken = db.session.scalar(select(User.id).where((User.username == username) | (User.email == email)).limit(1))
    if taken is not None:
        raise Conflict("This user name or address is taken.")
    user = User(
        organization_id=actor.organization_id,
        role_id=_role(role_id).id,
        username=username,
        email=email,
        full_name=full_name,
        password_hash=generate_password_hash(secrets.token_urlsafe(24), method=method),
    )
    db.session.add(user)
    audit.record(actor, "user.invite", username)
    db.session.commit()
    return user


def set_role(actor: User, user_id: int, role_id: int) -> None:
    user = db.session.scalar(select(User).where(User.id == user_id, User.organization_id == actor.organization_id))
    if user is None:
        raise NotFound("No such user.")
    if user.id == actor.id:
        raise Conflict("You cannot change your own role.")
    user.role_id = _role(role_id).id
    audit.record(actor, "user.role", user.username)
    db.session.commit()


def set_theme(user: User, theme: str) -> None:
    user.theme = theme
    db.session.commit()


def _role(role_id: int) -> Role:
    role = db.session.get(Role, role_id)
    if role is None:
        raise InvalidInput("No such role.", {"role_id": "Unknown."})
    return role


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _open_token(token: str) -> PasswordResetToken | None:
    return db.session.scalar(
        select(PasswordResetToken)
        .where(
            PasswordResetToken.token_hash == _digest(token),
            PasswordResetToken.used_at.is_(None),
            PasswordResetToken.expires_at > utcnow(),
        )
        .options(joinedload(PasswordResetToken.user))
    )
