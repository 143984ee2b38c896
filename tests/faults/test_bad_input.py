"""What cannot be tried is one clear outcome each, and leaves neither processes nor databases."""

import subprocess
import textwrap
from pathlib import Path

import psutil
import pytest
from faults.matrix import broken, trial_of
from support import project

from seatrial.config import load
from seatrial.model import webhooks as faults
from seatrial.model.errors import ConfigurationError
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import whk
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

APP = """
    import os, subprocess, threading, time
    import sqlalchemy as sa
    from flask import Flask, request
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()


    class Event(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80), unique=True)


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(STRIPE_WEBHOOK_SECRET="whsec_trial", SECRET_KEY="0f9b2c77e1d84a53b6c9d2e8f7a1b0c4")
        app.config.update(config or {{}})
        db.init_app(app)
        if app.config["SQLALCHEMY_DATABASE_URI"] == "sqlite://":
            with app.app_context():
                db.create_all()

        def keep():
            with app.app_context():
                if db.session.query(Event).first() is None:
                    db.session.add(Event(name="once"))
                db.session.commit()

        @app.post("/webhook")
        def webhook():
            {body}

        @app.get("/only-read")
        def only_read():
            return "x"

        return app
"""
TOML = """
    [tool.seatrial]
    app = "shop:create_app"
    environment = "production"
    {top}
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.deadlines]
    request_s = 1.5
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{url}"
    {more}
    [[tool.seatrial.webhooks]]
    path = "{path}"
    provider = "stripe"
    secret_config = "{secret}"
    events = ["{event}"]
"""


def shop(
    root: Path,
    body: str = "keep(); return 'ok'",
    *,
    path: str = "/webhook",
    secret: str = "STRIPE_WEBHOOK_SECRET",
    event: str = "invoice.paid",
    url: str = "{database_url}",
    top: str = "",
    more: str = "",
) -> Path:
    text = textwrap.dedent(TOML).format(path=path, secret=secret, event=event, url=url, top=top, more=more)
    return project(root / "app", {"shop.py": textwrap.dedent(APP).format(body=body)}, config=text)


def planning(root: Path) -> list[str]:
    with open_run(load(root)) as run, pytest.raises(ConfigurationError) as error:
        prepare(run, Profile.PROTECTION)
    return list(error.value.mistakes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"path": "/billing/webhook"}, "webhooks[0].path: no route serves POST /billing/webhook"),
        ({"path": "/only-read"}, "takes GET, HEAD, OPTIONS and no POST"),
        ({"secret": "NO_SUCH_KEY"}, "webhooks[0].secret_config: app.config has no NO_SUCH_KEY"),
        ({"event": "invoice.payed"}, "there is no template of invoice.payed"),
    ],
)
def test_what_is_named_wrong_ends_the_run_in_one_sentence(tmp_path: Path, options: dict[str, str], told: str) -> None:
    mistakes = planning(shop(tmp_path, **options))
    assert len(mistakes) == 1
    assert told in mistakes[0]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ('STRIPE_KEY="sk_" + "live_51abc"', "app.config['STRIPE_KEY']"),
        ('STRIPE_KEY="rk_" + "live_51abc"', "app.config['STRIPE_KEY']"),
        ('STRIPE={"hooks": ["whsec_" + "live_51abc"]}', "app.config['STRIPE']"),
    ],
)
def test_a_live_key_is_refused_before_anything_runs(tmp_path: Path, written: str, place: str) -> None:
    """Set by the app itself: the configuration that Seatrial reads holds none."""
    marker = tmp_path / "delivered"
    root = shop(tmp_path, f"open({str(marker)!r}, 'w').close(); keep(); return 'ok'")
    source = (root / "shop.py").read_text()
    (root / "shop.py").write_text(source.replace('SECRET_KEY="0f', f'{written}, SECRET_KEY="0f'))
    [mistake] = planning(root)
    assert f"{place} is a live Stripe key" in mistake
    assert "51abc" not in mistake
    assert not marker.exists()


def test_a_live_key_in_the_source_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("stripe")
    root = shop(tmp_path)
    source = (root / "shop.py").read_text()
    (root / "shop.py").write_text(f"import stripe\nstripe.api_key = 'sk_' + 'live_51abc'\n{source}")
    [mistake] = planning(root)
    assert mistake.startswith("stripe.api_key is a live Stripe key")


def test_a_live_secret_in_the_configuration_is_refused() -> None:
    from seatrial.config.checks import _LIVE_KEY

    assert _LIVE_KEY.search("whsec_" + "live_abc")
    assert not _LIVE_KEY.search("whsec_trial_abc")


