"""What the source gives away, without importing anything."""

from pathlib import Path

import pytest
from init.conftest import BARE, CLASSES, FACTORY, SINGLE, SRC, Files, Init, write

from seatrial.config import load
from seatrial.model.errors import ConfigurationError
from seatrial.scaffold.project import Project
from seatrial.scaffold.survey import survey
from seatrial.scaffold.tools import gates
from seatrial.scaffold.variables import Need

FLASK = "from flask import Flask\n"
CREATE = f"{FLASK}\ndef create_app():\n    return Flask(__name__)\n"


# ---------------------------------------------------------------------- the app
@pytest.mark.parametrize(
    ("files", "app", "others"),
    [
        pytest.param(FACTORY, "shop:create_app", ["wsgi:app"], id="the factory behind wsgi.py"),
        pytest.param(
            {"a/__init__.py": CREATE, "b/__init__.py": CREATE, "Procfile": 'web: gunicorn -w 4 "b:create_app()"\n'},
            "b:create_app",
            ["a:create_app"],
            id="the server's command",
        ),
        pytest.param(
            {"a/__init__.py": CREATE, "one.py": f"{FLASK}app = Flask(__name__)\n", ".env": "FLASK_APP=one.py\n"},
            "one:app",
            ["a:create_app"],
            id="FLASK_APP outranks the usual name",
        ),
        pytest.param(
            {"web/__init__.py": CREATE, "Makefile": "run:\n\tflask --app web run\n", "tests/conftest.py": CREATE},
            "web:create_app",
            [],
            id="the flask command",
        ),
        pytest.param(
            {"tests/factory.py": CREATE, "shop.py": CREATE.replace("create_app", "assemble")},
            "shop:assemble",
            [],
            id="never one of the tests",
        ),
        pytest.param(
            {
                "shop/web/core/boot.py": CREATE.replace("create_app", "assemble"),
                "wsgi.py": "from shop.web.core.boot import assemble\n\napp = assemble()\n",
                ".flaskenv": "FLASK_APP=wsgi.py\n",
            },
            "shop.web.core.boot:assemble",
            ["wsgi:app"],
            id="the factory behind what is declared, by whatever name",
        ),
        pytest.param(
            {"shop/__init__.py": CREATE, "old/__init__.py": CREATE, "pyproject.toml": '[project]\nname = "shop"\n'},
            "shop:create_app",
            ["old:create_app"],
            id="the package with the project's name",
        ),
        pytest.param(
            {
                "x/web.py": f"{FLASK}class Web(Flask):\n    pass\n",
                "x/__init__.py": "from .web import Web\napp = Web('x')\n",
            },
            "x:app",
            [],
            id="a class of the project's own",
        ),
        pytest.param(
            {
                "x.py": f"{FLASK}\ndef _build(name):\n    return Flask(name)\n\n\n"
                "def create_app():\n    return _build('x')\n"
            },
            "x:create_app",
            ["x:_build"],
            id="a factory around a factory",
        ),
        pytest.param(SRC, "my_shop:make_app", [], id="src layout"),
        pytest.param(SINGLE, "app:app", [], id="a single file"),
        pytest.param(BARE, "hello:application", [], id="another name"),
    ],
)
def test_the_app_is_found_and_the_others_are_named(tmp_path: Path, files: Files, app: str, others: list[str]) -> None:
    """The choice is the project's own word first, then the likeliest."""
    found = survey(write(tmp_path, files))

    assert app == found.chosen.spec
    assert others == [one.spec for one in found.others]


def test_a_person_overrules_the_choice(init: Init, project: Path) -> None:
    """--app names another candidate; one that does not exist is refused with what there is."""
    result = init(FACTORY, "--no-run", "--app", "nowhere:app")

    assert result.exit_code == 2
    assert "no module 'nowhere'" in result.output
    assert "shop:create_app" in result.output
    assert not (project / "seatrial.toml").exists()
    assert init(None, "--no-run", "--app", "wsgi:app").exit_code == 0
    assert load(project).app == "wsgi:app"


def test_a_project_without_a_flask_app_is_told_so(tmp_path: Path) -> None:
    """With what was read, and what could not be."""
    write(tmp_path, {"a.py": "x = 1\n", "b.py": "def (:\n"})

    with pytest.raises(ConfigurationError, match=r"there is no Flask app .*1 Python files were read, 1 could not be"):
        survey(tmp_path)


