"""Copies of rows on real databases, with schemas that resist."""

import datetime
import enum
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from seatrial.database import PostgresDatabases, SqliteDatabases
from seatrial.database.growth import Catalog, Grower, Way
from seatrial.database.growth.digest import digest
from seatrial.database.growth.grower import EVERYWHERE


class Grade(enum.Enum):
    good = "good"
    bad = "bad"


def schema() -> sa.MetaData:
    metadata = sa.MetaData()

    def table(name: str, *things: Any) -> None:
        sa.Table(name, metadata, *things)

    table("organization", sa.Column("id", sa.Integer, primary_key=True), sa.Column("slug", sa.String(8), unique=True))
    table(
        "person",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organization_id", sa.ForeignKey("organization.id"), nullable=False),
        sa.Column("email", sa.String(30), nullable=False),
        sa.Column("handle", sa.String(6), nullable=False),
        sa.Column("grade", sa.Enum(Grade, name="grade"), nullable=False),
        sa.Column("age", sa.Integer, nullable=False),
        sa.Column("born", sa.Date, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("double_age", sa.Integer, sa.Computed("age * 2")),
        sa.Column("boss_id", sa.ForeignKey("person.id")),
        sa.UniqueConstraint("organization_id", "handle"),
        sa.CheckConstraint("age >= 0 AND age < 150"),
        sa.CheckConstraint("email = lower(email)"),
    )
    sa.Index("email_once", sa.func.lower(metadata.tables["person"].c.email), unique=True)
    table(
        "profile",
        sa.Column("id", sa.SmallInteger, primary_key=True),
        sa.Column("person_id", sa.ForeignKey("person.id"), unique=True, nullable=False),
        sa.Column("note", sa.Text),
    )
    table("tag", sa.Column("code", sa.String(6), primary_key=True))
    table(
        "person_tag",
        sa.Column("person_id", sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("tag_code", sa.ForeignKey("tag.code"), primary_key=True),
    )
    table("vehicle", sa.Column("id", sa.Integer, primary_key=True), sa.Column("kind", sa.String(10)))
    table(
        "truck",
        sa.Column("id", sa.ForeignKey("vehicle.id"), primary_key=True),
        sa.Column("owner_id", sa.ForeignKey("person.id")),
        sa.Column("load_kg", sa.Numeric(8, 2)),
    )
    table(
        "line",
        sa.Column("vehicle_id", sa.ForeignKey("vehicle.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
    )
    table("log", sa.Column("text", sa.String(10)))  # no primary key
    table("empty", sa.Column("id", sa.Integer, primary_key=True))
    return metadata


PERSON, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
ROWS: dict[str, list[dict[str, Any]]] = {
    "organization": [{"id": 1, "slug": "acme"}],
    "person": [
        {
            "id": PERSON, "organization_id": 1, "email": "a@example.org", "handle": "ann", "grade": Grade.good,
            "age": 149, "born": datetime.date(2000, 2, 29), "settings": {"a": [1]}, "boss_id": None,
        },
        {
            "id": OTHER, "organization_id": 1, "email": "bob@a-rather-long-name.org", "handle": "robert",
            "grade": Grade.bad, "age": 0, "born": datetime.date(9999, 12, 31), "settings": {}, "boss_id": PERSON,
        },
    ],
    "profile": [{"id": 32766, "person_id": PERSON, "note": "x"}],
    "tag": [{"code": "red"}],
    "person_tag": [{"person_id": PERSON, "tag_code": "red"}],
    "vehicle": [{"id": 7, "kind": "truck"}],
    "truck": [{"id": 7, "owner_id": PERSON, "load_kg": 12.5}],
    "line": [{"vehicle_id": 7, "number": 1}],
    "log": [{"text": "x"}],
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    databases: SqliteDatabases | PostgresDatabases
    databases = request.getfixturevalue("sqlite" if request.param == "sqlite" else "postgres")
    name = databases.name("growth")
    databases.create(name)
    engine = sa.create_engine(databases.url(name), poolclass=sa.pool.NullPool)
    if request.param == "sqlite":
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    metadata = schema()
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table, rows in ROWS.items():
            for row in rows:
                connection.execute(sa.insert(metadata.tables[table]), row)
    try:
        yield engine
    finally:
        engine.dispose()
        databases.drop(name)


@pytest.fixture
def grower(engine: sa.Engine) -> Iterator[Grower]:
    made = Grower(engine)
    yield made
    made.release()


def count(engine: sa.Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def everything(engine: sa.Engine) -> dict[str, tuple[int, int]]:
    with engine.connect() as connection:
        return digest(connection, Catalog.read(connection).tables.values())


@pytest.mark.parametrize(
    ("table", "sources"),
    [
        ("organization", 1),
        ("person", 2),
        ("profile", 1),
        ("tag", 1),
        ("person_tag", 1),
        ("vehicle", 1),
        ("truck", 1),
        ("line", 1),
    ],
)
def test_every_kind_of_row_grows_and_goes_again(engine: sa.Engine, grower: Grower, table: str, sources: int) -> None:
    before, rows = everything(engine), count(engine, table)
    grower.begin(ROWS)
    grower.mark(0)
    assert grower.grow(table, [Way()], 3, {}) > 0
    assert not grower.skipped
    assert count(engine, table) == rows + 3 * sources
    assert grower.undo()
    assert grower.differences(everywhere=True) == []
    assert everything(engine) == before


def test_what_is_not_changed_is_kept_and_checks_hold(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(["person"])
    grower.grow("person", [Way()], 2, {})
    person = sa.Table("person", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(person)).all()
    assert len({row.id for row in rows}) == len({row.email for row in rows}) == len({row.handle for row in rows}) == 6
    assert sorted({(row.age, row.double_age, row.born.isoformat()) for row in rows}) == [
        (0, 0, "9999-12-31"),
        (149, 298, "2000-02-29"),
    ]
    assert all("@" in row.email and len(row.handle) <= 6 for row in rows)


def test_parts_of_a_joined_inheritance_come_together(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(["vehicle", "truck", "line", "person"])
    grower.grow("truck", [Way()], 2, {})
    assert (count(engine, "vehicle"), count(engine, "truck")) == (3, 3)
    [owner] = grower.catalog.keys(grower.catalog.tables["truck"])[1:]
    assert owner.columns == ("owner_id",)
    grower.grow("truck", [Way("apart", owner.columns, "person")], 1, {})
    with engine.connect() as connection:
        owners = connection.exec_driver_sql("SELECT count(DISTINCT owner_id), count(*) FROM truck").one()
    assert tuple(owners) == (4, 6)


def test_children_come_along_only_where_they_matter(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(["vehicle", "line"])
    grower.grow("vehicle", [Way()], 2, {})
    assert (count(engine, "vehicle"), count(engine, "line"), count(engine, "truck")) == (3, 3, 3)
    grower.undo()
    grower.begin(["vehicle"])
    grower.grow("vehicle", [Way()], 2, {})
    assert (count(engine, "vehicle"), count(engine, "line")) == (3, 1)


def test_one_way_puts_rows_under_what_the_page_reads(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(["truck", "person", "vehicle"])
    ways = grower.ways("truck", {"person": [(OTHER,)]})
    [onto] = [way for way in ways if way.manner == "onto"]
    assert str(onto) == "under the person that the page reads"
    grower.grow("truck", [onto], 3, {"person": [(OTHER,)]})
    truck = sa.Table("truck", sa.MetaData(), autoload_with=engine)
    stored = OTHER.hex if engine.dialect.name == "sqlite" else OTHER
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(truck.c.owner_id == stored)) == 3


def test_groups_grow_by_references_to_tables_that_are_not_read(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(["person"])
    assert {way.parent for way in grower.ways("person", {}) if way.manner == "apart"} == {"person"}
    ways = grower.ways("person", {}, grouped=True)
    assert {way.parent for way in ways if way.manner == "apart"} == {"person", "organization"}
    grower.grow("person", ways, 2, {})
    assert count(engine, "organization") > 1


def test_what_cannot_grow_is_named(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(ROWS)
    assert grower.grow("log", [Way()], 2, {}) == grower.grow("empty", [Way()], 2, {}) == 0
    assert sorted(grower.skipped) == ["empty: it is empty; seed a row of it", "log: it has no primary key"]


def test_a_database_that_refuses_is_quoted_without_values(engine: sa.Engine, grower: Grower) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER no_tags BEFORE INSERT ON tag BEGIN SELECT RAISE(ABORT, 'tags are closed'); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'tags are closed' USING DETAIL = 'secret'; END $$"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER no_tags BEFORE INSERT ON tag FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
    grower.begin(["tag", "organization"])
    assert grower.grow("tag", [Way()], 2, {}) == 0
    assert dict(grower.skipped) == {"tag: tags are closed": 2}
    assert grower.grow("organization", [Way()], 2, {}) == 2, "the others go on"


def test_what_a_trigger_adds_is_noticed(engine: sa.Engine, grower: Grower) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER note AFTER INSERT ON tag BEGIN INSERT INTO log VALUES ('tag'); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN INSERT INTO log VALUES ('tag'); RETURN NEW; END $$"
            )
            connection.exec_driver_sql("CREATE TRIGGER note AFTER INSERT ON tag FOR EACH ROW EXECUTE FUNCTION note()")
    grower.begin(["tag"])
    grower.mark(0)
    assert grower.grow("tag", [Way()], 2, {}) == 2
    assert grower.undo()
    assert grower.differences(everywhere=True) == ["log"]


def test_what_changed_in_a_table_that_did_not_grow_is_seen_in_the_end(engine: sa.Engine, grower: Grower) -> None:
    grower.mark(0)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE log SET text = 'y'")
    grower.begin(["tag"])
    grower.grow("tag", [Way()], 2, {})
    grower.undo()
    seen = [grower.differences(everywhere=False) for _ in range(EVERYWHERE)]
    assert seen == [[]] * (EVERYWHERE - 1) + [["log"]]


def test_one_row_is_left_and_what_refers_to_the_others_goes(engine: sa.Engine, grower: Grower) -> None:
    grower.begin(["person"])
    assert grower.shrink("person", [(OTHER,)])
    assert (count(engine, "person"), count(engine, "profile"), count(engine, "person_tag")) == (1, 0, 0)
    assert grower.shrunk


def test_rows_that_are_too_large_are_left_alone(engine: sa.Engine, grower: Grower) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE profile SET note = '{'x' * 1_000_000}'")
    grower.begin(["profile"])
    assert grower.grow("profile", [Way()], 100, {}) == 0
    assert list(grower.skipped) == ["profile: its rows are too large to be copied"]
    assert grower.grow("profile", [Way()], 1, {}) > 0


class TestPostgresqlAlone:
    @pytest.fixture
    def engine(self, postgres: PostgresDatabases) -> Iterator[sa.Engine]:
        name = postgres.name("growth_alone")
        postgres.create(name)
        engine = sa.create_engine(postgres.url(name), poolclass=sa.pool.NullPool)
        yield engine
        engine.dispose()
        postgres.drop(name)

    def test_numbers_that_only_the_database_gives_schemas_and_odd_types(
        self, engine: sa.Engine, grower: Grower
    ) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE SCHEMA stock; CREATE TABLE stock.item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                "address inet NOT NULL, span int4range NOT NULL, names text[] NOT NULL, word tsvector); "
                "INSERT INTO stock.item (address, span, names, word) VALUES "
                "('10.0.0.1', '[1,3)', '{a,b}', to_tsvector('a rope'))"
            )
        grower.begin(["stock.item"])
        grower.mark(0)
        assert grower.grow("stock.item", [Way()], 3, {}) == 3, dict(grower.skipped)
        assert count(engine, "stock.item") == 4
        assert grower.undo()
        assert grower.differences(everywhere=True) == []

    def test_an_exclusion_constraint_is_named(self, engine: sa.Engine, grower: Grower) -> None:
        metadata = sa.MetaData()
        booking = sa.Table(
            "booking",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("span", postgresql.INT4RANGE, nullable=False),
            postgresql.ExcludeConstraint((sa.column("span"), "&&")),
        )
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.insert(booking), {"id": 1, "span": postgresql.Range(1, 3)})
        grower.begin(["booking"])
        assert grower.grow("booking", [Way()], 1, {}) == 0
        [reason] = grower.skipped
        assert reason.startswith("booking: conflicting key value violates exclusion constraint")


class TestTablesOfAStatement:
    CATALOG = Catalog(
        {
            name: sa.Table(name, sa.MetaData(), sa.Column("id", sa.Integer))
            for name in ("item", "lot", "category", "group")
        }
        | {"stock.item": sa.Table("item", sa.MetaData(), schema="stock")},
        {"stock_list": "SELECT item.id FROM item JOIN lot ON lot.item_id = item.id", "round": "SELECT * FROM round"},
    )

    @pytest.mark.parametrize(
        ("sql", "tables"),
        [
            ("SELECT item.id, item.category FROM item WHERE item.id = %(id)s", {"item"}),
            ("SELECT 1\nFROM item\nWHERE 1", {"item"}),
            ("SELECT * FROM item, lot", {"item", "lot"}),
            ("SELECT * FROM item LEFT OUTER JOIN lot AS lot_1 ON lot_1.item_id = item.id", {"item", "lot"}),
            ("SELECT * FROM \"group\" WHERE x = 'lot'", {"group"}),
            ("SELECT * FROM stock.item", {"stock.item"}),
            ("SELECT * FROM stock_list", {"item", "lot"}),
            ("SELECT * FROM ITEM", {"item"}),
            ("SELECT * FROM round", set()),
            ("SELECT item_id FROM lots", set()),
            ("WITH c AS (SELECT id FROM category) SELECT * FROM c", {"category"}),
            ("INSERT INTO lot (item_id) VALUES (1)", {"lot"}),
        ],
    )
    def test_tables_are_told_from_columns(self, sql: str, tables: set[str]) -> None:
        assert self.CATALOG.mentioned(sql) == tables
