"""A shop with plain SQLAlchemy or Flask-SQLAlchemy, whose handler reads, adds, writes, and sends a mail."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool
from werkzeug.test import TestResponse

from seatrial.kit.errors import init_errors
from seatrial.kit.ports.fakes import FakePayments
from seatrial.kit.webhooks import Backoff, Effects, StripeService, WebhookEvent, WebhookLedger, receive
from seatrial.kit.webhooks.signature import sign

SECRET = "whsec_of_the_tests"
PATH = "/webhooks/stripe"
FLAVOURS = ("sessionmaker", "scoped_session", "flask_sqlalchemy")


class Clock:
    """The time, which tests move."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Outbox:
    """Mails of all processes in one file; a line is written before anybody can die. One effect per key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, key: str, text: str) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{key} {text}\n".encode())
        os.close(handle)

    def effects(self) -> set[str]:
        return set(self.path.read_text().splitlines()) if self.path.exists() else set()


@dataclass
class Shop:
    app: Flask
    engine: sa.Engine
    metadata: sa.MetaData
    service: StripeService
    effects: Effects
    payments: FakePayments
    clock: Clock
    outbox: Outbox
    session: Any

    @property
    def ledger(self) -> WebhookLedger:
        return self.service.ledger

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def deliver(self, body: bytes, **changes: Any) -> TestResponse:
        changes.setdefault("age", -self.clock.ahead.total_seconds())
        return self.client.post(PATH, data=body, headers=signed(body, **changes), content_type="application/json")

    def rows(self, name: str = "stripe_events") -> list[dict[str, Any]]:
        table = self.metadata.tables[name]
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings()]

    def row(self) -> dict[str, Any]:
        [row] = self.rows()
        return row

    def credits(self) -> int:
        return int(self.rows("account")[0]["credits"])

    def state(self) -> Any:
        """What one clean delivery must have left: all data, less times, surrogate keys and the count of tries."""
        volatile = {"id", "created_at", "processed_at", "attempts"}
        data = {
            name: [{key: value for key, value in row.items() if key not in volatile} for row in self.rows(name)]
            for name in sorted(self.metadata.tables)
        }
        done = [row["processed_at"] is not None for row in self.rows()]
        return data, done, self.outbox.effects()

    def reset(self) -> None:
        with self.engine.begin() as connection:
            for table in reversed(self.metadata.sorted_tables):
                connection.execute(table.delete())
            connection.execute(self.metadata.tables["account"].insert().values(id=1, customer="cus_1", credits=100))
        self.outbox.path.unlink(missing_ok=True)

    def close(self) -> None:
        self.metadata.drop_all(self.engine)
        self.engine.dispose()


def event(event_id: str = "evt_1", kind: str = "checkout.session.completed", **about: Any) -> dict[str, Any]:
    subject = {"id": "cs_1", "object": "checkout.session", "customer": "cus_1", **about}
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2024-06-20",
        "created": 1_700_000_000,
        "livemode": False,
        "pending_webhooks": 1,
        "type": kind,
        "data": {"object": subject},
    }


def body(event_id: str = "evt_1", kind: str = "checkout.session.completed", **about: Any) -> bytes:
    return json.dumps(event(event_id, kind, **about)).encode()


def signed(payload: bytes, secret: str = SECRET, age: float = 0) -> dict[str, str]:
    return {"Stripe-Signature": sign(payload, secret, int(time.time() - age))}


def build(url: str, folder: Path, flavour: str = "flask_sqlalchemy", *, pool: Any = NullPool, **options: Any) -> Shop:
    """The app on a database whose tables are made anew by `create`."""
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": pool}
    metadata = sa.MetaData()
    session: Any
    if flavour == "flask_sqlalchemy":
        db = SQLAlchemy(app, metadata=metadata)
        session, metadata = db.session, db.metadatas[None]
        with app.app_context():
            engine = db.engine
    else:
        engine = sa.create_engine(url, poolclass=pool)
        maker = sessionmaker(engine)
        session = scoped_session(maker) if flavour == "scoped_session" else maker
        if flavour == "scoped_session":
            app.teardown_appcontext(lambda _: session.remove())
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    sa.Table(
        "account",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer", sa.String(40), unique=True),
        sa.Column("credits", sa.Integer, nullable=False),
    )
    sa.Table(
        "purchase",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account_id", sa.ForeignKey("account.id")),
        sa.Column("note", sa.String(80), nullable=False, unique=True),
    )
    clock = options.pop("clock", None) or Clock()
    ledger = WebhookLedger(session, metadata, clock=clock, backoff=options.pop("backoff", Backoff()), **options)
    payments, outbox = FakePayments(), Outbox(folder / "outbox.txt")
    service = StripeService(ledger, secrets=SECRET, payments=lambda: payments)
    effects = Effects(metadata)
    shop = Shop(app, engine, metadata, service, effects, payments, clock, outbox, session)

    @service.on("checkout.session.completed")
    def complete(session: Session, event: WebhookEvent) -> None:
        account, purchase = metadata.tables["account"], metadata.tables["purchase"]
        found = session.execute(sa.select(account).where(account.c.customer == event.object["customer"])).one()
        session.execute(account.update().where(account.c.id == found.id).values(credits=found.credits + 10))
        session.execute(purchase.insert().values(account_id=found.id, note=event.id))
        outbox.send(event.key("mail"), "thanks")

    init_errors(app)
    service.init_app(app)
    app.add_url_rule(PATH, "stripe_webhook", lambda: receive(service), methods=["POST"])
    return shop


@contextmanager
def opened(url: str, folder: Path, flavour: str = "flask_sqlalchemy", **options: Any) -> Iterator[Shop]:
    shop = build(url, folder, flavour, **options)
    shop.metadata.drop_all(shop.engine)
    shop.metadata.create_all(shop.engine)
    shop.reset()
    try:
        yield shop
    finally:
        shop.close()
