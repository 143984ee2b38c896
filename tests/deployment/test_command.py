"""`seatrial smoke` on small apps: what it writes, what it refuses, several hosts, rounds of a watch, and its start."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner
from flask import Flask, Response, jsonify, redirect, request
from rules.smoked import served

from seatrial.cli import group
from seatrial.kit.headers import init_headers
from seatrial.reports import json_report

ROUTES = {
    "routes": [
        {"method": "GET", "rule": "/", "endpoint": "home", "path": "/", "status": 200, "auth": "public"},
        {"method": "GET", "rule": "/orders", "endpoint": "orders", "path": "/orders", "status": 200, "auth": "login"},
        {"method": "GET", "rule": "/api/items", "endpoint": "items", "path": "/api/items", "auth": "public"},
    ],
    "login": None,
    "webhooks": [],
    "static": [],
}  # fmt: skip


def shop(asked: Counter[str] | None = None) -> Flask:
    """Sound; it counts what it was asked, and by which methods."""
    app = Flask(__name__)
    init_headers(app)
    seen = Counter[str]() if asked is None else asked

    @app.before_request
    def count() -> None:
        seen[f"{request.method} {request.path}"] += 1

    @app.after_request
    def build(response: Response) -> Response:
        response.headers["X-Commit"] = "5a1e0c47d9b3"
        return response

    @app.get("/")
    def home() -> str:
        if app.config.get("SLOW"):
            time.sleep(0.2)
        return "<p>Stockroom</p>"

    @app.get("/orders")
    def orders() -> Any:
        return redirect("/login")

    @app.get("/api/items")
    def items() -> Any:
        return jsonify(items=[])

    @app.errorhandler(404)
    def missing(_: Any) -> Any:
        if request.path.startswith("/api"):
            return jsonify(error={"code": "NOT_FOUND", "message": "No such page.", "details": {}}), 404
        return "<p>No such page.</p>", 404

    return app


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(ROUTES))
    return str(path)


def smoke(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(group, ["smoke", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


def test_a_sound_shop_with_every_file_that_is_written(routes: str, tmp_path: Path) -> None:
    asked: Counter[str] = Counter()
    with served(shop(asked)) as url:
        files = [str(tmp_path / name) for name in ("smoke.json", "smoke.xml", "smoke.md")]
        code, output = smoke(
            url, "--routes", routes, "--expect-commit", "5a1e0c4", "--json", files[0], "--junit", files[1],
            "--markdown", files[2],
        )  # fmt: skip
    assert code == 0, output
    assert "PASS" in output
    document = json.loads(Path(files[0]).read_text())
    jsonschema.validate({key: value for key, value in document.items() if key != "smoke"}, json_report.schema())
    assert document["outcomes"]["fail"] == document["outcomes"]["broken"] == 0
    assert {row["rule"] for row in document["routes"]} == {"/", "/orders", "/api/items"}
    suites = {suite.get("name") for suite in ET.parse(files[1]).getroot()}
    assert {"SMK", "HDR", "ERR"} <= suites
    assert Path(files[2]).read_text().startswith("## Smoke: PASS")
    assert {name.split()[0] for name in asked} == {"GET"}, "only safe methods"


@contextmanager
def configured(text: str) -> Iterator[None]:
    Path("seatrial.toml").write_text(f'app = "shop:create_app"\n{text}\n')
    yield


def test_slow_is_degraded_and_passes(routes: str) -> None:
    app = shop()
    app.config["SLOW"] = True
    with served(app) as url, configured("[smoke]\nslow_ms = 100"):
        code, output = smoke(url, "--routes", routes, "--json", "smoke.json")
    assert code == 0, output
    assert "DEGRADED" in output
    document = json.loads(Path("smoke.json").read_text())
    assert document["smoke"]["degraded"] is True
    assert "SMK009" in {finding["rule"] for finding in document["findings"]}


def test_a_level_of_the_configuration_holds(routes: str) -> None:
    hand = '[[smoke.routes]]\npath = "/gone"\n'
    with served(shop()) as url:
        with configured(hand):
            code, output = smoke(url, "--routes", routes)
        assert (code, "GET /gone [anonymous]" in output) == (1, True), output
        with configured(f'{hand}[rules]\nSMK002 = "warn"'):
            assert smoke(url, "--routes", routes)[0] == 0


def test_a_commit_that_nobody_names_is_inconclusive(routes: str) -> None:
    with served(shop()) as url, configured('[smoke]\ncommit_header = "X-Release"'):
        code, output = smoke(url, "--routes", routes, "--expect-commit", "5a1e0c47d9b3")
    assert code == 5, output
    assert "no answer names its commit (in the header X-Release)" in output


def test_who_is_locked_out_is_inconclusive(routes: str) -> None:
    app = Flask(__name__)
    app.before_request(lambda: ("Go away.", 403))
    with served(app) as url:
        code, output = smoke(url, "--routes", routes)
    assert code == 5, output
    assert "smoke is locked out" in output


def test_several_hosts_at_once_each_subject_says_whose_it_is(routes: str) -> None:
    broken = Flask("broken")
    broken.add_url_rule("/", view_func=lambda: ("Not yet.", 503))
    with served(shop()) as sound, served(broken) as other:
        code, output = smoke(sound, other, "--routes", routes, "--ready", "0", "--json", "smoke.json")
    assert code == 1, output
    document = json.loads(Path("smoke.json").read_text())
    host = other.partition("//")[2]
    assert {(f["rule"], f["subject"]) for f in document["findings"]} == {("SMK001", f"{host}: deployment")}
    assert [one["ready"] for one in document["smoke"]["deployments"]] == [True, False]


def test_a_watch_ends_with_its_time_and_posts_once(routes: str) -> None:
    asked: Counter[str] = Counter()
    with served(shop(asked)) as url:
        code, output = smoke(url, "--routes", routes, "--watch", "--interval", "0.3", "--for", "2.5")
    assert code == 0, output
    assert asked["GET /orders"] > 1
    assert "round 2: PASS" in output


def test_a_watch_ends_where_a_round_fails(routes: str) -> None:
    asked: Counter[str] = Counter()
    app = shop(asked)

    @app.before_request
    def dies() -> Any:
        return ("Gone.", 503) if asked["GET /orders"] >= 2 else None

    with served(app) as url:
        code, output = smoke(url, "--routes", routes, "--watch", "--interval", "0.1", "--for", "60")
    assert code == 1, output
    assert "FAIL" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["app.example"], "write it as https://app.example"),
        (["ftp://app.example"], "is no web address"),
        (["https://ann:secret@app.example"], "the address holds a user name or password"),
        (["https://app.example/?a=b"], "give the address alone"),
        (["http://127.0.0.1:1", "--for", "5"], "--for says how long --watch lasts"),
        (["http://127.0.0.1:1", "--token", "env:SMOKE_NOT_SET"], "SMOKE_NOT_SET is not set"),
        (["http://127.0.0.1:1", "--routes", "nowhere.json"], "seatrial routes --export nowhere.json"),
        ([], "Missing argument"),
    ],
)
def test_what_it_refuses_ends_with_the_way_out(words: list[str], said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["smoke", *words])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert "secret" not in done.output.replace("--token", "")


def test_the_first_request_waits_for_neither_the_app_nor_pytest() -> None:
    """What is imported until then: a deploy job waits for it."""
    code = (
        "import sys; import seatrial.cli.smoke, seatrial.config.exported, seatrial.config.deployed\n"
        "import seatrial.smoke.plan, seatrial.smoke.run\n"
        "heavy = {'sqlalchemy', 'flask', 'pytest', 'alembic', 'rich', 'jinja2', 'seatrial.rules'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_all_of_it_goes_without_sqlalchemy_and_flask() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = sys.modules['flask'] = None\n"
        "import seatrial.cli.smoke, seatrial.smoke.course, seatrial.smoke.report, seatrial.smoke.watch"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_as_tests_of_pytest(routes: str, tmp_path: Path) -> None:
    app = shop()
    app.wsgi_app = _without("Referrer-Policy", app.wsgi_app)  # type: ignore[method-assign]
    with served(app) as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rfs", "-p", "no:cacheprovider",
             "--seatrial-smoke", url, "--seatrial-smoke-routes", routes],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    host = url.partition("//")[2]
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"seatrial-smoke/test_defences.py::test_answers[{host}-HDR]" in done.stdout
    assert "HDR005 GET / home [anonymous]: A response must carry a Referrer-Policy but none was sent" in done.stdout
    assert "no commit was asked for" in done.stdout
    assert "1 failed" in done.stdout


def _without(name: str, wsgi_app: Any) -> Any:
    def serve(environ: Any, start_response: Any) -> Any:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [pair for pair in headers if pair[0] != name], *more)

        return wsgi_app(environ, begin)

    return serve
