"""The kit's handler as docs/webhooks.md shows it, in place of the legacy app's own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stockroom.runs import copy_to

DOCS = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
LEGACY = "stockroom_legacy/blueprints/billing.py"

# The event cannot be applied, then it can, then it comes twice more. Printed: answers, credits, rows.
SCRIPT = """
import json, os, time
from seatrial.kit.webhooks.signature import sign
from sqlalchemy import text
from stockroom.extensions import db
from stockroom.seeds import seed
from stockroom_legacy import create_legacy_app

app = create_legacy_app({"PROPAGATE_EXCEPTIONS": False})
session = {"id": "cs_1", "client_reference_id": "1", "customer": "cus_harbour"}
body = json.dumps({"id": "evt_1", "type": "checkout.session.completed", "data": {"object": session}}).encode()

def deliver():
    headers = {"Stripe-Signature": sign(body, app.config["STRIPE_WEBHOOK_SECRET"], int(time.time()))}
    return app.test_client().post("/billing/webhooks/stripe", data=body, headers=headers).status_code

with app.app_context():
    db.create_all()
    seed(app)
    db.session.execute(text("UPDATE subscription SET organization_id = 99 WHERE organization_id = 1"))
    db.session.commit()
answers = [deliver()]
with app.app_context():
    db.session.execute(text("UPDATE subscription SET organization_id = 1 WHERE organization_id = 99"))
    db.session.commit()
answers += [deliver(), deliver()]
with app.app_context():
    credits = db.session.scalar(text("SELECT credits FROM subscription WHERE organization_id = 1"))
    row = db.session.execute(text("SELECT status FROM stripe_events WHERE stripe_event_id = 'evt_1'")).scalars().all()
print(json.dumps([answers, credits, row]))
"""


def outcome(root: Path) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=root,
        env={
            **os.environ,
            "DATABASE_URL": f"sqlite:///{root}/legacy.db",
            "STRIPE_WEBHOOK_SECRET": "whsec_x",
            "PASSWORD_HASH_METHOD": "pbkdf2:sha256:1000",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


def shown() -> str:
    """The first Python block of the page."""
    found = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_it_is_shorter_than_thirty_lines() -> None:
    assert len([line for line in shown().splitlines() if line.strip()]) < 30


def test_the_legacy_handler_loses_the_event(tmp_path: Path) -> None:
    assert outcome(copy_to(tmp_path / "stockroom")) == [[500, 200, 200], 100, ["received"]]


def test_the_handler_of_the_page_does_not(tmp_path: Path) -> None:
    root = copy_to(tmp_path / "stockroom")
    file = root / LEGACY
    kept, view, _ = file.read_text().partition('@bp.route("/webhooks/stripe"')
    assert view
    kept = kept.replace("from stockroom.models", "from stockroom.extensions import db\nfrom stockroom.models")
    file.write_text(f"{kept}\n{shown()}")
    assert outcome(root) == [[500, 200, 200], 200, ["processed"]]


@pytest.mark.parametrize("name", ["verify_signature", "handle_event"])
def test_the_legacy_service_is_not_needed_any_more(name: str) -> None:
    assert name not in shown()
