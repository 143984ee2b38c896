"""`seatrial check --static`, and the static rules beside the guards."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import project, snapshot

from seatrial.cli.structure import live
from seatrial.model.evidence import OutboundCall
from seatrial.model.findings import Place
from seatrial.model.inventory import Inventory, OAuthStart, Route
from seatrial.verdict.outcome import Collected

APP = {
    "shop/__init__.py": """
        from flask import Flask
        from shop.routes import bp

        def create_app():
            app = Flask(__name__)
            app.register_blueprint(bp)
            return app
        """,
    "shop/routes/__init__.py": """
        import requests
        from flask import Blueprint, url_for
        from shop.services import items
        bp = Blueprint("shop", __name__)

        @bp.get("/")
        def home():
            return "<!doctype html><title>Shop</title>" + url_for("shop.gone")

        @bp.get("/price")
        def price():
            return requests.get("https://prices.example/").text

        @bp.get("/by-hand")
        def by_hand():
            return call(items.first())

        def call(what):
            import http.client
            client = http.client.HTTPSConnection("seen.example")
            getattr(client, "request")("GET", "/")
            getattr(client, "getresponse")().read()
            return what
        """,
    "shop/services/__init__.py": "",
    "shop/services/items.py": """
        def first() -> str:
            return "first"

        def second(a):
            return a
        """,
}
CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    sources = ["shop"]
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.gates]
    ruff = "off"
    mypy = "off"
    bandit = "off"
    pytest = "off"
    """


def shop(tmp_path: Path) -> Path:
    return project(tmp_path / "shop", APP, config=CONFIG)


