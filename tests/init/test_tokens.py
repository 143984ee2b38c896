"""Apps that take a token in place of a form: what is found, and what is written for a person to fill in."""

import re
from pathlib import Path

import pytest
from flask import Flask
from init.conftest import FACTORY, Init, uncommented, write

from seatrial.config import load
from seatrial.scaffold.survey import survey

HEAD = """\
import secrets

from flask import Flask, abort, jsonify, request
from flask_httpauth import HTTPBasicAuth, HTTPTokenAuth
from flask_jwt_extended import JWTManager, create_access_token

app = Flask("x")
TOKENS = set()


"""
LIBRARY = {
    "token": "auth = HTTPTokenAuth()\n",
    "scheme": "auth = HTTPTokenAuth('Key')\n",
    "basic": "auth = HTTPBasicAuth()\n",
    "jwt": "jwt = JWTManager(app)\napp.config['JWT_HEADER_TYPE'] = 'JWT'\n",
    "header": "def asked():\n    return request.headers.get('Authorization', '').removeprefix('Bearer ')\n",
    "by hand": "def asked():\n    return request.authorization\n",
    "webhook": "def webhook():\n    return request.headers['Authorization']\n",
    "sent": "def send(session):\n    session.headers['Authorization'] = 'Bearer x'\n",
}


@pytest.mark.parametrize(
    ("library", "what", "scheme"),
    [
        ("token", "HTTPTokenAuth of flask_httpauth", "Bearer"),
        ("scheme", "HTTPTokenAuth of flask_httpauth", "Key"),
        ("basic", "HTTPBasicAuth of flask_httpauth", "Basic"),
        ("jwt", "JWTManager of flask_jwt_extended", "JWT"),
        ("header", "the Authorization header", "Bearer"),
        ("by hand", "the Authorization header", ""),
        ("webhook", None, None),
        ("sent", None, None),
    ],
)
def test_what_asks_for_a_token(tmp_path: Path, library: str, what: str | None, scheme: str | None) -> None:
    """A library, or the header read by hand; not the header of a delivery, nor one that the app sends itself."""
    found = survey(write(tmp_path, {"app.py": HEAD + LIBRARY[library]})).tokens

    assert (what, scheme) == ((found.what, found.scheme) if found else (None, None))
    assert found is None or re.fullmatch(r"app\.py:(11|12)", found.place)


VIEWS = {
    "tokens": "@app.post('/tokens')\n@basic_auth.login_required\ndef new():\n"
    "    return jsonify(access_token=make_token())\n\n\n",
    "login": "@app.post('/api/login')\ndef login():\n    data = request.json\n"
    "    user = find(data['email'], data['password'])\n    return {'token': create_access_token(user)}\n\n\n",
    "refresh": "@app.post('/tokens/refresh')\ndef refresh_token():\n    return {'token': create_access_token(1)}\n\n\n",
    "register": "@app.post('/auth/register')\ndef register():\n    return {'token': create_access_token(1)}\n\n\n",
    "author": "@app.post('/authors')\ndef add_author():\n    return ''\n\n\n",
    "one": "@app.post('/tokens/<name>')\ndef token_of(name):\n    return {'token': name}\n\n\n",
}


@pytest.mark.parametrize(
    ("views", "path", "basic", "fields", "answer"),
    [
        (("refresh", "tokens"), "/tokens", True, ("username", "password"), "access_token"),
        (("author", "register", "login"), "/api/login", False, ("email", "password"), "token"),
        (("refresh", "register", "author", "one"), None, None, None, None),
    ],
    ids=["basic", "json", "none of them"],
)
def test_the_view_that_hands_out_tokens(
    tmp_path: Path,
    views: tuple[str, ...],
    path: str | None,
    basic: bool | None,
    fields: tuple[str, str] | None,
    answer: str | None,
) -> None:
    """By its path or name, and by a token in its code; one that wants a token already is none."""
    source = HEAD + LIBRARY["jwt"] + "\n\n" + "".join(VIEWS[name] for name in views)
    found = survey(write(tmp_path, {"app.py": source})).tokens

    assert found is not None
    issuer = found.issuer
    told = (issuer.path, issuer.basic, issuer.fields, issuer.answer) if issuer else (None, None, None, None)
    assert (path, basic, fields, answer) == told


