"""Every shape of N+1 in a real host: the flawed route is convicted, its sound twin acquitted."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from shapes.catalogue import APP, SHAPES, Shape
from shapes.driver import Host, open_host

from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Outcome

ALWAYS_ON_POSTGRESQL = {"lazy-collection", "many-to-one", "text-literals", "full-page", "second-bind", "pydantic"}
"""The others are cells of a matrix there."""

Judge = Callable[[str, Shape, str], Judgement]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """judge(database, shape, kind): what SQL001 says. One host per database."""
    hosts: dict[str, Host] = {}
    with ExitStack() as stack:

        def ask(database: str, shape: Shape, kind: str) -> Judgement:
            if database not in hosts:
                hosts[database] = stack.enter_context(open_host(database))
            return hosts[database].judge(shape, kind)

        yield ask


def cells(kind: str, shapes: Sequence[Shape] = SHAPES) -> list[object]:
    found = []
    for database in ("sqlite", "embedded"):
        for shape in shapes:
            if kind in shape.kinds and not (kind == "flawed" and shape.unseen):
                always = database == "sqlite" or shape.name in ALWAYS_ON_POSTGRESQL
                marks = [] if always else [pytest.mark.matrix]
                found.append(pytest.param(database, shape, id=f"{database}-{shape}", marks=marks))
    return found


def proof(judgement: Judgement, shape: Shape) -> Finding:
    """The finding on the statement that the shape is about."""
    assert judgement.check.outcome is Outcome.FAIL, judgement.check.reason
    placed = [f for f in judgement.findings if lines(f).intersection(shape.places)]
    assert placed, [(f.message, lines(f)) for f in judgement.findings]
    # one line may send two of them: the proxy's collection and its targets
    return next((f for f in placed if shape.relationship in f.message), placed[0])


def lines(finding: Finding) -> set[str]:
    own = f"{finding.place.path}:{finding.place.line}" if finding.place else ""
    return {own, *finding.evidence.get("places", ()), finding.evidence.get("template", "")} - {""}


@pytest.mark.parametrize(("database", "shape"), cells("flawed"))
def test_a_flawed_route_is_convicted(judge: Judge, database: str, shape: Shape) -> None:
    found = [f for f in judge(database, shape, "flawed").findings if lines(f).intersection(shape.places)]
    proved = proof(judge(database, shape, "flawed"), shape).evidence
    assert {f.evidence["grown"] for f in found} & {shape.table, shape.target}, [f.message for f in found]
    assert proved["statements"][0] <= 2, "the seed alone shows it: tools that count repeats would see it, too"
    assert proved["cold"] is shape.cold_only
    if shape.slope > 1:
        assert proved["slope"] > shape.slope
        assert proved["shape"] == "superlinear"
    else:
        assert proved["slope"] == pytest.approx(shape.slope, abs=0.1)


@pytest.mark.parametrize(("database", "shape"), cells("sound"))
def test_a_sound_route_is_acquitted(judge: Judge, database: str, shape: Shape) -> None:
    judgement = judge(database, shape, "sound")
    assert judgement.check.outcome is Outcome.PASS, (judgement.check.reason, [f.message for f in judgement.findings])


@pytest.mark.parametrize(("database", "shape"), cells("flawed", [s for s in SHAPES if s.relationship]))
def test_a_proof_names_the_relationship(judge: Judge, database: str, shape: Shape) -> None:
    assert proof(judge(database, shape, "flawed"), shape).evidence["relationship"] == shape.relationship


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.unseen], ids=str)
def test_a_statement_per_value_is_a_known_blind_spot(judge: Judge, shape: Shape) -> None:
    """docs/n-plus-one.md says so; whoever lets growth see it takes it off there, and here."""
    assert judge("sqlite", shape, "flawed").check.outcome is Outcome.PASS


def test_the_catalogue_is_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(APP.parent))
    monkeypatch.setitem(os.environ, "DATABASE_URL", f"sqlite:///{tmp_path}/gazette.db")
    before = set(sys.modules)
    app = importlib.import_module(APP.name).create_app()
    routes = {f"GET {rule.rule} {rule.endpoint}" for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == APP.name:
            del sys.modules[name]
    assert routes == {shape.key(kind) for shape in SHAPES for kind in shape.kinds}
    assert [shape.name for shape in SHAPES if not (shape.trap or shape.unseen) and len(shape.places) != 1] == []
