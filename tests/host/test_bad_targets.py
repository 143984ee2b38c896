"""Every failure to build, seed or log in to an app is sentences that end with the way out, and nothing is changed."""

from pathlib import Path

import pytest
from support import project, snapshot

from seatrial.config import load
from seatrial.model.errors import ConfigurationError
from seatrial.model.profiles import Profile
from seatrial.trials.opening import open_run, prepare

EMPTY = """
    from flask import Flask

    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        return app
    """

LOGIN = """
    from flask import Flask, redirect, request, session
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()

    class User(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        username = db.Column(db.String(40), unique=True)
        password = db.Column(db.String(40))

    def seed(app):
        db.session.add(User(username="owner", password="right"))
        db.session.commit()

    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        db.init_app(app)

        @app.route("/login", methods=["GET", "POST"])
        def login():
            if request.method == "POST":
                user = db.session.scalar(db.select(User).filter_by(username=request.form["username"]))
                if user and user.password == request.form["password"]:
                    session["user_id"] = user.id
                    return redirect("/me")
                return '<p class="flash error">Wrong name or password</p><form method="post"><input name="username">' \\
                       '<input name="password" type="password"></form>'
            return '<form method="post"><input name="username"><input name="password" type="password"></form>'

        @app.get("/me")
        def me():
            return "hello" if "user_id" in session else redirect("/login")

        return app
    """


def mistakes(root: Path) -> list[str]:
    before = snapshot(root)
    with pytest.raises(ConfigurationError) as caught, open_run(load(root)) as run:
        prepare(run, Profile.PROTECTION)
    assert snapshot(root) == before
    for mistake in caught.value.mistakes:
        assert "Traceback" not in mistake
        assert "\n" not in mistake
    return list(caught.value.mistakes)


@pytest.mark.parametrize(
    ("shop", "said"),
    [
        ("import not_installed_anywhere\n", "needs the package 'not_installed_anywhere' at shop.py:1"),
        ("def create_app(:\n", "importing shop failed: SyntaxError"),
        ("import os\nKEY = os.environ['STRIPE_KEY']\n", "at shop.py:2; set STRIPE_KEY under [tool.seatrial.env]"),
        ("import sys\nsys.exit(3)\n", "importing shop called sys.exit(3)"),
        (
            "def make_app():\n    pass\n",
            'it has make_app; name it as app = "shop:make_app"',
        ),
        ("create_app = 4\n", "is a int, neither a Flask app nor a factory"),
        ("def create_app():\n    return 'app'\n", "returned a str, not a Flask app"),
        ("def create_app():\n    raise RuntimeError('no broker')\n", "RuntimeError: no broker at shop.py:2"),
        ("import sys\ndef create_app():\n    sys.exit('need config')\n", "called sys.exit('need config')"),
    ],
)
def test_a_factory_that_fails(tmp_path: Path, shop: str, said: str) -> None:
    (mistake,) = mistakes(project(tmp_path, {"shop.py": shop}))
    assert said in mistake


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    (mistake,) = mistakes(project(tmp_path, {"README": "nothing\n"}))
    assert "there is no module 'shop'" in mistake


def test_a_factory_that_writes_to_another_database(tmp_path: Path) -> None:
    shop = """
        import os
        from flask import Flask
        from flask_sqlalchemy import SQLAlchemy

        db = SQLAlchemy()

        class Thing(db.Model):
            id = db.Column(db.Integer, primary_key=True)

        def create_app():
            app = Flask(__name__)
            app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + os.environ["HOME"] + "/dev.db"
            db.init_app(app)
            with app.app_context():
                try:
                    db.create_all()
                except Exception:
                    pass
            return app
        """
    home = tmp_path / "home"
    home.mkdir()
    root = project(tmp_path / "app", {"shop.py": shop}, more=f'[tool.seatrial.env]\nHOME = "{home}"')
    found = mistakes(root)
    assert any("dev.db" in mistake and "{database_url}" in mistake for mistake in found)
    assert list(home.iterdir()) == []


def test_a_connection_elsewhere_while_importing_is_told_although_it_was_swallowed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    shop = f"""
        import sqlalchemy as sa
        from flask import Flask

        try:
            sa.create_engine("sqlite:///{elsewhere}").connect()
        except Exception:
            pass

        def create_app(config=None):
            return Flask(__name__)
        """
    found = mistakes(project(tmp_path / "app", {"shop.py": shop}))
    assert any("elsewhere.db" in mistake for mistake in found)
    assert not elsewhere.exists()