def check(root: Path, *options: str, expected: int, ci: str = "") -> dict[str, Any]:
    result = root.parent / "result.json"
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | ({"CI": ci} if ci else {})
    command = [sys.executable, "-m", "seatrial", "check", ".", "--json", str(result), *options]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == expected, (done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    assert "Traceback" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(result.read_text()) if expected != 2 else {"said": done.stderr}
    return found


def failed(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(f["rule"], f["subject"]) for f in result["findings"] if f["level"] == "block"}


STATIC = {
    ("ARC003", "shop.routes:price"),
    ("ARC003", "shop.routes:call"),
    ("ARC008", "shop/routes/__init__.py"),
    ("TYP001", "shop.services.items:second"),
    ("TYP002", "shop.services"),
}


def test_static_asks_only_the_source_and_every_check_is_reported(tmp_path: Path) -> None:
    root = shop(tmp_path)
    (root / "shop" / "broken.py").write_text("raise SystemExit('never imported')\n")
    result = check(root, "--static", expected=1)
    assert failed(result) == STATIC
    families = {c["rule"][:3] for c in result["checks"]}
    assert families == {"ARC", "TYP"}
    codes = {c["rule"] for c in result["checks"]}
    assert codes >= {"ARC001", "ARC002", "ARC003", "ARC004", "ARC005", "ARC006", "ARC007", "ARC008", "ARC010"}
    reasons = {c["rule"]: c["reason"] for c in result["checks"] if c["outcome"] == "skipped"}
    assert reasons["ARC010"] == "no table has a canonical service; [tool.seatrial.canonical] names them"
    assert result["routes"] == []
    assert any("read from the source alone" in note for note in result["notes"])
    assert any('services = ["shop/services"] was assumed' in note for note in result["notes"])


def test_without_services_the_rules_are_skipped_with_the_key_to_set(tmp_path: Path) -> None:
    root = shop(tmp_path)
    (root / "shop" / "services").rename(root / "shop" / "business")
    result = check(root, "--static", "--only", "TYP", expected=0)
    assert {(c["rule"], c["outcome"]) for c in result["checks"]} == {
        (code, "skipped") for code in ("TYP001", "TYP002", "TYP003", "TYP004")
    }
    assert "set services" in result["checks"][0]["reason"]


@pytest.mark.matrix
def test_debt_is_known_and_a_copied_line_is_new(tmp_path: Path) -> None:
    root = shop(tmp_path)
    accept = [sys.executable, "-m", "seatrial", "baseline", "accept", ".", "--all", "--reason", "old"]
    done = subprocess.run(accept, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    services = root / "shop" / "services" / "items.py"
    services.write_text("# moved down\n\n\n" + services.read_text())
    assert {f["state"] for f in check(root, "--static", expected=0)["findings"] if f["level"] == "block"} == {"known"}
    services.write_text(services.read_text() + "\ndef third(a):\n    return a\n")
    result = check(root, "--static", expected=1)
    new = {(f["rule"], f["subject"]) for f in result["findings"] if f["state"] == "new"}
    # One typed callable of three is fewer than one of two.
    assert {n for n in new if n[0] != "TYP003"} == {
        ("TYP001", "shop.services.items:third"),
        ("TYP002", "shop.services"),
    }


@pytest.mark.matrix
def test_an_unread_file_pays_no_debt(tmp_path: Path) -> None:
    root = shop(tmp_path)
    accept = [sys.executable, "-m", "seatrial", "baseline", "accept", ".", "--all", "--reason", "old"]
    subprocess.run(accept, cwd=root, capture_output=True, text=True, timeout=120, check=True)
    before = (root / ".seatrial" / "baseline.tsv").read_bytes(), (root / ".seatrial" / "coverage.tsv").read_bytes()
    (root / "shop" / "services" / "items.py").write_text("def first(:\n")
    check(root, "--static", expected=0)
    after = (root / ".seatrial" / "baseline.tsv").read_bytes(), (root / ".seatrial" / "coverage.tsv").read_bytes()
    assert after == before


@pytest.mark.matrix
def test_paid_debt_is_pruned_and_in_ci_it_is_stale(tmp_path: Path) -> None:
    root = shop(tmp_path)
    accept = [sys.executable, "-m", "seatrial", "baseline", "accept", ".", "--all", "--reason", "old"]
    subprocess.run(accept, cwd=root, capture_output=True, text=True, timeout=120, check=True)
    items = root / "shop" / "services" / "items.py"
    items.write_text(items.read_text().replace("def second(a):", "def second(a: int) -> int:"))
    before = snapshot(root / ".seatrial")
    stale = check(root, "--static", expected=4, ci="1")["stale"]
    assert ("TYP001", "shop.services.items:second") in {(s["rule"], s["subject"]) for s in stale}
    assert snapshot(root / ".seatrial") == before
    check(root, "--static", expected=0)
    assert "TYP001" not in (root / ".seatrial" / "baseline.tsv").read_text()
    assert "shop.services\t2\t2" in (root / ".seatrial" / "coverage.tsv").read_text()


def test_the_built_app_confirms_what_was_read_and_shows_what_was_called(tmp_path: Path) -> None:
    root = shop(tmp_path)
    routes = root / "shop" / "routes" / "__init__.py"
    hidden = routes.read_text().replace("import http.client", "from http import client as library")
    routes.write_text(hidden.replace("http.client.HTTPSConnection", 'getattr(library, "HTTPSConnection")'))
    assert ("ARC003", "shop.routes:call") not in failed(check(root, "--static", expected=1))
    result = check(root, "--only", "ARC,ERR005,SQL006", expected=1)
    assert ("ARC003", "shop.routes:call") in failed(result)
    [finding] = [f for f in result["findings"] if f["subject"] == "shop.routes:call"]
    assert "seen.example (seen while the app ran" in finding["message"]
    assert any("confirmed by the built app" in note for note in result["notes"])


def test_an_app_that_cannot_be_built_leaves_the_source(tmp_path: Path) -> None:
    root = shop(tmp_path)
    (root / "shop" / "__init__.py").write_text("import nowhere\n" + (root / "shop" / "__init__.py").read_text())
    result = check(root, "--only", "ARC008", expected=1)
    assert any("the app could not be built, so its source was judged alone" in note for note in result["notes"])
    assert failed(result) == {("ARC008", "shop/routes/__init__.py")}
    check(root, "--only", "ARC008,CFG", expected=2)


@pytest.mark.matrix
def test_flags_that_do_not_go_together(tmp_path: Path) -> None:
    root = shop(tmp_path)
    assert "--route chooses among requests" in check(root, "--static", "--route", "GET /", expected=2)["said"]
    assert "--static: what --only names needs the app" in check(root, "--static", "--only", "SQL", expected=2)["said"]


def test_pytest_says_who_judges_the_source(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--seatrial", "--seatrial-only", "TYP", "-p", "seatrial.plugin"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=shop(tmp_path), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "TYP is judged on the source alone: run seatrial check --only TYP" in done.stderr


def test_static_imports_neither_the_app_nor_what_drives_it(tmp_path: Path) -> None:
    code = (
        "import sys; from seatrial.cli import main; sys.argv = ['seatrial', 'check', '.', '--static']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', sorted({'pytest', 'sqlalchemy', 'flask', 'shop'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=shop(tmp_path), capture_output=True, text=True, timeout=60)
    assert "LOADED []" in done.stdout, done.stdout[-500:] + done.stderr[-500:]


def test_what_a_log_in_asks_of_its_provider_is_no_call_of_the_route() -> None:
    start = Route("GET", "/start", "start", module_path="web.py", line=10, oauth=OAuthStart("/back", "back"))
    routes = (
        start,
        Route("GET", "/back", "back", module_path="web.py", line=20),
        Route("GET", "/rates", "rates", module_path="web.py", line=30),
    )
    places = [Place("web.py", line) for line in (5, 12, 25, 33)] + [Place("other.py", 12)]
    collected = Collected(outbound=[OutboundCall("id.example", place=place) for place in places])
    found = live(Inventory(routes), collected)
    assert found is not None
    assert [place for place, _ in found.outbound] == [Place("web.py", 5), Place("web.py", 33), Place("other.py", 12)]
