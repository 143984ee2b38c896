"""The audit trail."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from stockroom.extensions import db
from stockroom.models import AuditLog, User
from stockroom.services.paging import Page, Slice, paginate


def record(user: User, action: str, subject: str) -> None:
    """Adds a row to the caller's transaction."""
    db.session.add(
        AuditLog(organization_id=user.organization_id, user_id=user.id, action=action, subject=subject[:200])
    )


def activity(organization_id: int, wanted: Slice) -> Page[AuditLog]:
    statement = (
        select(AuditLog)
        .where(AuditLog.organization_id == organization_id)
        .order_by(AuditLog.created_at.desc(), AuditLog.id.desc())
    )
    return paginate(AuditLog, statement, wanted, joinedload(AuditLog.user))
