"""`flask webhooks …` and `seatrial webhooks …` on an app that is built by its factory."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from kit.ledger.shop import Shop, body, event, opened
from support import project

from seatrial.cli import group
from seatrial.kit.webhooks import Backoff, service_of

APP = {
    "store/__init__.py": """
        import os
        from flask import Flask
        from flask_sqlalchemy import SQLAlchemy
        from seatrial.kit.ports.fakes import FakePayments
        from seatrial.kit.webhooks import StripeService, WebhookLedger

        db = SQLAlchemy()
        payments = FakePayments(
            {"id": "evt_1", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}},
        )
        billing = StripeService(WebhookLedger(db.session, db.metadata), secrets="whsec_x", payments=payments)

        @billing.on("invoice.paid")
        def paid(session, event):
            print("applied", event.object["id"])

        def create_app():
            app = Flask("store")
            app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["STORE_DATABASE"]
            db.init_app(app)
            if "BARE" not in os.environ:
                billing.init_app(app)
            return app
    """,
    "seatrial.toml": """
        app = "store:create_app"
        [database]
        url = "sqlite"
    """,
}


def ran(root: Path, *words: str, program: str = "seatrial", **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("FLASK_APP", "BARE")}
    return subprocess.run(
        [Path(sys.executable).with_name(program), *words],
        cwd=root,
        env={**environ, "STORE_DATABASE": f"sqlite:///{root}/store.db", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    root = project(tmp_path / "store-project", APP, config="")
    engine = sa.create_engine(f"sqlite:///{root}/store.db")
    from seatrial.kit.webhooks import stripe_events_table

    metadata = sa.MetaData()
    table = stripe_events_table(metadata)
    metadata.create_all(engine)
    with engine.begin() as connection:
        values = {"event_type": "invoice.paid", "payload_hash": "0" * 64, "attempts": 12, "status": "dead"}
        connection.execute(table.insert(), [{**values, "stripe_event_id": f"evt_{number}"} for number in (1, 2)])
    engine.dispose()
    return root


def test_dead_letters_are_listed_requeued_and_retried(store: Path) -> None:
    listed = ran(store, "webhooks", "dead")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["evt_2", "evt_1", "2"]
    assert listed.stdout.endswith("2 dead\n")
    done = ran(store, "webhooks", "requeue", "evt_1")
    assert (done.returncode, done.stdout) == (0, "evt_1  was dead, is tried with the next retry\n")
    tried = ran(store, "webhooks", "retry")
    assert tried.returncode == 0, tried.stderr
    assert "applied in_1" in tried.stdout
    assert "evt_1  processed" in tried.stdout
    assert tried.stdout.endswith("1 tried: 1 processed, 0 to be tried again, 0 dead\n")
    assert ran(store, "webhooks", "retry").stdout.endswith("0 tried: 0 processed, 0 to be tried again, 0 dead\n")
    # evt_2 is one that the provider has no longer
    assert ran(store, "webhooks", "requeue", "--all").returncode == 0
    tried = ran(store, "webhooks", "retry")
    assert (tried.returncode, "evt_2  dead" in tried.stdout) == (1, True)


@pytest.mark.parametrize(
    ("program", "words"),
    [("flask", ["--app", "store:create_app"]), ("flask", ["--app", "store:create_app", "seatrial"])],
)
@pytest.mark.matrix
def test_flask_has_the_same_commands(store: Path, program: str, words: list[str]) -> None:
    listed = ran(store, *words, "webhooks", "dead", program=program)
    assert (listed.returncode, listed.stdout.splitlines()[-1:]) == (0, ["2 dead"])


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (["requeue", "evt_none"], {}, "evt_none is not known: only dead and failed events can be requeued"),
        pytest.param(["requeue"], {}, "name either event ids or --all", marks=pytest.mark.matrix),
        (["requeue", "evt_1", "--all"], {}, "name either event ids or --all"),
        (["dead"], {"BARE": "1"}, "this app has no webhook service: call init_app(app)"),
        (["dead"], {"STORE_DATABASE": "sqlite:////no/such/folder.db"}, "is the database up, and migrated?"),
        pytest.param(
            ["--app", "nowhere:create_app", "dead"], {}, "Could not import 'nowhere'", marks=pytest.mark.matrix
        ),
        (["dead"], {"STORE_DATABASE": "nonsense"}, "the app cannot be built: ArgumentError"),
        pytest.param(["retry", "--limit", "0"], {}, "0 is not in the range", marks=pytest.mark.matrix),
    ],
)
def test_mistakes_end_in_a_sentence_and_exit_code_2(
    store: Path, words: list[str], environment: dict[str, str], said: str
) -> None:
    done = ran(store, "webhooks", *words, **environment)
    assert said in " ".join(done.stderr.split())
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout


def test_without_an_app_the_ways_to_name_one_are_said(tmp_path: Path) -> None:
    done = ran(tmp_path, "webhooks", "dead")
    assert (done.returncode, "give --app MODULE:NAME, or set FLASK_APP" in done.stderr) == (2, True)


def test_help_builds_no_app(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["webhooks", "--help"])
    assert (done.exit_code, "requeue" in done.output) == (0, True)


def test_a_retry_that_ends_in_a_dead_letter_ends_in_1(url: str, tmp_path: Path) -> None:
    with opened(url, tmp_path, backoff=Backoff(attempts=2)) as shop:
        shop.deliver(body(customer="nobody"))
        shop.payments.events["evt_1"] = event(customer="nobody")
        shop.clock.ahead += timedelta(hours=1)
        done = shop.app.test_cli_runner().invoke(args=["webhooks", "retry"])
        assert (done.exit_code, "1 dead" in done.output) == (1, True)


def test_the_service_is_found_in_its_app(small: Shop) -> None:
    assert service_of(small.app) is small.service
    with small.app.app_context():
        assert service_of() is small.service


def test_what_became_of_events_is_counted(small: Shop) -> None:
    from prometheus_client import REGISTRY

    def counted(source: str, kind: str, outcome: str) -> float:
        labels = {"source": source, "type": kind, "outcome": outcome}
        return REGISTRY.get_sample_value("seatrial_webhook_events_total", labels) or 0.0

    kind = "checkout.session.completed"
    asked = [("delivery", kind, "processed"), ("delivery", kind, "duplicate"), ("delivery", "(other)", "ignored")]
    asked.append(("retry", kind, "dead"))
    before = [counted(*labels) for labels in asked]
    for event_id, wanted in (("evt_1", kind), ("evt_1", kind), ("evt_2", "a.type.of.tomorrow")):
        small.deliver(body(event_id, wanted))
    small.deliver(body("evt_3", customer="nobody"))
    small.clock.ahead += timedelta(hours=1)
    with small.app.app_context():
        small.service.retry_due()
    assert [counted(*labels) for labels in asked] == [number + 1 for number in before]


def test_without_prometheus_nothing_is_counted_and_nothing_fails(store: Path) -> None:
    script = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from seatrial.kit.webhooks import metrics\n"
        "metrics.count('delivery', 'invoice.paid', 'processed'); print('done')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
