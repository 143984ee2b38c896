"""`seatrial init --mypy`: the block goes where mypy's configuration stands, and mypy itself obeys it."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import project

from seatrial.model.errors import ConfigurationError
from seatrial.scaffold import strictness
from seatrial.source import mypy_config

SERVICE = {
    "app/__init__.py": "",
    "app/services/__init__.py": "",
    "app/services/items.py": "def items(n):\n    return n\n",
}


def app(root: Path, **more: str) -> Path:
    return project(root, SERVICE | {name.replace("__", "."): text for name, text in more.items()}, config="")


def told_by_mypy(root: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "app", "--cache-dir", str(root / "cache")],
        cwd=root,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("home", "before"),
    [
        pytest.param("pyproject.toml", '[project]\nname = "app"\n', marks=pytest.mark.matrix),
        ("pyproject.toml", '[tool.mypy]\npython_version = "3.11"\n\n[tool.other]\nx = 1\n'),
        pytest.param("mypy.ini", "[mypy]\nwarn_unused_ignores = True\n", marks=pytest.mark.matrix),
        pytest.param(
            *("setup.cfg", "[metadata]\nname = app\n\n[mypy]\nignore_missing_imports = True\n"),
            marks=pytest.mark.matrix,
        ),
    ],
)
def test_the_block_goes_where_the_configuration_stands(tmp_path: Path, home: str, before: str) -> None:
    root = app(tmp_path / "app")
    (root / home).write_text(before)
    assert "no-untyped-def" not in told_by_mypy(root)
    written = strictness.write(root, ["app/services"])
    assert (written.path.name, written.why) == (home, "")
    assert (root / home).read_text().startswith(before.rstrip("\n"))
    assert "[no-untyped-def]" in told_by_mypy(root)
    known = mypy_config.configuration(root)
    assert known.of("app.services.items", "disallow_untyped_defs")[0]
    assert not known.of("app.views", "disallow_untyped_defs")[0]


def test_a_second_time_nothing_is_written(tmp_path: Path) -> None:
    root = app(tmp_path / "app")
    strictness.write(root, ["app/services"])
    before = (root / "mypy.ini").read_text()
    assert strictness.write(root, ["app/services"]).why == "it already asks for both"
    assert (root / "mypy.ini").read_text() == before


def test_strict_already_asks_for_both(tmp_path: Path) -> None:
    root = app(tmp_path / "app")
    (root / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    assert strictness.write(root, ["app/services"]).why


def test_what_cannot_be_added_to_is_named_with_its_line(tmp_path: Path) -> None:
    root = app(tmp_path / "app")
    (root / "mypy.ini").write_text("[mypy]\n\n[mypy-app.services.*]\ndisallow_untyped_defs = False\n")
    with pytest.raises(ConfigurationError, match=r"mypy.ini already has a section for app.services.\* at line 3"):
        strictness.write(root, ["app/services"])
    with pytest.raises(ConfigurationError, match="no folder of services"):
        strictness.write(root, [])
    (root / "mypy.ini").unlink()
    (root / "pyproject.toml").write_text("[tool.mypy]\noverrides = []\n")
    with pytest.raises(ConfigurationError, match="cannot be added to"):
        strictness.write(root, ["app/services"])


def test_the_plugin_of_sqlalchemy_only_for_models_of_the_old_kind_and_where_it_is_shipped(tmp_path: Path) -> None:
    import importlib.util

    shipped = importlib.util.find_spec("sqlalchemy.ext.mypy") is not None
    old = app(tmp_path / "old")
    (old / "app" / "models.py").write_text("class Item(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n")
    new = app(tmp_path / "new")
    (new / "app" / "models.py").write_text(
        "class Item(Base):\n    id: Mapped[int] = mapped_column(Integer)  # Column(\n"
    )
    assert strictness.needs_plugin(old, ["app/services"]) is shipped
    assert strictness.needs_plugin(new, ["app/services"]) is False