def test_a_second_bind_that_leads_elsewhere(tmp_path: Path) -> None:
    shop = """
        from flask import Flask
        from flask_sqlalchemy import SQLAlchemy

        db = SQLAlchemy()

        def create_app(config=None):
            app = Flask(__name__)
            app.config.update(config or {})
            app.config["SQLALCHEMY_BINDS"] = {"reports": "sqlite:////tmp/elsewhere-reports.db"}
            db.init_app(app)
            return app
        """
    (mistake,) = mistakes(project(tmp_path, {"shop.py": shop}))
    assert "bind 'reports' leads to" in mistake
    assert not Path("/tmp/elsewhere-reports.db").exists()


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ("shop:no_such_seed", "seed: shop:no_such_seed could not be imported"),
        ("shop:broken_seed", "seed: shop:broken_seed failed: ZeroDivisionError"),
        ("flask no-such-command", "seed: `flask no-such-command` ended with 2"),
    ],
)
def test_a_seed_that_fails(tmp_path: Path, seed: str, said: str) -> None:
    files = {"shop.py": EMPTY + "\n    def broken_seed(app):\n        1 / 0\n"}
    (mistake,) = mistakes(project(tmp_path, files, top=f'seed = "{seed}"'))
    assert said in mistake


def identity(password: str, login: str = "/login", name: str = "owner") -> str:
    return f"""
    [[tool.seatrial.identities]]
    name = "{name}"
    login = "{login}"
    fields = {{ username = "owner", password = "{password}" }}
    """


def test_logins_that_fail_are_all_named_with_what_the_app_answered(tmp_path: Path) -> None:
    more = identity("wrong") + identity("right", "/no-such-page", "other")
    found = mistakes(project(tmp_path, {"shop.py": LOGIN}, top='seed = "shop:seed"', more=more))
    assert len(found) == 2
    assert "owner: could not log in: POST /login answered 200 and shows the form again" in found[0]
    assert "saying “Wrong name or password”" in found[0]
    assert "other: could not log in: GET /no-such-page answered 404" in found[1]


def test_a_login_page_that_fails_says_with_what(tmp_path: Path) -> None:
    failing = "if request.method == 'GET':\n                raise RuntimeError('no secret  key was set')\n            "
    shop = LOGIN.replace('if request.method == "POST":', failing + 'if request.method == "POST":')
    (mistake,) = mistakes(project(tmp_path, {"shop.py": shop}, top='seed = "shop:seed"', more=identity("right")))
    assert "GET /login answered 500 (RuntimeError at shop.py:" in mistake
    assert ": no secret key was set); mend that, or set what the app needs under [tool.seatrial.env]" in mistake


def test_a_login_that_works_is_proved_by_a_page(tmp_path: Path) -> None:
    root = project(tmp_path, {"shop.py": LOGIN}, top='seed = "shop:seed"', more=identity("right"))
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.PROTECTION)
    assert inventory.identities == ("anonymous", "owner")
    assert inventory.by_key("GET /me me").access == "login"


def test_an_app_without_a_database_is_tried_and_said_to_have_none(tmp_path: Path) -> None:
    with open_run(load(project(tmp_path, {"shop.py": EMPTY}))) as run:
        inventory = prepare(run, Profile.PROTECTION)
    assert "the app has no SQLAlchemy engine: there are no statements to count" in inventory.notes


def test_an_app_that_hangs_while_it_is_built_is_ended(tmp_path: Path) -> None:
    shop = "import time\ntime.sleep(60)\n"
    root = project(tmp_path, {"shop.py": shop}, more="[tool.seatrial.deadlines]\nbuild_s = 1.0")
    from seatrial.host.client import HostHung

    said = r"did not come back within 1 s .*raise build_s under"
    with pytest.raises(HostHung, match=said), open_run(load(root)) as run:
        prepare(run, Profile.PROTECTION)


def test_a_read_only_checkout_can_be_tried(tmp_path: Path) -> None:
    shop = """
        from flask import Flask

        def create_app(config=None):
            open("started.log", "w").close()
            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: "fine")
            return app
        """
    root = project(tmp_path / "app", {"shop.py": shop})
    for path in (*root.iterdir(), root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.PROTECTION)
        assert run.files_written() == ["started.log"]
    assert inventory.by_key("GET / index").access == "public"
    assert sorted(p.name for p in root.iterdir()) == ["seatrial.toml", "shop.py"]
