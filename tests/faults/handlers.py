"""A webhook handler in many variants: `HANDLER` in the environment says which one `create_app` serves.

The business is always the same: credit an account (read, add, write), write a ledger row with a note that refers to
it, and ask a mail server for a receipt. The variants differ in how they take care that this happens once.
"""

import datetime as dt
import hashlib
import hmac
import json
import os
import threading
import time
import uuid

import requests
import sqlalchemy as sa
from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

MAIL_URL = "https://mail.example/send"
HANDLERS = {}
UNIQUE = set()
db = SQLAlchemy()


def handler(unique):
    def register(function):
        HANDLERS[function.__name__] = function
        if unique:
            UNIQUE.add(function.__name__)
        return function

    return register


class Account(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(120), nullable=False)
    credits = db.Column(db.Integer, nullable=False, default=0)


class Ledger(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    account_id = db.Column(db.ForeignKey("account.id"), nullable=False)
    amount = db.Column(db.Integer, nullable=False)
    invoice = db.Column(db.String(80), nullable=False)
    ref = db.Column(db.String(40), default=lambda: uuid.uuid4().hex)
    created_at = db.Column(db.DateTime, server_default=sa.func.now())


class LedgerNote(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    ledger_id = db.Column(db.ForeignKey("ledger.id"), nullable=False)
    text = db.Column(db.String(80))


class StripeEvent(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    stripe_event_id = db.Column(
        db.String(255),
        nullable=False,
        unique=os.environ.get("HANDLER", "") not in os.environ.get("NOT_UNIQUE", "").split(),
    )
    event_type = db.Column(db.String(80), nullable=False)
    status = db.Column(db.String(20), nullable=False)
    payload_hash = db.Column(db.String(64), nullable=False)
    attempts = db.Column(db.Integer, nullable=False, default=0)
    next_attempt_at = db.Column(db.DateTime)
    processed_at = db.Column(db.DateTime)
    error_message = db.Column(db.String(200))
    created_at = db.Column(db.DateTime, server_default=sa.func.now())


class Outbox(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    key = db.Column(db.String(255), nullable=False, unique=True)
    body = db.Column(db.Text, nullable=False)
    sent = db.Column(db.Boolean, nullable=False, default=False)


# ------------------------------------------------------------------------------------------- what handlers are made of
def process(event, atomic=False):
    invoice = event["data"]["object"]
    account = db.session.scalars(sa.select(Account).where(Account.email == invoice["customer_email"])).one()
    # Read, add, write: what people do, and what two different events at once undo.
    account.credits = Account.credits + 100 if atomic else account.credits + 100
    row = Ledger(account_id=account.id, amount=invoice["amount_paid"], invoice=invoice["id"])
    db.session.add(row)
    db.session.flush()
    db.session.add(LedgerNote(ledger_id=row.id, text="credited"))
    db.session.flush()


def mail(event, key):
    invoice = event["data"]["object"]
    headers = {"Idempotency-Key": key} if key else {}
    body = {"to": invoice["customer_email"], "template": "receipt", "invoice": invoice["id"]}
    requests.post(MAIL_URL, json=body, headers=headers, timeout=5).raise_for_status()


def new_event(event, raw, status):
    done = dt.datetime.now() if status == "processed" else None
    digest = hashlib.sha256(raw).hexdigest()
    return StripeEvent(
        stripe_event_id=event["id"],
        event_type=event["type"],
        status=status,
        attempts=1,
        payload_hash=digest,
        processed_at=done,
    )


def find(event):
    return db.session.scalars(sa.select(StripeEvent).where(StripeEvent.stripe_event_id == event["id"])).first()


def insert_first(event, raw, status="processed"):
    """True if this delivery is the first: INSERT .. ON CONFLICT DO NOTHING RETURNING id."""
    insert = (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert
    row = new_event(event, raw, status)
    columns = StripeEvent.__table__.c
    values = {c.name: getattr(row, c.name) for c in columns if getattr(row, c.name) is not None}
    statement = insert(StripeEvent).values(**values).on_conflict_do_nothing(index_elements=["stripe_event_id"])
    return db.session.execute(statement.returning(StripeEvent.id)).first() is not None


# -------------------------------------------------------------------------------- the variants of the chapter
@handler(unique=False)
def naive(event, raw):
    """No idempotency at all."""
    process(event)
    db.session.commit()
    mail(event, None)
    return 200


@handler(unique=False)
def check_then_act(event, raw):
    """Check, process, commit, mail, mark, commit: the pipeline in separate commits."""
    if find(event):
        return 200
    process(event)
    db.session.commit()
    mail(event, event["id"])
    db.session.add(new_event(event, raw, "processed"))
    db.session.commit()
    return 200


@handler(unique=False)
def one_transaction_no_unique(event, raw):
    """Check-then-act in one transaction, without a UNIQUE behind it."""
    if find(event):
        return 200
    process(event)
    db.session.add(new_event(event, raw, "processed"))
    mail(event, event["id"])
    db.session.commit()
    return 200


@handler(unique=True)
def on_conflict_first(event, raw):
    """INSERT .. ON CONFLICT DO NOTHING first, UNIQUE, one transaction, the event's id as key of the call."""
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    process(event)
    mail(event, event["id"])
    db.session.commit()
    return 200


@handler(unique=True)
def savepoint(event, raw):
    """The same with begin_nested() and IntegrityError."""
    try:
        with db.session.begin_nested():
            db.session.add(new_event(event, raw, "processed"))
            db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return 200
    process(event)
    mail(event, event["id"])
    db.session.commit()
    return 200


@handler(unique=True)
def outbox(event, raw):
    """Insert first; the mail goes into an outbox row and is sent after the commit (drained on redelivery)."""
    if insert_first(event, raw):
        process(event)
        db.session.add(Outbox(key=event["id"], body="receipt"))
    db.session.commit()
    for item in db.session.scalars(sa.select(Outbox).where(Outbox.sent.is_(False)).order_by(Outbox.id)).all():
        mail(event, item.key)
        item.sent = True
        db.session.commit()
    return 200


@handler(unique=True)
def claim_first(event, raw):
    """The claim is committed first, then the work: at most once."""
    db.session.add(new_event(event, raw, "processing"))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return 200
    process(event)
    row = find(event)
    row.status, row.processed_at = "processed", dt.datetime.now()
    mail(event, event["id"])
    db.session.commit()
    return 200


@handler(unique=True)
def swallow_exception(event, raw):
    """Errors are answered 200, so that the sender never has to send again."""
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    try:
        process(event)
        mail(event, event["id"])
        db.session.commit()
    except Exception:
        db.session.rollback()
    return 200


@handler(unique=True)
def any_row_is_done(event, raw):
    """One transaction and a durable record of failures, but every row that is there counts as done."""
    try:
        if not insert_first(event, raw):
            db.session.rollback()
            return 200
        process(event)
        mail(event, event["id"])
        db.session.commit()
    except Exception:
        db.session.rollback()
        db.session.add(new_event(event, raw, "failed"))
        db.session.commit()
        return 500
    return 200


@handler(unique=True)
def specified(event, raw):
    """Insert first, one conditional claim, process, mark, one commit; failures are recorded apart, and guarded."""
    try:
        insert_first(event, raw, "received")
        claim = (
            sa.update(StripeEvent)
            .where(StripeEvent.stripe_event_id == event["id"], StripeEvent.status.in_(("received", "failed", "dead")))
            .values(status="processing", attempts=StripeEvent.attempts + 1)
            .returning(StripeEvent.id)
        )
        claimed = db.session.execute(claim).first()
        if claimed is None:
            status = find(event).status
            db.session.rollback()
            return 200 if status == "processed" else 409
        process(event, atomic=True)
        mail(event, f"{event['id']}:receipt")
        db.session.execute(
            sa.update(StripeEvent)
            .where(StripeEvent.id == claimed.id)
            .values(status="processed", processed_at=dt.datetime.now(), next_attempt_at=None, error_message=None)
        )
        db.session.commit()
        return 200
    except Exception as error:
        db.session.rollback()
        record_failure(event, raw, error)
        return 500


def record_failure(event, raw, error):
    insert = (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert
    known = find(event)
    attempts = known.attempts if known else 0
    later = dt.datetime.utcnow() + dt.timedelta(seconds=min(21600, 60 * 2**attempts))
    row = {"status": "failed", "error_message": type(error).__name__, "next_attempt_at": later}
    statement = insert(StripeEvent).values(
        stripe_event_id=event["id"],
        event_type=event["type"],
        payload_hash=hashlib.sha256(raw).hexdigest(),
        attempts=1,
        **row,
    )
    status = sa.case((StripeEvent.attempts + 1 >= 12, "dead"), else_="failed")
    statement = statement.on_conflict_do_update(
        index_elements=["stripe_event_id"],
        where=StripeEvent.status != "processed",
        set_={**row, "attempts": StripeEvent.attempts + 1, "status": status},
    )
    db.session.execute(statement)
    db.session.commit()


# ------------------------------------------------------------------------------------------- what one family alone sees
_LOCK = threading.Lock()
_DONE = set()


@handler(unique=False)
def random_key(event, raw):
    """on_conflict_first whose calls carry a key that is new for each attempt: only calls show it."""
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    process(event)
    mail(event, uuid.uuid4().hex)
    db.session.commit()
    return 200


UNIQUE.add("random_key")


@handler(unique=False)
def remembered_in_memory(event, raw):
    """A set in the process, behind a lock: two threads are kept apart, two workers and a restart are not."""
    with _LOCK:
        if event["id"] in _DONE:
            return 200
        process(event)
        mail(event, event["id"])
        db.session.commit()
        _DONE.add(event["id"])
    return 200


@handler(unique=True)
def answers_first(event, raw):
    """The work is done by a thread, after the answer: only a death right after the answer shows it."""
    from flask import current_app

    app = current_app._get_current_object()

    def work():
        with app.app_context():
            if insert_first(event, raw):
                process(event)
                mail(event, event["id"])
            db.session.commit()

    request.environ["seatrial.after"] = work
    return 200


_shared = []


@handler(unique=True)
def shared_session(event, raw):
    """One session for the whole process: two threads roll back and commit each other's work, two processes do not."""
    if not _shared:
        _shared.append(Session(db.engine))
    session = _shared[0]
    try:
        if session.scalars(sa.select(StripeEvent).where(StripeEvent.stripe_event_id == event["id"])).first():
            session.rollback()
            return 200
        session.add(new_event(event, raw, "processed"))
        session.flush()
        session.execute(sa.update(Account).where(Account.id == 1).values(credits=Account.credits + 100))
        session.add(Ledger(account_id=1, amount=2000, invoice=event["data"]["object"]["id"]))
        session.flush()
        mail(event, event["id"])
        session.commit()
    except Exception:
        session.rollback()
        return 500
    return 200


@handler(unique=True)
def read_add_write(event, raw):
    """Right in everything but the addition: two different events at once leave one of them."""
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    process(event)
    mail(event, event["id"])
    db.session.commit()
    return 200


@handler(unique=True)
def commit_in_vain(event, raw):
    """Whatever the commit says, the answer is 200: only errors of the database show it."""
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    process(event, atomic=True)
    mail(event, event["id"])
    try:
        db.session.commit()
    except Exception:
        db.session.rollback()
    return 200


@handler(unique=True)
def second_chance(event, raw):
    """A claim with a lease that is taken over once and then given up: only a death in the recovery shows it."""
    row, now = find(event), dt.datetime.now()
    if row is not None and (row.status == "processed" or (row.attempts >= 2 and row.next_attempt_at <= now)):
        return 200
    if row is not None and row.next_attempt_at > now:
        return 409
    if row is None:
        row = new_event(event, raw, "processing")
        db.session.add(row)
    else:
        row.attempts = row.attempts + 1
    row.next_attempt_at = now + dt.timedelta(minutes=5)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return 409
    process(event, atomic=True)
    mail(event, event["id"])
    row = find(event)
    row.status, row.processed_at = "processed", dt.datetime.now()
    db.session.commit()
    return 200


@handler(unique=True)
def any_integrity_error(event, raw):
    """A row that a constraint refuses is taken for a duplicate of the event, wherever it was to be written."""
    try:
        db.session.add(new_event(event, raw, "processed"))
        db.session.flush()
        process(event, atomic=True)
        mail(event, event["id"])
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
    return 200


@handler(unique=True)
def short_memory(event, raw):
    """What is known of an event is forgotten after a day."""
    db.session.execute(sa.delete(StripeEvent).where(StripeEvent.created_at < dt.datetime.now() - dt.timedelta(days=1)))
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    process(event, atomic=True)
    mail(event, event["id"])
    db.session.commit()
    return 200


@handler(unique=True)
def business_key(event, raw):
    """on_conflict_first, and a key of the effect: an invoice is credited once, whatever event tells of it."""
    if not insert_first(event, raw):
        db.session.rollback()
        return 200
    invoice = event["data"]["object"]["id"]
    insert = (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert
    effect = insert(Outbox).values(key=f"{invoice}:credit", body="", sent=True).on_conflict_do_nothing()
    if db.session.execute(effect.returning(Outbox.id)).first() is not None:
        process(event, atomic=True)
        mail(event, f"{invoice}:receipt")
    db.session.commit()
    return 200


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="0f9b2c77e1d84a53b6c9d2e8f7a1b0c4", STRIPE_WEBHOOK_SECRET="whsec_trial")
    app.config.update(config or {})
    db.init_app(app)
    serve = HANDLERS[os.environ["HANDLER"]]

    @app.post("/webhook")
    def webhook():
        raw = request.get_data()
        if not verified(raw, request.headers.get("Stripe-Signature", ""), app.config["STRIPE_WEBHOOK_SECRET"]):
            return jsonify(error="bad signature"), 400
        return jsonify(received=True), serve(json.loads(raw), raw)

    served = app.wsgi_app

    def with_afterthought(environ, start_response):
        return Afterthought(served(environ, start_response), environ)

    app.wsgi_app = with_afterthought
    return app


class Afterthought:
    """Does after the response what a view has asked for."""

    def __init__(self, body, environ):
        self.body, self.environ = body, environ

    def __iter__(self):
        return iter(self.body)

    def close(self):
        if hasattr(self.body, "close"):
            self.body.close()
        if "seatrial.after" in self.environ:
            self.environ["seatrial.after"]()


def verified(raw, header, secret):
    pairs = [part.partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in pairs if name == "t"), "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
        return False
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(wanted, value.encode()) for name, _, value in pairs if name == "v1")


def seed(app):
    with app.app_context():
        db.session.add(Account(email="ada@example.com", credits=0))
        db.session.add(Account(email="bob@example.com", credits=5))
        db.session.commit()
