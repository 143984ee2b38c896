"""What init does about an app that refuses to be built: it listens to what the app itself says."""

from pathlib import Path

import pytest
from init.conftest import Init, write

from seatrial.config import load
from seatrial.scaffold.missing import missing, named
from seatrial.scaffold.survey import survey

STRICT = """\
import os

from flask import Flask

SECRET_KEY = os.getenv("SECRET_KEY", "change-me")
JWT_SECRET_KEY = os.getenv("JWT_SECRET_KEY", "change-me")
SALT = os.getenv("SALT", "change-me")
ORIGINS = os.getenv("CORS_ALLOWED_ORIGINS", "*")
MAIL = os.getenv("MAIL_SERVER")


def create_app():
    weak = [name for name in ("SECRET_KEY", "JWT_SECRET_KEY") if globals()[name] == "change-me"]
    if weak:
        raise RuntimeError(f"Weak/invalid secrets for production runtime: {', '.join(weak)}")
    {more}
    app = Flask(__name__)

    @app.get("/")
    def index():
        return "hi"

    return app
"""


@pytest.mark.matrix
def test_secrets_whose_default_the_app_refuses_are_made_up(init: Init, project: Path) -> None:
    """Exactly those that its message names, and the run goes on."""
    result = init({"app.py": STRICT.replace("{more}", "")})

    env = load(project).env
    assert result.exit_code == 0, result.output
    assert {"SECRET_KEY", "JWT_SECRET_KEY"} == env.keys()
    assert all(len(value) >= 32 for value in env.values())
    assert env["SECRET_KEY"] != env["JWT_SECRET_KEY"]
    assert "SECRET_KEY, JWT_SECRET_KEY: the app's own message names them; made up, and tried once more" in result.output
    assert (project / ".seatrial/budgets.tsv").is_file()


@pytest.mark.matrix
def test_what_cannot_be_made_up_is_named_alone(init: Init, project: Path) -> None:
    """The message that counts is that of the last try; the secrets stay."""
    more = "if ORIGINS == '*':\n        raise RuntimeError('CORS_ALLOWED_ORIGINS may not be *')"

    result = init({"app.py": STRICT.replace("{more}", more)})

    assert result.exit_code == 2
    assert {"SECRET_KEY", "JWT_SECRET_KEY"} == load(project).env.keys()
    assert "the app's own message names CORS_ALLOWED_ORIGINS (app.py:8); set it under" in result.output
    assert "MAIL_SERVER" not in result.output


@pytest.mark.parametrize(
    ("mistake", "names"),
    [
        ("app: app:create_app failed: RuntimeError: SALT and SECRET_KEY at app.py:1; way out", ["SECRET_KEY", "SALT"]),
        ("app: app:create_app failed: RuntimeError: SALTED at app.py:1; set SALT under [tool.seatrial.env]", []),
        ("app: SALT", ["SALT"]),
        ("database: SALT leads elsewhere; way out", []),
        ("seed: SALT failed; way out", []),
        ("app: app:create_app failed: RuntimeError: DATABASE_URL is no URL; way out", []),
    ],
    ids=["several", "our own way out", "without a way out", "the database's", "a seed's", "the URL is ours"],
)
def test_which_variables_the_app_names(tmp_path: Path, mistake: str, names: list[str]) -> None:
    """In what the app itself has raised, as whole words."""
    found = survey(write(tmp_path, {"app.py": STRICT + 'URL = os.getenv("DATABASE_URL")\n'}))

    assert names == [one.name for one in named(found, [mistake])]


def test_a_value_that_is_refused_is_to_be_corrected(tmp_path: Path) -> None:
    """It is set already: to say that it is missing would be wrong."""
    found = survey(write(tmp_path, {"app.py": STRICT}))
    mistake = "app: failed: RuntimeError: SALT, CORS_ALLOWED_ORIGINS; way out"

    assert list(missing(found, ["SALT"], [mistake])) == [
        "the app's own message names CORS_ALLOWED_ORIGINS (app.py:8); set it under [tool.seatrial.env]",
        "the app's own message names SALT (app.py:7); correct its value under [tool.seatrial.env]",
    ]
    assert any("MAIL_SERVER (app.py:9)" in one for one in missing(found, [], ["app: failed: ValueError: no; way out"]))


def test_parts_of_a_url_that_are_named_keep_their_own_way_out(tmp_path: Path) -> None:
    """To set the host alone would lead the trial to another database."""
    source = "URL = f\"postgresql://{os.environ['DB_HOST']}/x\"\n"
    found = survey(write(tmp_path, {"app.py": STRICT + source}))

    (first, second) = missing(found, [], ["app: failed: KeyError: 'DB_HOST'; way out"])

    assert "names DB_HOST (app.py:" in first
    assert "let it prefer a whole one" in second