def test_an_app_that_is_imported_from_a_folder_below_is_sent_there(tmp_path: Path) -> None:
    """From here its own imports would fail."""
    write(
        tmp_path,
        {"backend/app/__init__.py": CREATE, "backend/wsgi.py": "from app import create_app\n\napp = create_app()\n"},
    )

    with pytest.raises(ConfigurationError, match=r"run `seatrial init backend`"):
        survey(tmp_path)
    assert survey(tmp_path / "backend").chosen.spec == "app:create_app"


def test_nothing_of_the_app_is_imported(tmp_path: Path) -> None:
    """A module that would end the process does not."""
    found = survey(write(tmp_path, {"app.py": f"import sys\n{FLASK}app = Flask(__name__)\nsys.exit('imported')\n"}))

    assert found.chosen.spec == "app:app"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (CLASSES, ("string", "production")),
        (FACTORY, None),
        (
            {
                "app.py": f"{FLASK}from conf import Config\n\ndef create_app(config_class=Config):\n"
                "    app = Flask(__name__)\n    app.config.from_object(config_class)\n    return app\n",
                "conf.py": "import flask_sqlalchemy\n\nclass Config:\n    SQLALCHEMY_DATABASE_URI = 'sqlite:///x.db'\n",
            },
            ("class", "conf:Config"),
        ),
        (
            {"app.py": f"{FLASK}def create_app(settings):\n    return Flask('x')\n\napp = create_app('live')\n"},
            ("string", "live"),
        ),
    ],
    ids=["a name out of a dict", "a dict needs no word", "a class with a fixed URL", "a text at the only call"],
)
def test_what_the_factory_is_called_with(tmp_path: Path, files: Files, expected: tuple[str, str] | None) -> None:
    """Where its signature alone would leave the harness guessing."""
    argument = survey(write(tmp_path, files)).argument

    assert expected == (argument and (argument.kind, argument.value))


# ---------------------------------------------------------------------- variables
@pytest.mark.parametrize(
    ("source", "name", "need"),
    [
        ('os.environ["A_KEY"]', "A_KEY", Need.REQUIRED),
        ('os.environ.get("A_KEY")', "A_KEY", Need.EMPTY),
        ('os.getenv("A_KEY", "")', "A_KEY", Need.EMPTY),
        ('os.getenv("A_KEY", "x")', "A_KEY", Need.DEFAULT),
        ('os.environ.get("A_KEY") or "x"', "A_KEY", Need.DEFAULT),
        ('"x" if os.environ.get("A_KEY") else "y"', "A_KEY", Need.DEFAULT),
        ('os.environ.get("A_KEY") == "true"', "A_KEY", Need.DEFAULT),
        ('int(os.environ.get("A_KEY"))', "A_KEY", Need.REQUIRED),
        ('os.environ.get("A_KEY").lower()', "A_KEY", Need.REQUIRED),
        ('e.get("A_KEY")', "A_KEY", Need.EMPTY),
        ('environ["A_KEY"]', "A_KEY", Need.REQUIRED),
        ('env.str("A_KEY")', "A_KEY", Need.REQUIRED),
        ('decouple("A_KEY", default=None)', "A_KEY", Need.EMPTY),
        ('os.getenv("_") or os.environ["_A"]', "_A", Need.REQUIRED),
    ],
)
def test_whether_a_variable_has_a_default(tmp_path: Path, source: str, name: str, need: Need) -> None:
    """The many ways of asking."""
    head = "import os\nfrom os import environ\nfrom environs import Env\nfrom decouple import config as decouple\n"
    found = survey(
        write(tmp_path, {"app.py": f"{head}{FLASK}e = os.environ\nenv = Env()\nx = {source}\napp = Flask('x')\n"})
    )

    assert {name: need} == {reading.name: reading.need for reading in found.variables.values()}
    assert found.variables[name].place == "app.py:8"


def test_fields_of_a_settings_class_are_variables(tmp_path: Path) -> None:
    """pydantic reads them in capitals, with a prefix."""
    source = (
        "from pydantic_settings import BaseSettings, SettingsConfigDict\n"
        f"{FLASK}\nclass Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='SHOP_')\n"
        "    database_url: str\n    debug: bool = False\n\napp = Flask('x')\n"
    )
    found = survey(write(tmp_path, {"app.py": source}))

    assert [one.name for one in found.database.variables] == ["SHOP_DATABASE_URL"]
    assert Need.DEFAULT is found.variables["SHOP_DEBUG"].need


