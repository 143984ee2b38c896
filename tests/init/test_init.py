"""`seatrial init`, end to end: real projects, real hosts, real databases."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from init.conftest import BARE, CLASSES, FACTORY, SINGLE, SRC, Files, Init, snapshot

from seatrial.config import load
from seatrial.verdict import baseline, budgets


def test_a_factory_is_tried_on_an_embedded_postgresql_and_its_budgets_are_recorded(init: Init, project: Path) -> None:
    """Budgets of public pages, seeded rows in them, an empty baseline, and the next steps."""
    result = init(FACTORY, "--ci", "github")

    assert result.exit_code == 0, result.output
    settings = load(project)
    assert (settings.app, settings.database.url, settings.seed) == ("shop:create_app", "embedded", ["shop.seeds:seed"])
    recorded = budgets.load(project / ".seatrial/budgets.tsv")
    spent = recorded.of("GET /items/ items.index [anonymous]")
    assert spent is not None
    assert (spent.select, spent.rows) == (1, 2)
    assert baseline.load(project / ".seatrial/baseline.tsv").total == 0
    assert (project / ".seatrial/baseline.tsv").is_file()
    assert "seatrial check" in (project / ".github/workflows/seatrial.yml").read_text()
    assert "seatrial baseline accept" in result.output
    assert snapshot(project).keys() - FACTORY.keys() == {
        ".github/workflows/seatrial.yml",
        ".seatrial/baseline.tsv",
        ".seatrial/budgets.tsv",
    }


@pytest.mark.parametrize(
    ("files", "app", "page"),
    [
        pytest.param(
            SINGLE, "app:app", "GET / index [anonymous]", id="a single file, Flask-SQLAlchemy", marks=pytest.mark.matrix
        ),
        pytest.param(
            SRC,
            "my_shop:make_app",
            "GET / index [anonymous]",
            id="src layout, plain SQLAlchemy",
            marks=pytest.mark.matrix,
        ),
        pytest.param(CLASSES, "app:create_app", "", id="a factory that takes the name of a configuration"),
    ],
)
@pytest.mark.matrix
def test_the_configuration_alone_is_enough_to_build_the_app(
    init: Init, project: Path, files: Files, app: str, page: str
) -> None:
    """Nothing is filled in by hand."""
    result = init(files, "--database", "sqlite")

    assert result.exit_code == 0, result.output
    settings = load(project)
    assert (app, "sqlite") == (settings.app, settings.database.url)
    spent = budgets.load(project / ".seatrial/budgets.tsv").of(page) if page else None
    assert not page or (spent is not None and spent.select == 1)


@pytest.mark.matrix
def test_an_app_without_a_database_needs_none(init: Init, project: Path) -> None:
    """Then an empty file takes the place of a PostgreSQL that nobody would ask anything, and a check runs."""
    result = init(BARE)

    assert result.exit_code == 0, result.output
    assert load(project).database.url == "sqlite"
    assert "uses no SQLAlchemy" in (project / "seatrial.toml").read_text()
    check = subprocess.run(
        [Path(sys.executable).parent / "seatrial", "check", project, "--only", "CFG,HDR"],
        capture_output=True,
        text=True,
    )
    assert check.returncode in (0, 1), check.stderr
    assert "Traceback" not in check.stdout + check.stderr


REGION = {**BARE, "hello.py": 'import os\n\nREGION = os.environ["SHOP_REGION"]\n' + str(BARE["hello.py"])}


def test_what_an_app_that_cannot_be_built_is_missing_is_named_and_a_second_run_goes_on(
    init: Init, project: Path
) -> None:
    """The configuration stays; once it is mended, init adds what it could not record."""
    result = init(REGION)

    assert result.exit_code == 2
    assert "the app's own message names SHOP_REGION (hello.py:3); set it under [tool.seatrial.env]" in result.output
    assert "set SHOP_REGION under [tool.seatrial.env]" in result.output
    assert "run `seatrial init` again" in result.output
    assert not (project / ".seatrial").exists()
    path = project / "seatrial.toml"
    mended = path.read_text().replace('# SHOP_REGION = ""', 'SHOP_REGION = "north"')
    path.write_text(mended)

    again = init(None)

    assert again.exit_code == 0, again.output
    assert mended == path.read_text()
    assert (project / ".seatrial/budgets.tsv").is_file()
    assert (project / ".seatrial/baseline.tsv").is_file()


@pytest.mark.matrix
def test_a_guessed_seed_that_fails_is_taken_out_again(init: Init, project: Path) -> None:
    """It was our guess: the app is tried without it, and the reason stands in the file."""
    broken = {**FACTORY, "shop/seeds.py": 'def seed(app):\n    raise RuntimeError("no \\x1b paint left")\n'}

    result = init(broken, "--database", "sqlite")

    assert result.exit_code == 0, result.output
    assert load(project).seed == []
    text = (project / "pyproject.toml").read_text()
    assert "paint left" in text
    assert '# seed = "shop.seeds:seed"' in text
    assert text.startswith(str(FACTORY["pyproject.toml"]))


@pytest.mark.matrix
def test_a_url_that_stands_in_the_source_is_named_with_the_way_out(init: Init, project: Path) -> None:
    """No configuration reaches it: the sentence says where it stands and what to write instead."""
    fixed = {"app.py": str(SINGLE["app.py"]).replace('os.getenv("DB_URI", "sqlite:///shop.db")', '"sqlite:///shop.db"')}

    result = init(fixed, "--database", "sqlite")

    assert result.exit_code == 2
    assert "the database's URL stands in the source (SQLALCHEMY_DATABASE_URI at app.py:7)" in result.output
    assert tomllib.loads((project / "seatrial.toml").read_text())["app"] == "app:app"
