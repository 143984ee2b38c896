"""The table of signatures of one revision, as `compare` will ask for it."""

from pathlib import Path

from support import project

from seatrial.model.outcomes import Outcome
from seatrial.model.signatures import Way, compared
from seatrial.rules.arc import service_signature_changed
from seatrial.source.services import table

BEFORE = """
    def total(a: int, /, b, *rest, limit: int = 3, strict, **more) -> int:
        return a

    def _private(a): ...

    class Stock:
        def __init__(self, size: int): ...
        def take(self, count: int = 1) -> None: ...
        @staticmethod
        def of(name): ...
        @classmethod
        def make(cls, name): ...
    """


def test_a_table_has_every_public_callable_with_its_parameters(tmp_path: Path) -> None:
    found = table(project(tmp_path / "a", {"app/services/stock.py": BEFORE}, config=""), ("app/services",))
    assert sorted(found.callables) == [
        "app.services.stock:Stock.__init__",
        "app.services.stock:Stock.make",
        "app.services.stock:Stock.of",
        "app.services.stock:Stock.take",
        "app.services.stock:total",
    ]
    assert [
        (p.name, p.way, p.optional, p.annotation) for p in found.callables["app.services.stock:total"].parameters
    ] == [
        ("a", Way.POSITIONAL, False, "int"),
        ("b", Way.EITHER, False, ""),
        ("rest", Way.MANY, True, ""),
        ("limit", Way.KEYWORD, True, "int"),
        ("strict", Way.KEYWORD, False, ""),
        ("more", Way.NAMED, True, ""),
    ]
    assert [p.name for p in found.callables["app.services.stock:Stock.of"].parameters] == ["name"]
    assert [p.name for p in found.callables["app.services.stock:Stock.make"].parameters] == ["name"]


def test_two_revisions_are_compared(tmp_path: Path) -> None:
    after = BEFORE.replace("count: int = 1", "amount: int = 1").replace("def _private(a)", "def added(a)")
    old = table(project(tmp_path / "old", {"app/services/stock.py": BEFORE}, config=""), ("app/services",))
    new = table(project(tmp_path / "new", {"app/services/stock.py": after}, config=""), ("app/services",))
    failed = [one for pair in compared(old, new) for one in service_signature_changed(pair).findings]
    assert [(f.subject, f.evidence["changes"]) for f in failed] == [
        ("app.services.stock:Stock.take", ["parameter count is gone (its place is taken by amount)"])
    ]


def test_what_cannot_be_read_is_not_gone(tmp_path: Path) -> None:
    old = table(project(tmp_path / "old", {"app/services/stock.py": BEFORE}, config=""), ("app/services",))
    new = table(project(tmp_path / "new", {"app/services/stock.py": "def ("}, config=""), ("app/services",))
    told = [service_signature_changed(pair) for pair in compared(old, new)]
    assert {one.outcome for one in told} == {Outcome.NOT_PROVED}
    assert all("app/services/stock.py cannot be parsed" in one.reason for one in told)
