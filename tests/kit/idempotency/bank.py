"""An API that moves money once per key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import NullPool
from werkzeug.test import TestResponse

from seatrial.kit.errors import init_errors
from seatrial.kit.idempotency import IdempotencyKeys

KEY = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'


class Bank:
    def __init__(self, url: str, **options: Any) -> None:
        self.app = Flask("bank")
        # A short wait: on SQLite, whoever writes at the same time is told so instead of being kept.
        arguments = {"timeout": 0.2} if url.startswith("sqlite") else {}
        self.app.config["SQLALCHEMY_DATABASE_URI"] = url
        self.app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": NullPool, "connect_args": arguments}
        self.db = SQLAlchemy(self.app)
        self.metadata = self.db.metadatas[None]
        self.transfer = sa.Table(
            "transfer",
            self.metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("amount", sa.Integer, nullable=False),
        )
        self.ahead = timedelta()
        self.calls = 0
        options.setdefault("owner", lambda: request.headers.get("X-User"))
        self.keys = IdempotencyKeys(
            self.db.session, self.metadata, clock=lambda: datetime.now(UTC) + self.ahead, **options
        )
        init_errors(self.app, rollback=self.db.session.rollback)
        for path, view in (("/transfers", self.move), ("/refunds", self.refund), ("/odd", self.odd)):
            protected = self.keys.protect(required=path == "/transfers")(view)
            self.app.add_url_rule(path, path.strip("/"), protected, methods=["POST"])
        with self.app.app_context():
            self.engine = self.db.engine

    def move(self) -> Any:
        self.calls += 1
        amount = (request.get_json(silent=True) or request.form)["amount"]
        self.db.session.execute(self.transfer.insert().values(amount=int(amount)))
        if int(amount) > 1000:
            abort(422, "too much")
        return jsonify(number=self.calls), 201, {"Location": f"/transfers/{self.calls}", "Set-Cookie": "seen=1"}

    def refund(self) -> Any:
        self.calls += 1
        self.db.session.execute(self.transfer.insert().values(amount=-1))
        return {"number": self.calls}

    def odd(self) -> Any:
        """Does what it is told."""
        self.calls += 1
        told = request.get_json()
        self.db.session.execute(self.transfer.insert().values(amount=1))
        if told.get("commit"):
            self.db.session.commit()
        if told.get("rollback"):
            self.db.session.rollback()
        if told.get("raise"):
            raise ValueError(told["raise"])
        return "x" * told.get("length", 1), told.get("status", 200)

    def post(
        self, path: str = "/transfers", key: str | None = KEY, user: str | None = "jo", **body: Any
    ) -> TestResponse:
        headers = {"Idempotency-Key": key} if key is not None else {}
        if user is not None:
            headers["X-User"] = user
        return self.app.test_client().post(
            path, data=json.dumps(body), headers=headers, content_type="application/json"
        )

    def moved(self) -> list[int]:
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.select(self.transfer.c.amount).order_by(self.transfer.c.id)))

    def stored(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(self.keys.table).order_by(self.keys.table.c.id)))


@contextmanager
def opened(url: str, _folder: Path | None = None, **options: Any) -> Iterator[Bank]:
    bank = Bank(url, **options)
    bank.metadata.drop_all(bank.engine)
    bank.metadata.create_all(bank.engine)
    try:
        yield bank
    finally:
        bank.metadata.drop_all(bank.engine)
        bank.engine.dispose()
