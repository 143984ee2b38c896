"""Beside the app's own history: autogenerate leaves ours alone, and `adopt` makes one history of two."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from migrate.conftest import Shop
from support import project

from seatrial.kit import migrations as kit
from seatrial.migrate import specs
from seatrial.migrate.environment import VERSION_TABLE
from seatrial.migrate.policy import Policy
from seatrial.migrate.specs import INVENTORY
from seatrial.migrate.upgrade import upgrade

Db = Callable[..., tuple[int, str]]

APP = """
    import os

    from flask import Flask
    from flask_migrate import Migrate
    from flask_sqlalchemy import SQLAlchemy
    {imports}

    db = SQLAlchemy()


    class InventoryHistory(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        inventory_item_id = db.Column(db.Integer)
        remaining_quantity = db.Column(db.Float)
        expiration_date = db.Column(db.DateTime)
        organization_id = db.Column(db.Integer)
        timestamp = db.Column(db.DateTime)
        {models}


    def create_app():
        app = Flask(__name__)
        app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
        db.init_app(app)
        Migrate(app, db{arguments})
        return app
"""
SPARED = {
    "imports": "from seatrial.kit.migrations import leave_to_seatrial",
    "arguments": ", include_object=leave_to_seatrial",
    "models": "",
}
UNAWARE = {"imports": "", "arguments": "", "models": ""}


def app(root: Path, shop: Shop, pieces: dict[str, str]) -> Callable[..., str]:
    """The app on disk; flask("db", "migrate") returns what it printed."""
    project(root, {"shop.py": APP.format(**pieces)}, config="")
    return flask_of(root, shop)


def flask_of(root: Path, shop: Shop) -> Callable[..., str]:
    """The command of the app in this folder, on this database."""

    def flask(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "shop", *arguments],
            cwd=root,
            env={"PATH": "/usr/bin:/bin", "DATABASE_URL": shop.url, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return flask


@pytest.mark.parametrize(
    ("pieces", "dropped"),
    [pytest.param(UNAWARE, True, id="unaware", marks=pytest.mark.matrix), pytest.param(SPARED, False, id="spared")],
)
def test_autogenerate_does_not_drop_what_is_ours(
    empty: Shop, tmp_path: Path, pieces: dict[str, str], dropped: bool
) -> None:
    """The first case is the control: without the filter Flask-Migrate would drop them."""
    flask = app(tmp_path / "app", empty, pieces)
    flask("db", "init")
    flask("db", "migrate", "-m", "first")
    flask("db", "upgrade")
    upgrade(empty.engine, INVENTORY, Policy())
    assert len(empty.indexes()) == 3
    said = flask("db", "migrate", "-m", "second")
    versions = "".join(path.read_text() for path in (tmp_path / "app/migrations/versions").glob("*second.py"))
    assert (f"op.drop_table('{VERSION_TABLE}')" in versions) is dropped
    assert (versions.partition("def downgrade")[0].count("batch_op.drop_index(") == 3) is dropped
    assert ("No changes in schema detected" in said) is not dropped


def test_the_filter_leaves_out_nothing_else() -> None:
    def asked(name: str, type_: str, reflected: bool = True, compare_to: object = None) -> bool:
        return kit.leave_to_seatrial(None, name, type_, reflected, compare_to)

    assert not asked("stx_orders_customer_id", "index")
    assert not asked("seatrial_alembic_version", "table")
    assert asked("ix_orders_customer_id", "index")
    assert asked("orders", "table")
    assert asked("stx_orders", "table")
    assert asked("stx_orders_customer_id", "index", reflected=False)
    assert asked("stx_orders_customer_id", "index", compare_to=object()), "a model knows it"
    both = kit.together(kit.leave_to_seatrial, lambda item, name, *_: name != "legacy")
    assert both(None, "orders", "table", True, None)
    assert not both(None, "legacy", "table", True, None)
    assert not both(None, "stx_orders_customer_id", "index", True, None)
    assert (kit.PREFIX, kit.VERSION_TABLE) == (specs.PREFIX, VERSION_TABLE)


@pytest.mark.matrix
def test_adopt_writes_a_revision_that_needs_no_seatrial(empty: Shop, db: Db, tmp_path: Path) -> None:
    root = tmp_path / "app"
    models = "__table_args__ = (" + "".join(
        f"db.Index({spec.name!r}, {', '.join(map(repr, spec.columns))}), " for spec in INVENTORY
    ) + ")"  # fmt: skip
    flask = app(root, empty, UNAWARE)
    flask("db", "init")
    flask("db", "migrate", "-m", "first")
    flask("db", "upgrade")
    code, revision = db("adopt", str(root), "--url", empty.url, "--sql")
    assert (code, len(list((root / "migrations/versions").glob("*.py")))) == (0, 1)
    code, said = db("adopt", str(root), "--url", empty.url)
    assert code == 0
    assert "3 indexes are in" in said
    for spec in INVENTORY:
        assert f"inventory_history: Index({spec.name!r}, {', '.join(map(repr, spec.columns))})" in said
    [path] = (root / "migrations/versions").glob("*_indexes_from_seatrial.py")
    assert "seatrial" not in path.read_text().lower().replace("taken over from seatrial", "").replace("stx_", "")
    assert path.read_text().splitlines()[6:] == revision.rstrip().splitlines()[6:]

    # One of them is there already, and one is the leftover of a build that ended in the middle.
    empty.run(
        f"CREATE INDEX {INVENTORY[0].name} ON inventory_history (inventory_item_id, remaining_quantity)",
        f"CREATE INDEX {INVENTORY[1].name} ON inventory_history (inventory_item_id, expiration_date)",
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{INVENTORY[1].name}'::regclass",
    )
    script = flask("db", "upgrade", "--sql", "head")
    assert "CREATE INDEX CONCURRENTLY stx_inventory_history_organization_id_timestamp" in script
    flask("db", "upgrade")
    assert empty.indexes() == {spec.name: True for spec in INVENTORY}
    project(root, {"shop.py": APP.format(**{**UNAWARE, "models": models})}, config="")
    assert "No changes in schema detected" in flask("db", "migrate", "-m", "none")
    flask("db", "downgrade")
    assert empty.indexes() == {}
    flask("db", "upgrade")
    assert len(empty.indexes()) == 3


@pytest.mark.matrix
def test_an_adopted_index_in_another_schema(empty: Shop, db: Db, tmp_path: Path) -> None:
    root = tmp_path / "app"
    flask = app(root, empty, UNAWARE)
    flask("db", "init")
    empty.run("CREATE SCHEMA shop", "CREATE TABLE shop.orders (id integer, customer_id integer)")
    (root / "seatrial.toml").write_text(
        '[tool.seatrial]\napp = "shop:create_app"\nenvironment = "production"\n'
        '[[tool.seatrial.indexes]]\ntable = "shop.orders"\ncolumns = ["customer_id"]\n'
    )
    code, said = db("adopt", str(root), "--url", empty.url)
    assert (code, said.splitlines()[0][:18]) == (0, "1 indexes are in /")
    name = "stx_shop_orders_customer_id"
    empty.run(
        f"CREATE INDEX {name} ON shop.orders (customer_id)",
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.{name}'::regclass",
    )
    flask("db", "upgrade")
    assert empty.indexes() == {name: True}
    flask("db", "downgrade", "base")
    assert empty.indexes() == {}


def test_adopt_refuses_what_it_cannot_continue(shop: Shop, db: Db, tmp_path: Path) -> None:
    code, said = db("adopt", str(tmp_path), "--url", shop.url)
    assert (code, "is no folder of Alembic" in said, "--directory" in said) == (2, True, True)
    revision = "revision = {0!r}\ndown_revision = None\ndef upgrade(): pass\ndef downgrade(): pass\n"
    files = {f"migrations/versions/{name}.py": revision.format(name) for name in ("one", "two")}
    root = project(tmp_path / "app", {"migrations/env.py": "", **files}, config="")
    code, said = db("adopt", str(root), "--url", shop.url)
    assert (code, "ends in 2 revisions (one, two)" in said, "flask db merge heads" in said) == (2, True, True)


def test_adopt_has_nothing_to_do_where_nothing_applies(empty: Shop, db: Db, tmp_path: Path) -> None:
    code, said = db("adopt", str(tmp_path), "--url", empty.url)
    assert (code, said.startswith("nothing to adopt")) == (0, True)
    assert not sa.inspect(empty.engine).has_table(VERSION_TABLE)
