"""Who may do what."""

from flask import abort
from flask_login import current_user


def manager_required(view):
    def wrapper(*args, **kwargs):
        if not current_user.is_authenticated:
            abort(401)
        if not current_user.role.can_manage:
            abort(403)
        return view(*args, **kwargs)

    return wrapper


def partner_key_required(view):
    return manager_required(view)
