"""Standard Webhooks and a sender of the app's own: signed, forged, rotated, broken."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model import webhooks as faults
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import whk
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

APP = """
    import base64, hashlib, hmac, json, time

    import sqlalchemy as sa
    from flask import Flask, request
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()
    KEY = "whsec_c2VhdHJpYWwtc3RhbmRhcmQ="


    class Event(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80), unique=True, nullable=False)
        amount = db.Column(db.Integer, nullable=False)


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(HOOK_SECRET=KEY, SECRET_KEY="0f9b2c77e1d84a53b6c9d2e8f7a1b0c4")
        app.config.update(config or {})
        db.init_app(app)

        def keep(raw):
            event = json.loads(raw)
            if db.session.scalar(sa.select(Event).filter_by(name=event["id"])) is None:
                db.session.add(Event(name=event["id"], amount=event["data"]["amount"]))
            db.session.commit()
            return "ok"

        @app.post("/standard")
        def standard():
            raw, headers = request.get_data(), request.headers
            name, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
            if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
                return "stale", 401
            secret = base64.b64decode(app.config["HOOK_SECRET"].removeprefix("whsec_"))
            signed = f"{name}.{stamp}.".encode() + raw
            wanted = b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
            given = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
            return keep(raw) if any(hmac.compare_digest(wanted, one) for one in given) else ("wrong", 401)

        @app.post("/own")
        def own():
            raw = request.get_data()
            wanted = hmac.new(b"own", raw, hashlib.sha256).hexdigest()
            return keep(raw) if hmac.compare_digest(wanted, request.headers.get("X-Own", "")) else ("wrong", 401)

        return app


    def sign(body, message_id, timestamp):
        return {"X-Own": hmac.new(b"own", body, hashlib.sha256).hexdigest()}


    def payload(kind, message_id):
        return {"id": message_id, "kind": kind, "data": {"amount": 7}}
"""
CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{database_url}"
    [[tool.seatrial.webhooks]]
    path = "/standard"
    provider = "standard"
    secret_config = "HOOK_SECRET"
    events = ["order.paid"]
    [[tool.seatrial.webhooks]]
    path = "/own"
    provider = "generic"
    sign = "shop:sign"
    payload = "shop:payload"
    events = ["order.paid"]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    root = tmp_path_factory.mktemp("providers") / "app"
    root = project(Path(root), {"shop.py": textwrap.dedent(APP)}, config=CONFIG)
    with open_run(load(root)) as opened:
        prepare(opened, Profile.PROTECTION)
        yield opened


def test_standard_webhooks_are_signed_and_every_forgery_is_refused(run: Run) -> None:
    evidence = Pilot(run).faults.refusals("/standard", faults.FORGED)
    assert not evidence.reason
    assert {sent.case: sent.status for sent in evidence.sent} == {
        "a body that was changed": 401,
        "another secret": 401,
        "no signature headers": 401,
        "an empty signature header": 401,
        "the id of another message": 401,
        "the timestamp of another message": 401,
        "the signature of another message": 401,
        "a signature of six minutes ago": 401,
        "a signature of six minutes ahead": 401,
        "two signatures, ours first": 200,
        "two signatures, ours second": 200,
    }
    assert whk.signature_not_enforced(evidence).outcome is Outcome.PASS


def test_a_sender_of_ones_own_signs_with_the_apps_callable(run: Run) -> None:
    evidence = Pilot(run).faults.refusals("/own", faults.FORGED)
    assert [sent.status for sent in evidence.sent] == [401, 401, 401]
    assert whk.signature_not_enforced(evidence).outcome is Outcome.PASS


@pytest.mark.parametrize("path", ["/standard", "/own"])
def test_they_are_broken_like_any_other(run: Run, path: str) -> None:
    evidence = Pilot(run).faults.broken(path, "order.paid", faults.DEATH)
    assert whk.event_lost(evidence).outcome is Outcome.PASS, evidence
    assert evidence.tried == evidence.planned > 4