def test_variables_of_another_app_and_of_tests_do_not_count(tmp_path: Path) -> None:
    """Only what the chosen app is made of."""
    found = survey(
        write(
            tmp_path,
            {
                "shop/__init__.py": f"import common\n{CREATE}",
                "common.py": 'import os\nA = os.environ["COMMON"]\n',
                "other/__init__.py": f'import os\nB = os.environ["OTHER"]\n{FLASK}app = Flask("x")\n',
                "tests/test_x.py": 'import os\nC = os.environ["TESTS"]\n',
                "shop/worker.py": 'import os\nD = os.environ["WORKER"]\n',
            },
        )
    )

    assert {"COMMON", "WORKER"} == found.variables.keys()


def test_a_required_variable_takes_the_harmless_value_of_the_team_s_example(init: Init, project: Path) -> None:
    """Not a placeholder, not the address of somebody's store."""
    names = ("REGION", "REDIS_URL", "TITLE", "API_TOKEN", "APP_ENV")
    source = "import os\n" + "".join(f'{name} = os.environ["{name}"]\n' for name in names)
    example = "REGION=north # sea\nREDIS_URL=redis://localhost\nTITLE=your-title\nAPP_ENV=development\n"
    init({"app.py": f"{source}{FLASK}app = Flask('x')\n", ".env.example": example}, "--no-run")

    env = load(project).env

    assert {"REGION", "API_TOKEN"} == env.keys()
    assert env["REGION"] == "north"
    assert env["API_TOKEN"].startswith("trial-")
    assert '# REDIS_URL = ""' in (project / "seatrial.toml").read_text()


@pytest.mark.parametrize(
    ("line", "variables", "parts"),
    [
        ('URL = os.environ["DATABASE_URL"]', ["DATABASE_URL"], []),
        ('SQLALCHEMY_DATABASE_URI = os.getenv("STORE")', ["STORE"], []),
        ('engine = create_engine(os.environ["STORE"])', ["STORE"], []),
        ('URL = os.environ["TEST_DATABASE_URL"]', [], []),
        ("URL = f\"postgresql://{os.environ['DB_USER']}@{os.environ['DB_HOST']}/x\"", [], ["DB_USER", "DB_HOST"]),
        ("SQLALCHEMY_DATABASE_URI = f\"postgresql://{os.environ['DB_USER']}@x/y\"", [], ["DB_USER"]),
        ('URL = os.environ["REDIS_URL"]', [], []),
        ("app.config.from_prefixed_env()", ["FLASK_SQLALCHEMY_DATABASE_URI"], []),
    ],
)
def test_which_variables_carry_the_database(tmp_path: Path, line: str, variables: list[str], parts: list[str]) -> None:
    """By name, by what the value is for, never the tests' and never another store's."""
    head = f"import os\nfrom sqlalchemy import create_engine\n{FLASK}app = Flask('x')\n"
    found = survey(write(tmp_path, {"app.py": f"{head}{line}\n"})).database

    assert variables == [one.name for one in found.variables]
    assert parts == [one.name for one in found.parts]


# ---------------------------------------------------------------------- doors and seeds
def test_prefixes_of_blueprints_that_share_a_variable_s_name_are_kept_apart(tmp_path: Path) -> None:
    """Every module calls its blueprint `bp`."""
    found = survey(write(tmp_path, FACTORY))

    assert {"/items/", "/auth/login", "/auth/oauth/start", "/auth/oauth/callback", "/billing/webhooks/stripe"} == {
        view.rule for view in found.views
    }


