"""Signatures of services, what mypy's configuration asks of them, and who writes to a table."""

from pathlib import Path

import pytest
from support import project

from seatrial.model.structure import Checking, Layer, TableWrites
from seatrial.source.structure import Survey, Wanted


def layer(tmp_path: Path, text: str, **files: str) -> Layer:
    root = project(tmp_path / "app", {"services/items.py": text, **files}, config="")
    [found] = Survey(root, Wanted()).structure().layers
    return found


SIGNATURES = {
    "typed": ("def f(a: int, *, b: str = '') -> None: ...", 3, ()),
    "half": ("def f(a: int, b): ...", 3, ("b", "return")),
    "args and kwargs are slots": ("def f(*args, **kwargs) -> int: ...", 3, ("args", "kwargs")),
    "self is none": ("class A:\n    def f(self, a: int) -> int: ...", 2, ()),
    "cls is none": ("class A:\n    @classmethod\n    def f(cls) -> int: ...", 1, ()),
    "a static method has no self": ("class A:\n    @staticmethod\n    def f(a) -> int: ...", 2, ("a",)),
    "a constructor with an annotated parameter": ("class A:\n    def __init__(self, a: int): ...", 1, ()),
    "a constructor without any": ("class A:\n    def __init__(self): ...", 1, ("return",)),
    "positional only": ("def f(a, /, b: int) -> int: ...", 3, ("a",)),
    "async": ("async def f(a) -> int: ...", 2, ("a",)),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_is_a_typed_signature(tmp_path: Path, name: str) -> None:
    text, slots, missing = SIGNATURES[name]
    [signature] = layer(tmp_path, text).signatures
    assert (signature.slots, signature.missing) == (slots, missing)


def test_what_is_a_callable(tmp_path: Path) -> None:
    found = layer(
        tmp_path,
        """
        from typing import overload, Any

        def outer(a: int) -> int:
            def inner(b):
                return b
            return inner(a)

        @overload
        def many(a: int) -> int: ...
        @overload
        def many(a: str) -> str: ...
        def many(a):
            return a

        class Item:
            @property
            def name(self): ...
            @name.setter
            def name(self, value: str) -> None: ...
            def rest(self, a: Any) -> "Any": ...
            def _hidden(self) -> int: ...
        """,
    )
    assert {s.subject.partition(":")[2]: (s.typed, s.public) for s in found.signatures} == {
        "outer": (True, True),
        "many": (True, True),
        "Item.name": (False, True),
        "Item.name.setter": (True, True),
        "Item.rest": (True, True),
        "Item._hidden": (True, False),
    }
    assert (found.typed, found.callables, found.slots) == (5, 6, (9, 10))
    assert [s.any_slots for s in found.signatures if s.any_slots] == [("a", "return")]


@pytest.mark.parametrize(
    ("annotation", "loose"),
    [
        ("dict", "dict"),
        ("dict[str, Any]", "dict[str, Any]"),
        ("typing.Dict[str, object]", "typing.Dict[str, object]"),
        ("list[dict[str, Any]]", "dict[str, Any]"),
        ("tuple[dict, int]", "dict"),
        ("dict | None", "dict"),
        ("Optional[Dict]", "Dict"),
        ("'dict[str, Any]'", "dict[str, Any]"),
        ("Mapping[str, int | str]", "Mapping[str, int | str]"),
        ("Any", "Any"),
        ("list[Any]", "Any"),
        ("dict[int, Product]", ""),
        ("dict[str, int]", ""),
        ("list[Item]", ""),
        ("Item | None", ""),
        ("None", ""),
        ("Callable[[dict], Item]", ""),
        ("'not python('", ""),
    ],
)
def test_which_annotations_have_no_shape(tmp_path: Path, annotation: str, loose: str) -> None:
    [signature] = layer(tmp_path, f"def f() -> {annotation}: ...").signatures
    assert signature.loose == loose


def checking(tmp_path: Path, **homes: str) -> Checking:
    files = {name.replace("__", "."): text for name, text in homes.items()}
    root = project(tmp_path / "app", {"app/services/items.py": "", "app/services/old.py": "", **files}, config="")
    (root / ".git").mkdir(exist_ok=True)
    [found] = Survey(root, Wanted()).structure().checking
    return found


BOTH = "disallow_untyped_defs = true\ndisallow_incomplete_defs = true\n"
OVERRIDE = '[tool.mypy]\nstrict = false\n\n[[tool.mypy.overrides]]\nmodule = "{}"\n{}'


@pytest.mark.parametrize(
    ("homes", "home", "lax"),
    [
        ({}, "", 2),
        ({"mypy__ini": "[mypy]\nstrict = True\n"}, "mypy.ini", 0),
        ({"_x_mypy__ini": ""}, "", 2),
        ({"setup__cfg": f"[metadata]\nname = a\n[mypy]\n{BOTH}"}, "setup.cfg", 0),
        ({"pyproject__toml": f"[tool.mypy]\n{BOTH}"}, "pyproject.toml", 0),
        ({"pyproject__toml": "[tool.mypy]\ndisallow_untyped_defs = true\n"}, "pyproject.toml", 2),
        ({"pyproject__toml": OVERRIDE.format("app.services.*", BOTH)}, "pyproject.toml", 0),
        ({"pyproject__toml": OVERRIDE.format("app.services.items", BOTH)}, "pyproject.toml", 1),
        ({"pyproject__toml": OVERRIDE.format("app.*.items", BOTH)}, "pyproject.toml", 1),
        ({"pyproject__toml": OVERRIDE.format("other.*", BOTH)}, "pyproject.toml", 2),
        ({"mypy__ini": "[mypy]\n", "pyproject__toml": f"[tool.mypy]\n{BOTH}"}, "mypy.ini", 2),
        ({"mypy__ini": "[mypy]\nstrict = True\n[mypy-app.*]\nallow_untyped_defs = True\n"}, "mypy.ini", 2),
        (
            {"mypy__ini": "[mypy]\nstrict = True\n[mypy-app.*]\ndisallow_untyped_defs = False\n"
             f"[mypy-app.services.*]\n{BOTH}"},
            "mypy.ini",
            0,
        ),
        ({"mypy__ini": "[mypy]\nstrict = True\n[mypy-app.services.old]\nignore_errors = True\n"}, "mypy.ini", 1),
        (
            {"mypy__ini": f"[mypy]\n[mypy-app.services.items]\n{BOTH}"
             "[mypy-app.*.items]\ndisallow_untyped_defs = False\n"},
            "mypy.ini",
            1,
        ),
    ],
)  # fmt: skip
def test_every_home_and_every_section_of_mypy(tmp_path: Path, homes: dict[str, str], home: str, lax: int) -> None:
    found = checking(tmp_path, **homes)
    assert (found.home, len(found.lax), found.unseen) == (home, lax, "")


def test_the_section_that_lets_through_is_the_place(tmp_path: Path) -> None:
    text = "[mypy]\nstrict = True\n\n[mypy-app.services.old]\ndisallow_untyped_defs = False\n"
    found = checking(tmp_path, mypy__ini=text)
    assert found.place is not None
    assert (found.place.line, found.lax) == (4, (("app.services.old", ("disallow_untyped_defs",)),))


def test_a_configuration_that_cannot_be_read_is_not_called_lax(tmp_path: Path) -> None:
    assert "pyproject.toml cannot be read" in checking(tmp_path, pyproject__toml="[tool.mypy\n").unseen
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    (tmp_path / "app" / ".git").rmdir()
    (tmp_path / "app" / "pyproject.toml").unlink()
    [found] = Survey(tmp_path / "app", Wanted()).structure().checking
    assert "stands above the project" in found.unseen


MODELS = """
    from flask_sqlalchemy import SQLAlchemy
    db = SQLAlchemy()
    class StockMovement(db.Model):
        pass
    class Other(db.Model):
        __tablename__ = "another"
    """


def writes(tmp_path: Path, table: str = "stock_movement", **files: str) -> TableWrites:
    more = {f"app/{name}.py": text for name, text in files.items()}
    service = "from models import StockMovement\ndef add(session):\n    session.add(StockMovement())\n"
    root = project(tmp_path / "p", {"models.py": MODELS, "app/stock.py": service, **more}, config="")
    wanted = Wanted(sources=("app",), canonical={table: "app/stock.py"}, seeds=("app.seeds",))
    [found] = Survey(root, wanted).structure().tables
    return found


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("db.session.add(StockMovement(a=1))", ["StockMovement(…)"]),
        ("db.session.execute(insert(StockMovement).values(a=1))", ["insert(StockMovement)"]),
        ("db.session.execute(update(StockMovement))", ["update(StockMovement)"]),
        ("StockMovement.query.filter_by(a=1).delete()", ["StockMovement.query….delete()"]),
        ("row = db.session.get(StockMovement, 1)\n    row.a = 2", ["row.… = …"]),
        ("row = StockMovement.query.first()\n    row.a += 2", ["row.… = …"]),
        ("for row in StockMovement.query.all():\n        row.a = 2", ["row.… = …"]),
        ("row = StockMovement.query.first()\n    db.session.delete(row)", ["db.session.delete(row)"]),
        ("db.session.bulk_insert_mappings(StockMovement, [])", ["bulk_insert_mappings(StockMovement)"]),
        ("StockMovement.query.filter_by(a=1).all()", []),
        ("row = Thing()\n    row.a = 2", []),
        ("name = str(StockMovement.a)\n    name.x = 1", []),
    ],
)
def test_what_writes_to_a_table(tmp_path: Path, code: str, what: list[str]) -> None:
    found = writes(tmp_path, other=f"from models import StockMovement\ndef f(db):\n    {code}\n")
    assert (found.model, found.inside) == ("models:StockMovement", 1)
    assert [piece.what for _, piece, _ in found.outside] == what


def test_seeds_may_write_and_unknown_tables_are_unknown(tmp_path: Path) -> None:
    seed = "from models import StockMovement\ndef seed(app):\n    StockMovement()\n"
    assert writes(tmp_path, seeds=seed).outside == ()
    assert writes(tmp_path, table="nowhere").model == ""
    assert writes(tmp_path, table="another", x="from models import Other\n").model == "models:Other"
