"""The subscription of an organisation and the payment events that changed it."""

from __future__ import annotations

from datetime import datetime

from seatrial.kit.webhooks import stripe_events_table
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from stockroom.clock import utcnow
from stockroom.extensions import Model


class Subscription(Model):
    __tablename__ = "subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), unique=True)
    plan: Mapped[str] = mapped_column(String(20), default="free")
    status: Mapped[str] = mapped_column(String(20), default="active")
    stripe_customer_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    credits: Mapped[int] = mapped_column(default=0)
    last_event_at: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class StripeEvent(Model):
    """One event as Stripe sent it. The row says *seen*; only `status` says *done*."""

    __table__ = stripe_events_table(Model.metadata)
