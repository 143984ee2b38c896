"""Small projects, as people write them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import click.testing
import pytest

from seatrial.cli import group

Files = Mapping[str, str | bytes]
Init = Callable[..., click.testing.Result]

FACTORY: Files = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n\n[tool.ruff]\nline-length = 100\n',
    ".flaskenv": "FLASK_APP=shop\n",
    "wsgi.py": "from shop import create_app\n\napp = create_app()\n",
    "shop/__init__.py": """\
import os

from flask import Flask

from shop.extensions import db


def create_app(config=None):
    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL")
    app.config["STRIPE_WEBHOOK_SECRET"] = os.environ.get("STRIPE_WEBHOOK_SECRET")
    app.config.update(config or {})
    db.init_app(app)
    from shop.blueprints import auth, billing, items

    for blueprint, prefix in ((auth.bp, "/auth"), (billing.bp, "/billing")):
        app.register_blueprint(blueprint, url_prefix=prefix)
    app.register_blueprint(items.bp)
    return app
""",
    "shop/extensions.py": "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n",
    "shop/models.py": """\
from shop.extensions import db


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50))
""",
    "shop/services/__init__.py": "",
    "shop/services/items.py": """\
from shop.extensions import db
from shop.models import Item


def everything():
    return db.session.scalars(db.select(Item)).all()
""",
    "shop/blueprints/__init__.py": "",
    "shop/blueprints/items.py": """\
from flask import Blueprint, jsonify

from shop.services import items

bp = Blueprint("items", __name__, url_prefix="/items")


@bp.route("/")
def index():
    return jsonify([item.name for item in items.everything()])
""",
    "shop/blueprints/auth.py": """\
from flask import Blueprint, redirect, render_template, request

bp = Blueprint("auth", __name__)


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        return redirect("/items/")
    return render_template("auth/login.html")


@bp.route("/oauth/start")
def oauth_start():
    return redirect("https://id.example/authorize")


@bp.route("/oauth/callback")
def oauth_callback():
    return redirect("/items/")
""",
    "shop/blueprints/billing.py": """\
from flask import Blueprint

bp = Blueprint("billing", __name__)


@bp.post("/webhooks/stripe")
def stripe_webhook():
    return "", 400
""",
    "shop/templates/auth/login.html": """\
<form method="post"><input name="email"><input type="password" name="pass_word"></form>
""",
    "shop/seeds.py": """\
from shop.extensions import db
from shop.models import Item


def seed(app):
    db.session.add_all([Item(name="nail"), Item(name="screw")])
    db.session.commit()
""",
}

SINGLE: Files = {
    "app.py": """\
import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("DB_URI", "sqlite:///shop.db")
db = SQLAlchemy(app)


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)


@app.route("/")
def index():
    return str(db.session.query(Item).count())


if __name__ == "__main__":
    app.run()
"""
}

SRC: Files = {
    "pyproject.toml": '[project]\nname = "my-shop"\nversion = "1"\n',
    "src/my_shop/__init__.py": """\
from flask import Flask

from my_shop import store


def make_app():
    app = Flask(__name__)

    @app.get("/")
    def index():
        return str(store.count())

    return app
""",
    "src/my_shop/store.py": """\
import os

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["SHOP_STORE"])


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)


def count():
    with Session(engine) as session:
        return len(session.scalars(select(Item)).all())
""",
}

BARE: Files = {
    "hello.py": """\
from flask import Flask

application = Flask(__name__)


@application.get("/")
def index():
    return "hi"
"""
}

CLASSES: Files = {
    "manage.py": "from app import create_app\n\napp = create_app('development')\n",
    "config.py": """\
import os


class Config:
    SECRET_KEY = os.environ.get("SECRET_KEY") or "hard to guess"


class DevelopmentConfig(Config):
    DEBUG = True
    SQLALCHEMY_DATABASE_URI = os.environ.get("DEV_DATABASE_URL") or "sqlite:///dev.db"


class ProductionConfig(Config):
    SQLALCHEMY_DATABASE_URI = os.environ.get("DATABASE_URL") or "sqlite:///data.db"


config = {"development": DevelopmentConfig, "production": ProductionConfig, "default": DevelopmentConfig}
""",
    "app/__init__.py": """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from config import config

db = SQLAlchemy()


def create_app(config_name):
    app = Flask(__name__)
    app.config.from_object(config[config_name])
    db.init_app(app)
    return app
""",
}


def write(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def uncommented(text: str) -> str:
    """The configuration with every commented key and table switched on, the way a person would."""
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Run `seatrial init` in a project made of these files (or in the one that is there)."""
    root = tmp_path / "my prøject"
    monkeypatch.delenv("SEATRIAL_DATABASE_URL", raising=False)

    def run(files: Files | None, *arguments: str) -> click.testing.Result:
        root.mkdir(exist_ok=True)
        write(root, files or {})
        return click.testing.CliRunner().invoke(group, ["init", str(root), *arguments])

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "my prøject"
