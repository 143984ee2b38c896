"""A handler that hands its work to Celery: tried where the task runs at once, as `task_always_eager` has it."""

import textwrap
from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.model import webhooks as faults
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import whk
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

pytest.importorskip("celery")

APP = """
    import json

    from celery import Celery
    from flask import Flask, request
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()
    celery = Celery("shop", broker="memory://")
    celery.conf.update(task_always_eager={eager}, task_eager_propagates=True)


    class Event(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80), unique=True, nullable=False)


    class Account(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        credits = db.Column(db.Integer, nullable=False, default=0)


    @celery.task
    def apply():
        db.session.get(Account, 1).credits = Account.credits + 100
        db.session.commit()


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(STRIPE_WEBHOOK_SECRET="whsec_trial", SECRET_KEY="0f9b2c77e1d84a53b6c9d2e8f7a1b0c4")
        app.config.update(config or {{}})
        db.init_app(app)

        @app.post("/webhook")
        def webhook():
            event = json.loads(request.get_data())
            if db.session.query(Event).filter_by(name=event["id"]).first():
                return "seen"
            db.session.add(Event(name=event["id"]))
            db.session.commit()
            apply.delay()
            return "ok"

        return app


    def seed(app):
        with app.app_context():
            db.session.add(Account(id=1))
            db.session.commit()
"""
CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    seed = "shop:seed"
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{database_url}"
    [[tool.seatrial.webhooks]]
    path = "/webhook"
    provider = "stripe"
    secret_config = "STRIPE_WEBHOOK_SECRET"
    events = ["invoice.paid"]
"""


def test_a_task_that_runs_at_once_is_broken_like_the_handler_itself(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": textwrap.dedent(APP).format(eager=True)}, config=CONFIG)
    with open_run(load(root)) as run:
        prepare(run, Profile.PROTECTION)
        judgement = whk.event_lost(Pilot(run).faults.broken("/webhook", "invoice.paid", faults.DEATH))
    assert judgement.outcome is Outcome.FAIL, judgement.reason
    assert judgement.findings[0].evidence["verdict"] == faults.LOST