def outcome(root: Path, family: str = faults.DEATH) -> tuple[Outcome, str]:
    with open_run(load(root)) as run:
        prepare(run, Profile.PROTECTION)
        judgement = whk.event_lost(Pilot(run).faults.broken("/webhook", "invoice.paid", family))
        [host] = run.process_ids()
        left = [p for p in psutil.Process(host).children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
        # The keeper of the database, and nothing that the app has started.
        assert len(left) <= 1, left
    assert not psutil.pid_exists(host)
    assert judgement.outcome is not Outcome.FAIL, judgement.findings
    return judgement.outcome, judgement.reason


def test_a_handler_that_never_answers_2xx(tmp_path: Path) -> None:
    root = shop(tmp_path, "keep(); return 'no', 503")
    assert outcome(root) == (
        Outcome.NOT_PROVED,
        "a clean delivery answered 503: set values that exist for the event's fields under [tool.seatrial.arguments]",
    )


def test_a_secret_that_the_view_does_not_use(tmp_path: Path) -> None:
    found, reason = outcome(shop(tmp_path, "return 'no', 400"))
    assert found is Outcome.NOT_PROVED
    assert "signed with STRIPE_WEBHOOK_SECRET; name the key of the secret that the view verifies with" in reason


def test_a_handler_that_changes_nothing(tmp_path: Path) -> None:
    found, reason = outcome(shop(tmp_path, "return 'ok'"))
    assert found is Outcome.NOT_PROVED
    assert reason.startswith("a clean delivery answered 200 and changed nothing")


def test_a_handler_that_hangs(tmp_path: Path) -> None:
    found, reason = outcome(shop(tmp_path, "time.sleep(30)"))
    assert found is Outcome.NOT_PROVED
    assert reason.startswith("a clean delivery did not finish within 1.5 s; raise `request_s`")


def test_a_database_in_memory(tmp_path: Path) -> None:
    found, reason = outcome(shop(tmp_path, url="sqlite://"))
    assert found is Outcome.NOT_PROVED
    assert reason.startswith("the app keeps its data in an SQLite database in memory, which no second process sees")


@pytest.mark.matrix
def test_a_handler_that_leaves_a_process_behind(tmp_path: Path) -> None:
    """It outlives the request on purpose; the trial ends it."""
    body = "subprocess.Popen(['sleep', '67'], start_new_session=True); keep(); return 'ok'"
    found, _ = outcome(shop(tmp_path, body))
    assert found is Outcome.PASS
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 67" not in listed


def test_a_handler_that_works_in_a_thread_is_waited_for(tmp_path: Path) -> None:
    """What it does after its answer is lost by a death right after the answer: that is another rule's."""
    root = shop(tmp_path, "threading.Thread(target=keep).start(); return 'ok'")
    with open_run(load(root)) as run:
        prepare(run, Profile.PROTECTION)
        evidence = Pilot(run).faults.broken("/webhook", "invoice.paid", faults.ACKNOWLEDGED)
    assert not evidence.reason
    assert evidence.boundaries


@pytest.mark.matrix
def test_a_pool_of_threads_that_outlives_the_request(tmp_path: Path) -> None:
    """The first delivery starts a thread in its process: the host is started again, and nothing is warmed in it."""
    root = shop(tmp_path, "pool.submit(keep).result(); return 'ok'")
    source = (root / "shop.py").read_text()
    pool = "from concurrent.futures import ThreadPoolExecutor\n\npool = ThreadPoolExecutor(1)\ndb = SQLAlchemy()"
    (root / "shop.py").write_text(source.replace("db = SQLAlchemy()", pool, 1))
    with open_run(load(root)) as run:
        prepare(run, Profile.PROTECTION)
        evidence = Pilot(run).faults.broken("/webhook", "invoice.paid", faults.DEATH)
    assert not evidence.reason, evidence.reason
    assert evidence.tried == evidence.planned > 0


@pytest.mark.matrix
def test_time_that_is_over_is_not_proved() -> None:
    with trial_of("specified", "sqlite") as run:
        evidence = broken(run, faults.DEATH, limit_s=0.0)
        judgement = whk.event_lost(evidence)
    assert evidence.left > 0
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "were left untried: give it more time (--time-budget" in judgement.reason


@pytest.mark.matrix
def test_raw_connections_are_not_seen_and_said_to_be_so(tmp_path: Path) -> None:
    raw = (
        "raw = db.engine.raw_connection(); "
        "raw.cursor().execute(\"insert or ignore into event(name) values ('x')\"); raw.commit(); return 'ok'"
    )
    found, reason = outcome(shop(tmp_path, raw))
    assert found is Outcome.NOT_PROVED
    assert "the app uses raw_connection(), and what it sends there is not seen" in reason
