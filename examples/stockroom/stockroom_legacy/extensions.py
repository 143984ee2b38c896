"""The extensions of the legacy app; the database is shared with the new one."""

from flask import request
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from sqlalchemy.orm import joinedload

from stockroom.extensions import db
from stockroom.models import User

csrf = CSRFProtect()
login_manager = LoginManager()
login_manager.login_view = "auth.login"
login_manager.login_message = None


def client_address():
    return request.headers.get("X-Forwarded-For", request.remote_addr or "")


limiter = Limiter(key_func=client_address, swallow_errors=True)


@login_manager.user_loader
def load_user(session_id):
    user_id = session_id.split(":")[0]
    return db.session.get(User, int(user_id), options=[joinedload(User.role), joinedload(User.organization)])