API = {
    "app.py": HEAD
    + """\
def asked():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token not in TOKENS:
        abort(401)


@app.post("/api/login")
def login():
    if request.json["password"] != "…":
        abort(401)
    TOKENS.add(token := secrets.token_hex(8))
    return jsonify(token=token)


@app.get("/me")
def me():
    asked()
    return "me"
"""
}


def test_the_identity_of_an_api_is_a_callable_that_asks_for_a_token(init: Init, project: Path) -> None:
    """The way in that is written is one that works, and headers stand beside it."""
    result = init(API, "--no-run")
    text = (project / "seatrial.toml").read_text()

    assert result.exit_code == 0, result.output
    assert "token of POST /api/login" in result.output
    assert "name a seed and who logs in" in result.output
    said = " ".join(text.replace("\n# ", " ").split())
    assert "the app asks for a token (the Authorization header, app.py:12)" in said
    assert "POST /api/login (app.py:18) seems to hand it out" in said
    assert '#     headers = { Authorization = "env:TRIAL_TOKEN" }' in text
    (project / "seatrial.toml").write_text(uncommented(text))
    (owner,) = load(project).identities
    assert (owner.call, owner.headers, owner.login) == ("tests.trial:log_in", {}, None)


def test_the_callable_that_is_shown_logs_in(init: Init, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there: only name and password are a person's to fill in."""
    source = API["app.py"].replace("from flask_httpauth", "#").replace("from flask_jwt_extended", "#")
    init({"app.py": source}, "--no-run")
    lines = re.findall(r"^#     (.*)$", (project / "seatrial.toml").read_text(), re.MULTILINE)
    built: dict[str, object] = {}
    exec(source, built)
    exec("\n".join(line for line in lines if not line.startswith("headers")), built)
    app, log_in = built["app"], built["log_in"]
    assert isinstance(app, Flask)
    assert callable(log_in)
    client = app.test_client()
    assert client.get("/me").status_code == 401

    log_in(client)

    assert client.get("/me").status_code == 200


def test_without_a_view_that_hands_out_tokens_the_header_is_written(
    init: Init, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the callable is named beside it."""
    monkeypatch.setenv("TRIAL_TOKEN", "Key 1")
    init({"app.py": HEAD + LIBRARY["scheme"]}, "--no-run")
    path = project / "seatrial.toml"
    text = path.read_text()
    path.write_text(uncommented(text))

    (owner,) = load(project).identities

    assert (owner.headers, owner.call) == ({"Authorization": "Key 1"}, None)
    assert '"Key …"' in text
    assert '#     call = "tests.trial:log_in"' in text


def test_a_form_stays_what_is_filled_in(init: Init, project: Path) -> None:
    """An API beside it is not in its way."""
    init({**FACTORY, "shop/api.py": "from flask_httpauth import HTTPTokenAuth\n\nauth = HTTPTokenAuth()\n"}, "--no-run")

    assert survey(project).tokens is not None
    assert '# login = "/auth/login"' in (project / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, "name a seed, so that pages are tried with something to show"),
        (
            {"shop/api.py": "from flask_httpauth import HTTPTokenAuth\n\nauth = HTTPTokenAuth()\n"},
            "a seed and who logs in",
        ),
        ({"shop/seeds.py": "def seed(app):\n    pass\n"}, None),
    ],
    ids=["neither", "a token", "a seed"],
)
def test_what_is_left_to_a_person_is_said_at_the_end(init: Init, more: dict[str, str], what: str | None) -> None:
    """A seed is asked for wherever there is a database, somebody who logs in wherever there is a way in."""
    shop = {
        "shop/__init__.py": "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\n\n\n"
        "def create_app():\n    app = Flask(__name__)\n    SQLAlchemy(app)\n    return app\n"
    }
    result = init({**shop, **more}, "--no-run")

    after = result.output.partition("Next:")[2]
    assert (what or "seatrial budgets record") in after
    assert what is not None or ": name" not in after