def test_the_log_in_form_is_not_the_one_of_a_provider_and_its_fields_are_read(tmp_path: Path) -> None:
    """From a form class here, with GET and POST in two functions."""
    source = f"""\
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from flask import request
{FLASK}
app = Flask("x")


class LoginForm(FlaskForm):
    email = EmailField()
    password = PasswordField()


@app.get("/login/github")
def github_login():
    return ""


@app.post("/dev/login")
def dev_login():
    return request.form["username"] + request.form["password"]


@app.get("/login")
def login():
    return ""


@app.post("/login")
def log_in():
    form = LoginForm()
    return ""
"""
    login = survey(write(tmp_path, {"app.py": source})).login

    assert login is not None
    assert (login.path, login.user_field, login.password_field) == ("/login", "email", "password")


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ("def seed(app):\n    pass\n", "app:seed"),
        ("def seed(app):\n    pass\n\n\ndef seed_more(app):\n    pass\n", None),
        ("def seed_users():\n    pass\n", "app:seed_users"),
        ("def seed_users():\n    pass\n\n\ndef seed_items():\n    pass\n", None),
        ("def seed_items():\n    pass\n\n\ndef seed_all():\n    seed_items()\n", "app:seed_all"),
        ("def seed_all():\n    pass\n\n\n@app.cli.command()\ndef seed():\n    pass\n", "flask seed"),
        ('@app.post("/seed")\ndef seed():\n    return ""\n', None),
        ("def seed(*, count):\n    pass\n", None),
        ("def seed(count=3):\n    pass\n", None),
        ('@app.cli.command("fake-users")\ndef go():\n    pass\n', "flask fake-users"),
        ("def fake_user():\n    pass\n", None),
        ('@app.cli.command("seed-demo")\ndef go():\n    pass\n', "flask seed-demo"),
        ('@app.cli.command("seed")\n@click.argument("n")\ndef go(n):\n    pass\n', None),
        ('bp = Blueprint("shop", "x")\n\n\n@bp.cli.command()\ndef seed_all():\n    pass\n', "flask shop seed-all"),
    ],
    ids=[
        "a function of the app",
        "two of them",
        "asks for nothing",
        "two that ask for nothing",
        "one calls the other",
        "a command before it",
        "a route",
        "a keyword that is asked for",
        "an argument that is not the app",
        "fakes",
        "a helper that fakes one",
        "a command",
        "asks for more",
        "of a blueprint",
    ],
)
def test_a_seed_is_used_only_where_there_is_no_doubt(init: Init, project: Path, source: str, spec: str | None) -> None:
    """Otherwise the candidates stand in comments."""
    init({"app.py": f"import click\nfrom flask import Blueprint\n{FLASK}app = Flask('x')\n\n\n{source}"}, "--no-run")

    assert ([spec] if spec else []) == load(project).seed
    assert "seed = " in (project / "seatrial.toml").read_text()


# ---------------------------------------------------------------------- gates
def levels(root: Path, *missing: str) -> dict[str, str]:
    return {gate.tool: gate.level for gate in gates(Project.read(root), lambda tool: tool not in missing)}


def test_tools_that_the_project_does_not_use_never_block(tmp_path: Path) -> None:
    """The first day is not red for reasons of style."""
    assert levels(write(tmp_path, BARE)) == {"ruff": "warn", "mypy": "off", "bandit": "warn", "pytest": "off"}


def test_tools_that_the_project_uses_are_held_to(tmp_path: Path) -> None:
    """A configuration or a test is enough."""
    used = {**BARE, "ruff.toml": "", "setup.cfg": "[mypy]\n", "tests/test_it.py": "def test_it():\n    pass\n"}

    assert levels(write(tmp_path, used)) == {"ruff": "block", "mypy": "warn", "bandit": "warn", "pytest": "block"}


@pytest.mark.parametrize(
    ("files", "level"),
    [({}, "off"), ({".pre-commit-config.yaml": "- id: ruff-format\n"}, None), ({"ruff.toml": "[format]\n"}, None)],
    ids=["nothing formats with ruff", "a hook does", "it is configured"],
)
def test_formatting_counts_only_where_the_project_formats_with_ruff(
    init: Init, project: Path, files: Files, level: str | None
) -> None:
    """A project that formats otherwise, or not at all, is not red on its first day."""
    init({**BARE, "ruff.toml": "", **files}, "--no-run")

    assert load(project).rules.get("ruff:format") == level


def test_tools_that_are_not_installed_are_off(tmp_path: Path) -> None:
    """Else the first check would be broken."""
    used = {**BARE, "ruff.toml": "", "test_it.py": ""}

    assert levels(write(tmp_path, used), "ruff", "bandit") == {
        "ruff": "off",
        "mypy": "off",
        "bandit": "off",
        "pytest": "block",
    }
