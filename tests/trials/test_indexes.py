"""What an index trial is made of: large tables, plans, candidates, statements with their parameters."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from seatrial.database import PostgresDatabases, open_databases
from seatrial.database.growth.catalog import Catalog
from seatrial.database.growth.scaling import Scaler
from seatrial.migrate.catalog import snapshot
from seatrial.migrate.explain import explain, explain_generic, numbered
from seatrial.migrate.structure import foreign_keys, redundant
from seatrial.observe import statements
from seatrial.trials.indexes.candidates import candidates

SCHEMA = {"lot": {"id": "int", "item_id": "int", "remaining": "int", "moment": "timestamp"}, "item": {"id": "int"}}
TABLES = (
    "CREATE TABLE org (id serial PRIMARY KEY, name varchar(12) UNIQUE)",
    "CREATE TABLE item (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text, UNIQUE (org_id, name))",
    """CREATE TABLE lot (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item_id int NOT NULL REFERENCES item,
    org_id int NOT NULL REFERENCES org, remaining int CHECK (remaining >= 0), moment timestamp,
    parent int REFERENCES lot)""",
    "CREATE TABLE tag (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), word text)",
    "CREATE TABLE lot_tag (lot_id int REFERENCES lot, tag_id uuid REFERENCES tag, PRIMARY KEY (lot_id, tag_id))",
    "INSERT INTO org (name) VALUES ('one'), ('two')",
    "INSERT INTO item (org_id, name) SELECT 1 + g %% 2, 'item ' || g FROM generate_series(1, 10) g",
    """INSERT INTO lot (item_id, org_id, remaining, moment) SELECT i.id, i.org_id, g, now()
    FROM item i, generate_series(1, 4) g""",
    "UPDATE lot SET parent = id - 1 WHERE id > 1",
    "INSERT INTO tag (word) VALUES ('new'), ('old')",
    "INSERT INTO lot_tag SELECT lot.id, tag.id FROM lot, tag WHERE lot.id < 9",
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabases]:
    with open_databases("embedded", run="indexes") as opened:
        assert isinstance(opened, PostgresDatabases)
        yield opened


@pytest.fixture
def connection(server: PostgresDatabases, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    name = server.name(request.node.name)
    server.create(name)
    with sa.create_engine(server.url(name), poolclass=sa.pool.NullPool).connect() as opened:
        for text in TABLES:
            opened.exec_driver_sql(text)
        opened.commit()
        yield opened
    server.drop(name)


def one(connection: sa.Connection, text: str) -> int:
    return int(connection.exec_driver_sql(text).scalar_one())


def test_whole_tenants_are_copied_with_everything_they_own(connection: sa.Connection) -> None:
    scaler = Scaler(connection, Catalog.read(connection))
    rows = scaler.scale({"lot": 5_000, "lot_tag": 500})
    assert scaler.notes == []
    assert rows["lot"] >= 5_000
    assert rows["lot_tag"] >= 200
    # Every key leads somewhere, and to the same tenant: a lot, its item and its organisation belong together.
    for key, parent in (("item_id", "item"), ("org_id", "org"), ("parent", "lot")):
        lost = f"lot l LEFT JOIN {parent} p ON p.id = l.{key} WHERE l.{key} IS NOT NULL AND p.id IS NULL"
        assert one(connection, f"SELECT count(*) FROM {lost}") == 0
    assert one(connection, "SELECT count(*) FROM lot l JOIN item i ON i.id = l.item_id WHERE i.org_id <> l.org_id") == 0
    assert one(connection, "SELECT count(*) FROM lot_tag t LEFT JOIN lot l ON l.id = t.lot_id WHERE l.id IS NULL") == 0
    assert one(connection, "SELECT count(*) FROM lot WHERE item_id = 1") == 4, "what the page reads stays as rare"
    assert one(connection, "SELECT max(length(name)) FROM org") <= 12


def test_a_plan_tells_its_index_and_its_pages_and_keeps_nothing(connection: sa.Connection) -> None:
    Scaler(connection, Catalog.read(connection)).scale({"lot": 20_000})
    connection.exec_driver_sql("ANALYZE")
    connection.commit()
    text, values = "UPDATE lot SET remaining = 7 WHERE item_id = %(item)s", {"item": 3}
    before = explain(connection, text, values)
    connection.exec_driver_sql("CREATE INDEX by_item ON lot (item_id)")
    after = explain(connection, text, values)
    assert before is not None
    assert after is not None
    assert ("by_item" in before.indexes, "by_item" in after.indexes) == (False, True)
    assert after.buffers * 2 < before.buffers
    assert one(connection, "SELECT count(*) FROM lot WHERE remaining = 7") == 0
    assert explain(connection, "SELECT nothing FROM nowhere", {}) is None


def test_a_partial_index_is_not_chosen_without_knowing_the_values(connection: sa.Connection) -> None:
    Scaler(connection, Catalog.read(connection)).scale({"lot": 20_000})
    connection.exec_driver_sql("CREATE INDEX partial ON lot (item_id) WHERE remaining > 0")
    connection.exec_driver_sql("ANALYZE")
    text = "SELECT * FROM lot WHERE item_id = %(item)s AND remaining > %(least)s"
    custom, generic = explain(connection, text, {"item": 3, "least": 0}), explain_generic(connection, text)
    assert custom is not None
    assert generic is not None
    assert ("partial" in custom.indexes, "partial" in generic.indexes) == (True, False)


def test_placeholders_become_numbers() -> None:
    assert numbered("a = %(x)s AND b = %(y)s::INT AND c = %(x)s AND d LIKE '5%%'") == (
        "a = $1 AND b = $2::INT AND c = $1 AND d LIKE '5%'",
        2,
    )
    assert numbered("a = %s AND b = %s") == ("a = $1 AND b = $2", 2)
    assert numbered("a = :x AND b::int = 3") == ("a = $1 AND b::int = 3", 1)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT * FROM lot WHERE item_id = %(a)s", {("item_id",)}),
        ("SELECT * FROM lot WHERE item_id = %(a)s AND remaining > %(b)s",
         {("item_id",), ("remaining",), ("item_id", "remaining")}),
        ("SELECT * FROM lot l WHERE l.item_id = %(a)s ORDER BY l.moment DESC LIMIT 5",
         {("item_id",), ("moment",), ("item_id", "moment")}),
        ("SELECT * FROM lot WHERE item_id = 1 OR remaining > 3", set()),
        ("UPDATE lot SET remaining = 1 WHERE item_id = %(a)s", {("item_id",)}),
        ("this is no SQL (", set()),
    ],
)  # fmt: skip
def test_candidates_of_a_statement(text: str, columns: set[tuple[str, ...]]) -> None:
    pytest.importorskip("sqlglot")
    assert {found for table, found in candidates(text, SCHEMA) if table == "lot"} == columns


@pytest.mark.parametrize(
    ("definitions", "superfluous"),
    [
        (["a ON lot (item_id)", "b ON lot (item_id, remaining)"], {"a"}),
        (["a ON lot (item_id)", "b ON lot (item_id)"], {"b"}),
        (["a ON lot (item_id)", "b ON lot (remaining, item_id)"], set()),
        (["a ON lot (moment DESC)", "b ON lot (moment, item_id)"], set()),
        (["a ON lot (item_id) WHERE remaining > 0", "b ON lot (item_id, remaining)"], set()),
        (["a ON lot (item_id) INCLUDE (moment)", "b ON lot (item_id, remaining)"], set()),
        (["a ON lot USING hash (item_id)", "b ON lot (item_id, remaining)"], set()),
        (["a ON lot (lower(remaining::text))", "b ON lot (lower(remaining::text), item_id)"], set()),
    ],
)
def test_superfluous_indexes(connection: sa.Connection, definitions: list[str], superfluous: set[str]) -> None:
    for definition in definitions:
        connection.exec_driver_sql(f"CREATE INDEX {definition}")
    found = {one.name for one, _ in redundant(snapshot(connection))}
    assert found == superfluous


def test_a_unique_index_is_superfluous_only_beside_its_twin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE UNIQUE INDEX u ON lot (id, item_id)")
    connection.exec_driver_sql("CREATE INDEX w ON lot (id, item_id, remaining)")
    connection.exec_driver_sql("CREATE INDEX p ON lot (id)")
    found = {one.name: other.name for one, other in redundant(snapshot(connection))}
    assert set(found) == {"p"}, "neither a unique one nor a primary key gives way to a wider index"


def test_foreign_keys_and_their_indexes(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE INDEX i ON lot (item_id, remaining)")
    connection.exec_driver_sql("CREATE INDEX j ON lot (parent) WHERE remaining > 0")
    found = {(key.table, key.columns): key.indexed for key in foreign_keys(connection, snapshot(connection))}
    assert found == {
        ("item", ("org_id",)): True,
        ("lot", ("item_id",)): True,
        ("lot", ("org_id",)): False,
        ("lot", ("parent",)): False,
        ("lot_tag", ("lot_id",)): True,
        ("lot_tag", ("tag_id",)): False,
    }


def test_the_recorder_keeps_parameters_only_where_it_is_asked_to() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        with statements.record() as plain, statements.record(keep=True) as keeping:
            connection.execute(sa.text("SELECT :a"), {"a": "secret"})
            connection.exec_driver_sql("SELECT 2")
        assert plain.sent() == ()
        assert len(plain) == 2
        first, second = keeping.sent()
    assert (first.text, first.parameters) == ("SELECT ?", ("secret",))
    assert (second.text, second.statement.sql) == ("SELECT 2", "SELECT ?")
