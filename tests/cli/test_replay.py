"""`seatrial check --replay` from outside: what it shows, what it finds again, and what it says where it cannot."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli.shops import SOUND, WRITES, Ran, seatrial, shop
from support import project, snapshot

FORGED = """
    from flask import Flask
    from flask_wtf import CSRFProtect


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        csrf = CSRFProtect(app)

        @app.get("/")
        def home():
            from flask_wtf.csrf import generate_csrf
            return f'<form method="post" action="/notes"><input name="csrf_token" value="{generate_csrf()}"></form>'

        @app.post("/notes")
        @csrf.exempt
        def notes():
            return {"stored": True}

        return app
    """


def found(root: Path, *only: str) -> list[dict[str, Any]]:
    ran = seatrial(root, "check", "--only", ",".join(only))
    findings: list[dict[str, Any]] = ran.json["findings"]
    assert findings
    return findings


def replay(root: Path, *words: str) -> Ran:
    return seatrial(root, "check", "--replay", *words, json_result=False)


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = shop(tmp_path_factory.mktemp("writing"), WRITES)
    [finding] = found(root, "SQL006")
    return root, finding


@pytest.mark.matrix
def test_a_statement_is_shown_with_its_line_and_the_request(writing: tuple[Path, dict[str, Any]]) -> None:
    root, finding = writing
    before = snapshot(root)
    ran = replay(root, finding["fingerprint"][:8])
    assert ran.code == 1
    for said in (
        finding["fingerprint"],
        "GET /items",
        "no log-in is needed",
        "INSERT INTO item",
        "shop.py:",
        "REPRODUCED",
    ):
        assert said in ran.out, said
    assert snapshot(root) == before


@pytest.mark.matrix
def test_the_report_shows_the_command(writing: tuple[Path, dict[str, Any]]) -> None:
    root, finding = writing
    ran = seatrial(root, "check", "--only", "SQL006")
    short = finding["fingerprint"][:8]
    assert f"seatrial check --replay {short} --only SQL006 --route 'GET /items'" in ran.out
    assert ran.out.count(short) == 2  # beside the finding, and in the command


@pytest.mark.matrix
def test_what_was_mended_is_not_reproduced(writing: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, finding = writing
    mended = shop(tmp_path, SOUND)
    ran = replay(mended, finding["fingerprint"], "--only", "SQL006")
    assert ran.code == 0
    assert "NOT REPRODUCED" in ran.out
    result = tmp_path / "earlier.json"
    result.write_text(json.dumps({"findings": [finding]}))
    ran = replay(mended, finding["fingerprint"][:6], "--result", str(result))
    assert ran.code == 0
    assert f"SQL006 {finding['subject']}" in ran.out


@pytest.mark.matrix
def test_the_second_of_equal_findings(writing: tuple[Path, dict[str, Any]]) -> None:
    root, finding = writing
    assert replay(root, f"{finding['fingerprint'][:8]}#1").code == 1
    second = replay(root, f"{finding['fingerprint'][:8]}#2")
    assert second.code == 0
    assert "there is no #2" in second.out


@pytest.mark.matrix
def test_known_debt_is_found_by_the_baseline(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    [finding] = found(root, "SQL006")
    seatrial(root, "baseline", "accept", "--rule", "SQL006", "--reason", "later")
    project(root, {"shop.py": SOUND}, config="")
    ran = replay(root, finding["fingerprint"][:6])
    assert ran.code == 0
    assert f"SQL006 {finding['subject']}" in ran.out
    assert "SQL006" in (root / ".seatrial" / "baseline.tsv").read_text(), "a replay changes no file"


@pytest.mark.matrix
def test_what_cannot_be_asked_is_5(writing: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, finding = writing
    gone = SOUND.replace("return jsonify(", "return 'gone', 404\n            jsonify(")
    ran = replay(shop(tmp_path, gone), finding["fingerprint"], "--only", "SQL006")
    assert ran.code == 5
    assert "answered 404" in ran.out


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["12345"], "no fingerprint"),
        (["xyzxyzxy"], "no fingerprint"),
        (["123456#0"], "no fingerprint"),
        (["12345678", "--json", "x.json"], "leave --json"),
        (["12345678", "--only", "ruff"], "selects no rule"),
        (["12345678", "--result", "shop.py"], "no result of `seatrial check --json`"),
    ],
)
def test_usage_mistakes_are_2(tmp_path: Path, words: list[str], said: str) -> None:
    ran = replay(shop(tmp_path), *words)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.matrix
def test_a_mistyped_one_names_those_that_are_near(writing: tuple[Path, dict[str, Any]]) -> None:
    root, finding = writing
    mistyped = (
        finding["fingerprint"][:6] + ("0" if finding["fingerprint"][6] != "0" else "1") + finding["fingerprint"][7]
    )
    ran = replay(root, mistyped)
    assert ran.code == 2
    assert finding["fingerprint"] in ran.err
    assert "--json FILE" in ran.err


def test_a_tool_finds_its_own_again(tmp_path: Path) -> None:
    result = tmp_path / "earlier.json"
    result.write_text(json.dumps({"findings": [{"fingerprint": "ab" * 8, "rule": "ruff:F401", "subject": "shop.py"}]}))
    ran = replay(shop(tmp_path), "abababab", "--result", str(result))
    assert ran.code == 2
    assert "seatrial check --only ruff" in ran.err


@pytest.mark.matrix
def test_forged_requests_are_shown_without_a_token(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": FORGED})
    [finding] = found(root, "CSR001")
    ran = replay(root, finding["fingerprint"][:8])
    assert ran.code == 1
    for said in (
        "POST /notes",
        "Origin: https://seatrial-foreign.example",
        "csrf_token=<the token of this session, from a form on />",
        "X-CSRFToken: <the token of another session>",
        "the body of the view was entered; and stopped at its first line",
    ):
        assert said in ran.out, said
    shown = json.dumps(finding["evidence"]["requests"]) + ran.out
    assert "Ij" not in shown, "what Flask-WTF's tokens begin with"


def test_what_the_source_tells_is_found_without_the_app(tmp_path: Path) -> None:
    root = shop(tmp_path, SOUND)
    write_service(root, "def price(item):\n    return item.price\n")
    [finding] = found(root, "TYP001")
    (root / "shop.py").write_text("raise RuntimeError('not needed')\n")
    ran = replay(root, finding["fingerprint"][:8])
    assert ran.code == 1
    assert "TYP001" in ran.out
    assert finding["subject"] in ran.out


def write_service(root: Path, source: str) -> None:
    (root / "services").mkdir()
    (root / "services" / "__init__.py").touch()
    (root / "services" / "prices.py").write_text(source)
