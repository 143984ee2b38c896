"""Seeds that were not written for trials: scripts beside the app, and functions that take nothing."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from init.conftest import FACTORY, Files, Init, write

from seatrial.config import load
from seatrial.model.errors import ConfigurationError
from seatrial.scaffold.seeds import unambiguous
from seatrial.scaffold.survey import survey
from seatrial.target.seeds import sow
from seatrial.verdict import budgets

SHOP = {name: text for name, text in FACTORY.items() if name != "shop/seeds.py"}
SCRIPT = """\
from shop import create_app
from shop.extensions import db
from shop.models import Item

app = create_app()


def seed():
    with app.app_context():
        db.session.add_all([Item(name="nail"), Item(name="screw")])
        db.session.commit()
        print(Item.query.count(), "items")


if __name__ == "__main__":
    seed()
"""


@pytest.mark.parametrize(
    ("files", "spec"),
    [
        ({"seed_dev_data.py": SCRIPT}, "seed_dev_data:seed"),
        ({"scripts/seed.py": SCRIPT}, "scripts.seed:seed"),
        ({"seed.py": SCRIPT.replace("seed()", "fill()")}, "seed:fill"),
        ({"seed.py": SCRIPT.replace("seed()", "main()").partition("if __name__")[0]}, "seed:main"),
        ({"fill.py": SCRIPT.replace("seed()", "fill()")}, None),
        ({"seed.py": "def seed():\n    pass\n"}, None),
        ({"tests/seed.py": SCRIPT}, None),
        ({"old/more/seed.py": SCRIPT}, None),
        ({"seed_dev_data.py": SCRIPT, "shop/seeds.py": FACTORY["shop/seeds.py"]}, "shop.seeds:seed"),
        ({"shop/demo_data.py": "def run():\n    pass\n\n\ndef helper():\n    pass\n"}, "shop.demo_data:run"),
    ],
    ids=[
        "a script beside the app",
        "in a folder of scripts",
        "a module of that name, what it runs",
        "a module of that name, its main",
        "neither name",
        "nothing of the app's",
        "of the tests",
        "somewhere else",
        "one that takes the app is better",
        "a module inside the app",
    ],
)
def test_a_script_that_the_app_does_not_import_is_a_seed(tmp_path: Path, files: Files, spec: str | None) -> None:
    """By the name of the module or of the function, where it imports the app."""
    used = unambiguous(survey(write(tmp_path, {**SHOP, **files})).seeds)

    assert spec == (used and used.spec)


def test_a_command_that_asks_for_a_number_stands_in_a_comment(init: Init, project: Path) -> None:
    """It cannot be run as it is."""
    fake = (
        "import click\nfrom flask import Blueprint\n\nfake = Blueprint('fake', __name__)\n\n\n"
        "@fake.cli.command()\n@click.argument('num', type=int)\ndef users(num):\n    pass\n"
    )
    init({**SHOP, "shop/fake.py": fake}, "--no-run")

    assert load(project).seed == []
    assert '# seed = "flask fake users"' in (project / "pyproject.toml").read_text()


@pytest.mark.matrix
def test_a_script_with_an_app_of_its_own_is_sown(init: Init, project: Path) -> None:
    """In the trial's database, from which other databases are cloned: nothing of the script's may stay connected."""
    result = init({**SHOP, "seed_dev_data.py": SCRIPT})

    assert result.exit_code == 0, result.output
    assert load(project).seed == ["seed_dev_data:seed"]
    spent = budgets.load(project / ".seatrial/budgets.tsv").of("GET /items/ items.index [anonymous]")
    assert spent is not None
    assert spent.rows == 2


# ---------------------------------------------------------------------- what is handed over
@pytest.mark.parametrize(
    ("parameters", "given"),
    [("", 0), ("app", 1), ("app=None", 1), ("*given", 1), ("*, count=3", 0), ("**more", 0)],
)
def test_a_seed_gets_the_app_where_it_takes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: str, given: int
) -> None:
    """And nothing where it takes nothing."""
    name = f"sown_{abs(hash(parameters))}"
    write(tmp_path, {f"{name}.py": f"got = []\n\n\ndef seed({parameters}):\n    got.append(dict(locals()))\n"})
    monkeypatch.syspath_prepend(str(tmp_path))
    app = Flask("x")

    sow(app, f"{name}:seed")

    (got,) = __import__(name).got
    assert given == sum(value is app or value == (app,) for value in got.values())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no sea')", "seed: importing {} failed: RuntimeError: no sea"),
        ("raise SystemExit(3)", r"seed: importing {} called sys.exit\(3\)"),
        ("import nothing_of_the_kind", "seed: {}:seed could not be imported"),
    ],
)
def test_a_script_that_cannot_be_imported_is_a_seed_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    """So that a guess is taken out again."""
    name = f"unfit_{abs(hash(source))}"
    write(tmp_path, {f"{name}.py": f"{source}\n\n\ndef seed():\n    pass\n"})
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ConfigurationError, match=message.format(name)):
        sow(Flask("x"), f"{name}:seed")


def test_what_a_seed_leaves_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engines and its sessions, and nobody else's."""
    source = f"""\
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine("sqlite:///{tmp_path}/x.db")
session = Session(engine)


def seed():
    session.execute(text("SELECT 1"))
"""
    write(tmp_path, {"left_open.py": source})
    monkeypatch.syspath_prepend(str(tmp_path))
    ours = sa.create_engine(f"sqlite:///{tmp_path}/y.db", poolclass=sa.QueuePool)
    ours.connect().close()

    sow(Flask("x"), "left_open:seed")

    theirs = __import__("left_open")
    assert not theirs.session.in_transaction()
    assert theirs.engine.pool.checkedin() == 0
    assert ours.pool.checkedin() == 1
