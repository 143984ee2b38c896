"""`seatrial db advise` and `seatrial db verify --prove` on a small app: gain and price, what is pasted runs."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from migrate.conftest import Shop
from migrate.test_one_history import flask_of
from support import project

from seatrial.database import PostgresDatabases, open_databases

Db = Callable[..., tuple[int, str]]

APP = """
    import os

    from flask import Flask
    from flask_migrate import Migrate
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()


    class Item(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(40), nullable=False)


    class Lot(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        item_id = db.Column(db.ForeignKey("item.id"), nullable=False)
        remaining = db.Column(db.Integer, nullable=False)
        state = db.Column(db.String(16), nullable=False, default="open")
        {models}


    def create_app():
        app = Flask(__name__)
        app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
        db.init_app(app)
        Migrate(app, db)

        @app.get("/lots/")
        def lots():
            found = Lot.query.filter(Lot.item_id == 3, Lot.remaining > 0)
            return {{"lots": [lot.remaining for lot in found]}}

        @app.post("/deduct")
        def deduct():
            Lot.query.filter(Lot.item_id == 3).update({{"remaining": Lot.remaining - 1}})
            db.session.commit()
            return {{}}

        return app


    def seed(app):
        with app.app_context():
            db.create_all()
            db.session.add_all(Item(id=1 + n, name=f"item {{n}}") for n in range(10))
            db.session.flush()
            db.session.add_all(Lot(item_id=1 + n % 10, remaining=1 + n % 5) for n in range(40))
            db.session.commit()
"""
CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    seed = "shop:seed"
    environment = "production"
    [tool.seatrial.env]
    DATABASE_URL = "{database_url}"
    [tool.seatrial.config]
    SECRET_KEY = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
    [tool.seatrial.database]
    url = "embedded"
    [tool.seatrial.deadlines]
    request_s = 60
    build_s = 300
    trial_s = 300
"""


@pytest.fixture(scope="module")
def advised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Shop, str]]:
    """The app with a history, a database that it has built, and what was said of it."""
    from click.testing import CliRunner

    from seatrial.cli import group

    root = project(tmp_path_factory.mktemp("advised") / "app", {"shop.py": APP.format(models="")}, config=CONFIG)
    with open_databases("embedded", run="advised") as server:
        assert isinstance(server, PostgresDatabases)
        name = server.name("live")
        server.create(name)
        live = Shop(server.url(name))
        flask = flask_of(root, live)
        flask("db", "init")
        flask("db", "migrate", "-m", "first")
        flask("db", "upgrade")
        done = CliRunner().invoke(group, ["db", "advise", str(root), "--url", live.url], standalone_mode=False)
        assert done.exception is None, done.output
        # Before Click 8.2 the runner shows the progress among it.
        yield root, live, "".join(line for line in done.stdout.splitlines(True) if not line.startswith("seatrial: "))


def test_gain_and_price_stand_side_by_side(advised: tuple[Path, Shop, str]) -> None:
    _, _, said = advised
    head, title, reads, update, writes, *_ = said.splitlines()
    assert head.startswith("2 statements of 2 routes, 3 candidates (")
    assert "built" in head
    assert title.startswith("lot(item_id) (")
    page = next(line for line in (reads, update) if " GET " in line)
    before, after = (int(word) for word in page.partition(": ")[2].split() if word.isdigit())
    assert {line[:16] for line in (reads, update)} == {"    reads   GET ", "    reads   POST"}
    assert after * 10 < before
    assert "Seq Scan → " in page
    assert writes.startswith("    writes  ")
    assert "HOT 100% → 100%" in writes
    assert "kB per 1000, size " in writes


def test_the_table_to_paste_is_what_db_upgrade_plans(advised: tuple[Path, Shop, str]) -> None:
    _, _, said = advised
    pasted = said.partition("seatrial db adopt:")[2].partition("\nor add to the models")[0]
    assert tomllib.loads(pasted)["tool"]["seatrial"]["indexes"] == [{"table": "lot", "columns": ["item_id"]}]


def test_the_revision_to_paste_runs(advised: tuple[Path, Shop, str], db: Db) -> None:
    root, live, said = advised
    into, _, revision = said.partition("and paste this revision into ")[2].partition(":\n\n")
    assert not Path(into).exists(), "advise writes nothing"
    Path(into).write_text(revision)
    [line] = [line for line in said.splitlines() if line.startswith("  lot: Index(")]
    index = line.removeprefix("  lot: Index").strip("()")
    flask = flask_of(root, live)
    flask("db", "upgrade")
    assert live.indexes() == {"stx_lot_item_id": True}
    project(root, {"shop.py": APP.format(models=f"__table_args__ = (db.Index({index}),)")}, config="")
    assert "No new upgrade operations detected" in flask("db", "check")
    flask("db", "downgrade")
    assert live.indexes() == {}
    flask("db", "upgrade")
    code, again = db("advise", str(root), "--url", live.url)
    assert (code, again.splitlines()[-1]) == (0, "no further index is worth it")


def test_verify_proves_each_planned_index_with_its_price(empty: Shop, db: Db, tmp_path: Path) -> None:
    empty.run("CREATE TABLE lot (id int, item_id int, remaining int, state text)")
    tables = "".join(
        f'    [[tool.seatrial.indexes]]\n    table = "lot"\n    columns = {columns}\n'
        for columns in ('["item_id", "remaining"]', '["state"]')
    )
    root = project(tmp_path / "app", {"shop.py": APP.format(models="")}, config=CONFIG + tables)
    code, said = db("verify", str(root), "--url", empty.url, "--prove")
    assert code == 1, "the proof needs no index that is there"
    blocks = said.partition("lot(item_id, remaining): missing\n")[2].partition("lot(state): missing\n")
    proof, reads, update, writes = blocks[0].splitlines()
    assert proof.startswith("    proof   faster: chosen by 2 of 2 statements (2 also without knowing the values), on ")
    assert {line.split()[1] for line in (reads, update)} == {"GET", "POST"}
    assert "the app's updates (remaining): HOT 100% → 0%" in writes
    unused, *_ = blocks[2].splitlines()
    assert unused.startswith("    proof   none of 2 statements could use it, on ")


@pytest.mark.matrix
def test_advice_without_an_alembic_folder_shows_no_revision(db: Db, tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": APP.format(models="")}, config=CONFIG)
    code, said = db("advise", str(root))
    assert code == 0
    assert 'columns = ["item_id"]' in said
    assert said.splitlines()[-1].startswith("no revision is shown: ")
    assert said.splitlines()[-1].endswith("name it with --directory.")
    sql = db("advise", str(root), "--sql")[1].splitlines()[-1]
    assert sql == "CREATE INDEX CONCURRENTLY stx_lot_item_id ON lot (item_id);"


def test_advice_and_proof_need_postgresql(db: Db, tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": APP.format(models="")}, config=CONFIG.replace("embedded", "sqlite"))
    code, said = db("advise", str(root))
    assert (code, 'set url = "embedded" under [tool.seatrial.database]' in said) == (2, True)
