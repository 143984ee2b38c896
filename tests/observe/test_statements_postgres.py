"""The recorder on PostgreSQL: what differs from SQLite."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from seatrial.model.evidence import Kind
from seatrial.observe.statements import record


def test_first_connection_sends_nothing_that_counts(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with record() as recording, engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    engine.dispose()
    assert [s.sql for s in recording.statements() if s.kind in (Kind.SELECT, Kind.DML)] == ["SELECT ?"]


def test_rows(postgres: Engine, models: Any) -> None:
    with record(rows=True) as recording, Session(postgres) as session:
        session.scalars(sa.select(models.user)).all()
        session.execute(sa.text("SELECT id FROM users")).fetchmany(2)
        session.execute(sa.update(models.user).values(name="x"))
        session.execute(sa.insert(models.user).returning(models.user.id), [{"name": str(i)} for i in range(3)]).all()
        session.execute(sa.text("SAVEPOINT a"))
    sent = recording.statements()
    # the driver has all six rows, however many the app looks at
    assert [s.rows for s in sent[:4]] == [6, 6, 6, 3]
    assert {s.engine for s in sent} == {"postgresql"}
    assert recording.lost == 0


def test_rows_of_a_server_side_cursor_are_counted_as_fetched(postgres: Engine, models: Any) -> None:
    with record(rows=True) as recording, postgres.connect() as connection:
        result = connection.execution_options(yield_per=2).execute(sa.select(models.user.id))
        assert [row.id for row in result] == [1, 2, 3, 4, 5, 6]
    assert [s.rows for s in recording.statements()] == [6]


def test_sequences_are_not_counted(postgres: Engine) -> None:
    sequence = sa.Sequence("own_seq")
    with postgres.begin() as connection:
        sequence.drop(connection, checkfirst=True)
        sequence.create(connection)
    with record() as recording, postgres.begin() as connection:
        assert connection.scalar(sequence) == 1
        connection.scalar(sa.select(sequence.next_value()))
    assert [str(s.kind) for s in recording.statements()] == ["transaction", "transaction"]


def test_fingerprints_do_not_depend_on_the_batch_or_the_list(postgres: Engine, models: Any) -> None:
    with record() as recording, Session(postgres) as session:
        for size in (2, 3):
            session.execute(
                sa.insert(models.user).returning(models.user.id, sort_by_parameter_order=True),
                [{"name": str(i)} for i in range(size)],
            ).all()
        for size in (1, 4):
            session.scalars(sa.select(models.user).where(models.user.id.in_(range(size)))).all()
    inserts, selects = recording.statements()[:2], recording.statements()[2:]
    assert len({s.fingerprint for s in inserts}) == 1
    assert [s.many for s in inserts] == [True, True]
    # as compiled, not the text of hundreds of rows that SQLAlchemy makes of it
    assert inserts[0].sql.startswith("INSERT INTO users (name) ")
    assert "name__1" not in inserts[0].sql
    assert len({s.fingerprint for s in selects}) == 1


def test_one_fingerprint_on_both_databases(postgres: Engine, engine: Engine, models: Any) -> None:
    seen = []
    for database in (postgres, engine):
        with record() as recording, Session(database) as session:
            session.scalars(sa.select(models.user).where(models.user.name == "x", models.user.id.in_([1, 2]))).all()
        seen.append(recording.statements()[0].fingerprint)
    assert seen[0] == seen[1]


def test_a_timeout_has_its_time(postgres: Engine) -> None:
    with record() as recording, postgres.connect() as connection:
        connection.execute(sa.text("SET statement_timeout = 100"))
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT pg_sleep(5)"))
    assert 80 < recording.statements()[-1].elapsed_ms < 3000


def test_json_parameters(postgres: Engine) -> None:
    table = sa.Table("documents", sa.MetaData(), sa.Column("body", sa.JSON))
    table.drop(postgres, checkfirst=True)
    table.create(postgres)
    with record() as recording, postgres.begin() as connection:
        for body in ({"a": 1}, {"a": 1}, {"a": 2}):
            connection.execute(table.insert(), {"body": body})
    one, same, other = recording.statements()
    assert one.parameters == same.parameters != other.parameters
