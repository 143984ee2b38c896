"""`seatrial check` from outside: exit codes, sentences, and what it leaves of the user's."""

from pathlib import Path

import pytest
from cli.shops import NO_TOOLS, SOUND, TOP, WRITES, seatrial, shop
from support import project, snapshot


def test_nothing_blocks_is_0(tmp_path: Path) -> None:
    ran = seatrial(shop(tmp_path), "check", "--only", "SQL")
    assert (ran.code, ran.json["verdict"], ran.json["exit_code"]) == (0, "pass", 0)
    assert ran.json["outcomes"]["pass"] > 0
    assert "PASS" in ran.out


def test_a_new_blocking_finding_is_1_and_changes_no_file(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    before = snapshot(root)
    ran = seatrial(root, "check", "--only", "SQL006")
    assert (ran.code, ran.json["verdict"]) == (1, "fail")
    (finding,) = ran.json["findings"]
    assert (finding["rule"], finding["subject"]) == ("SQL006", "GET /items items [anonymous]")
    assert finding["path"] == "shop.py"
    assert snapshot(root) == before


@pytest.mark.matrix
def test_what_seatrial_is_made_of_is_kept_compiled_and_nothing_of_the_apps(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    root = shop(tmp_path)
    before = snapshot(root)
    surroundings = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(kept)}
    assert seatrial(root, "check", "--only", "SQL006", **surroundings).code == 0
    compiled = {file.name.partition(".")[0] for file in kept.rglob("*.pyc")}
    assert {"verdict", "pilot", "target"} <= compiled  # of the command, of the guards, of the hosts
    assert "shop" not in compiled
    assert snapshot(root) == before


@pytest.mark.matrix
def test_accepted_debt_is_known_and_new_debt_still_blocks(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    assert seatrial(root, "baseline", "accept", "--rule", "SQL006", "--reason", "counted visits, TICKET-7").code == 0
    assert "TICKET-7" in (root / ".seatrial" / "baseline.tsv").read_text()
    ran = seatrial(root, "check", "--only", "SQL006")
    assert (ran.code, ran.json["findings"][0]["state"]) == (0, "known")


@pytest.mark.matrix
def test_debt_that_is_paid_is_4_in_ci_and_pruned_elsewhere(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    seatrial(root, "baseline", "accept", "--rule", "SQL006", "--reason", "later")
    project(root, {"shop.py": SOUND}, config="")
    in_ci = seatrial(root, "check", "--only", "SQL006", ci=True)
    assert in_ci.code == 4
    assert "seatrial baseline prune" in in_ci.out
    here = seatrial(root, "check", "--only", "SQL006")
    assert here.code == 0
    assert "SQL006" not in (root / ".seatrial" / "baseline.tsv").read_text()


@pytest.mark.matrix
def test_accepting_without_a_reason_is_2(tmp_path: Path) -> None:
    ran = seatrial(shop(tmp_path), "baseline", "accept", "--rule", "SQL006", "--reason", "  ")
    assert ran.code == 2
    assert "reason" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "NOPE"], "NOPE is no rule family"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--what"], "No such option"),
    ],
)
def test_usage_mistakes_are_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    ran = seatrial(shop(tmp_path), "check", *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_every_configuration_mistake_is_named_at_once(tmp_path: Path) -> None:
    root = shop(tmp_path, more='[tool.seatrial.rules]\nSQL999 = "off"\nHDR001 = "blok"\n[tool.seatrial.databas]\na = 1')
    ran = seatrial(root, "check")
    assert ran.code == 2
    for said in ("SQL999", "blok", "did you mean database?"):
        assert said in ran.err


def test_no_configuration_at_all_is_2_and_names_init(tmp_path: Path) -> None:
    ran = seatrial(project(tmp_path / "app", {"shop.py": SOUND}, config=""), "check")
    assert ran.code == 2
    assert "seatrial init" in ran.err


def test_a_broken_factory_is_2(tmp_path: Path) -> None:
    ran = seatrial(shop(tmp_path, "def create_app():\n    raise RuntimeError('no broker')\n"), "check")
    assert ran.code == 2
    assert "RuntimeError: no broker at shop.py:2" in ran.err


def test_a_database_that_does_not_answer_and_a_factory_that_is_missing_are_told_together(tmp_path: Path) -> None:
    root = shop(tmp_path, "def make_app():\n    pass\n")
    url = "postgresql://nobody:wrong@127.0.0.1:1/trial"
    ran = seatrial(root, "check", SEATRIAL_DATABASE_URL=url)
    assert ran.code == 2
    assert "127.0.0.1:1 could not be connected to" in ran.err
    assert "shop has no 'create_app'" in ran.err
    assert "wrong" not in ran.out + ran.err


def test_a_remote_database_is_refused(tmp_path: Path) -> None:
    ran = seatrial(shop(tmp_path), "check", SEATRIAL_DATABASE_URL="postgresql://u:p@db.example.test/trial")
    assert ran.code == 2
    assert "allow_hosts" in ran.err


@pytest.mark.parametrize(
    "content",
    [
        "# seatrial baseline\n# fingerprint_version: 99\n",
        *(pytest.param(damage, marks=pytest.mark.matrix) for damage in ("garbage\n", "\x00\x01\xff")),
    ],
)
def test_a_damaged_baseline_is_2_and_left_alone(tmp_path: Path, content: str) -> None:
    root = shop(tmp_path)
    path = root / ".seatrial" / "baseline.tsv"
    path.parent.mkdir()
    path.write_text(content)
    ran = seatrial(root, "check", "--only", "SQL")
    assert ran.code == 2
    assert "baseline.tsv" in ran.err
    assert path.read_text() == content


def test_a_tool_that_breaks_is_3_and_the_baseline_is_left_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": SOUND, "broken.py": "def (:\n"}, top=TOP)
    (root / ".seatrial").mkdir()
    ran = seatrial(root, "check", "--only", "ruff")
    assert (ran.code, ran.json["verdict"]) == (3, "broken")
    assert list((root / ".seatrial").iterdir()) == []


@pytest.mark.matrix
def test_sources_that_are_not_utf8_are_tried(tmp_path: Path) -> None:
    root = shop(tmp_path)
    source = (root / "shop.py").read_text().replace("return jsonify([", "return jsonify([  # caf\xe9\n")
    (root / "shop.py").write_bytes(b"# -*- coding: latin-1 -*-\n" + source.encode("latin-1"))
    ran = seatrial(root, "check", "--only", "SQL,ERR")
    assert ran.code == 0


BANS = """
    from flask import Flask, abort, redirect, request, session

    banned = []


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})

        @app.before_request
        def refuse():
            if banned:
                abort(403)

        @app.route("/login", methods=["GET", "POST"])
        def login():
            if request.method == "POST":
                session["user_id"] = 1
                return redirect("/me")
            return '<form method="post"><input name="username"><input type="password" name="password"></form>'

        @app.get("/me")
        def me():
            return "hello" if "user_id" in session else redirect("/login")

        @app.get("/z-trap")
        def trap():
            if "user_id" in session and request.headers.get("User-Agent"):
                banned.append(request.remote_addr)
                abort(403)
            return "nothing here"

        return app
    """
OWNER = """
    [[tool.seatrial.identities]]
    name = "owner"
    login = "/login"
    fields = { username = "owner", password = "anything" }
    """


@pytest.mark.matrix
def test_a_trial_that_is_banned_on_the_way_is_5(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": BANS}, more=f"{NO_TOOLS}\n{OWNER}")
    ran = seatrial(root, "check", "--only", "HDR,SQL")
    assert ran.code in (1, 5)  # what was seen before the ban may block, and findings win
    assert any("banned or locked out" in reason for reason in ran.json["inconclusive"])
    assert any("skip" in reason for reason in ran.json["inconclusive"])


def test_no_identities_are_said_and_pages_behind_a_login_are_not_proved(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": BANS}, more=NO_TOOLS)
    ran = seatrial(root, "check", "--only", "SQL")
    assert any("no identities are configured" in note for note in ran.json["notes"])
    me = {check["outcome"] for check in ran.json["checks"] if check["subject"] == "GET /me me [anonymous]"}
    assert "pass" not in me
    assert "not_proved" in me


@pytest.mark.matrix
def test_an_empty_database_is_tried(tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": SOUND}, more=NO_TOOLS)
    ran = seatrial(root, "check", "--only", "SQL")
    assert ran.code == 0
    assert [row["rows"] for row in ran.json["routes"] if row["rule"] == "/items"] == [0]


@pytest.mark.matrix
def test_strict_proof_asks_for_proof(tmp_path: Path) -> None:
    root = shop(tmp_path, SOUND)
    assert seatrial(root, "check", "--only", "SQL006", "--strict-proof").code == 0
    redirects = SOUND.replace(
        "            return jsonify(", "            return '', 302, {'Location': '/'}\n            jsonify("
    )
    assert seatrial(shop(tmp_path, redirects), "check", "--only", "SQL006").code == 0
    assert seatrial(shop(tmp_path, redirects), "check", "--only", "SQL006", "--strict-proof").code == 5


@pytest.mark.matrix
def test_junit_is_written(tmp_path: Path) -> None:
    root = shop(tmp_path, WRITES)
    seatrial(root, "check", "--only", "SQL", "--junit", str(tmp_path / "junit.xml"))
    text = (tmp_path / "junit.xml").read_text()
    assert "<testsuite" in text
    assert "SQL006" in text


def test_no_secret_of_the_configuration_is_in_any_report(tmp_path: Path) -> None:
    root = shop(tmp_path, "def create_app(config):\n    raise RuntimeError(config['SECRET_KEY'])\n")
    ran = seatrial(root, "check")
    assert ran.code == 2
    assert "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4" not in ran.out + ran.err
