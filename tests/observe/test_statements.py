"""The recorder, on real SQLite databases."""

import asyncio
import contextvars
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, selectinload

from seatrial.model.evidence import Kind, Statement
from seatrial.observe import statements
from seatrial.observe.statements import Recording, current_recording, name_binds, record


def kinds(recording: Recording) -> list[str]:
    return [str(statement.kind) for statement in recording.statements()]


def counted(recording: Recording) -> list[Statement]:
    return [s for s in recording.statements() if s.kind in (Kind.SELECT, Kind.DML)]


# ---------------------------------------------------------------------------------------------------- counting
def test_records_what_was_sent_in_order(engine: Engine, models: Any) -> None:
    with record() as recording, Session(engine) as session:
        session.add(models.user(name="new"))
        session.flush()
        user = session.scalars(sa.select(models.user).where(models.user.id == 1)).one()
        assert len(user.posts) == 1
        user.name = "changed"
        session.commit()
    assert kinds(recording) == ["dml", "select", "select", "dml"]
    first, *_, last = recording.statements()
    assert first.sql == "INSERT INTO users (name) VALUES (?)"
    assert last.sql == "UPDATE users SET name=? WHERE users.id = ?"
    assert all(s.engine == "sqlite" and 0 < s.elapsed_ms < 5000 and not s.many for s in recording.statements())
    assert recording.lost == 0


def test_engines_made_before_and_after_installation_and_both_binds(new_engine: Callable[..., Engine]) -> None:
    one, two = new_engine("one"), new_engine("two")
    name_binds({None: one, "reports": two})
    with record() as recording:
        for engine in (one, two, two.execution_options(isolation_level="AUTOCOMMIT")):
            with engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
    assert [s.engine for s in recording.statements()] == ["sqlite", "sqlite:reports", "sqlite:reports"]


def test_savepoints_are_recorded_and_not_counted(engine: Engine, models: Any) -> None:
    with record() as recording, Session(engine) as session:
        for number in (1, 2):
            with session.begin_nested():
                session.get(models.user, number)
    assert len(counted(recording)) == 2
    assert kinds(recording).count("transaction") == 4


def test_failing_statement_is_recorded_with_its_time(engine: Engine) -> None:
    with record(rows=True) as recording, engine.connect() as connection:
        with pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql("SELECT * FROM nowhere")
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.text("INSERT INTO users (id, name) VALUES (1, 'twice')"))
    failed, twice = recording.statements()
    assert failed.sql == "SELECT * FROM nowhere"
    assert failed.elapsed_ms > 0
    assert failed.rows is None
    assert twice.kind is Kind.DML
    assert twice.rows is None


def test_executemany_and_insertmanyvalues(engine: Engine, models: Any) -> None:
    rows = [{"name": str(i)} for i in range(3)]
    with record(rows=True) as recording, engine.begin() as connection:
        connection.execute(sa.insert(models.user), rows)
        connection.execute(sa.insert(models.user).returning(models.user.id), rows).all()
        connection.execute(sa.insert(models.user).returning(models.user.id), rows[:2]).all()
        connection.execute(sa.insert(models.user), {"name": "one"})
    many, batch, shorter, single = recording.statements()
    assert (many.many, many.rows) == (True, 3)
    assert (batch.many, batch.rows) == (True, 3)
    assert batch.fingerprint == shorter.fingerprint
    assert (single.many, single.rows) == (False, 1)
    assert many.fingerprint == single.fingerprint


def test_raw_text_of_the_driver(engine: Engine) -> None:
    with record() as recording, engine.connect() as connection:
        for value in ("ada", "grace"):
            connection.exec_driver_sql(f"SELECT * FROM users WHERE name = '{value}'").all()
            connection.execute(sa.text(f"SELECT id FROM users WHERE name = '{value}'")).all()
            connection.execute(sa.text("SELECT name FROM users WHERE name = :name"), {"name": value}).all()
    sent = recording.statements()
    assert [s.fingerprint for s in sent[:3]] == [s.fingerprint for s in sent[3:]]
    assert "ada" not in repr(sent)
    # values written into the text make it another statement, as parameters do
    assert all(a.parameters != b.parameters for a, b in zip(sent[:3], sent[3:], strict=True))


def test_in_lists_are_one_statement(engine: Engine, models: Any) -> None:
    with record() as recording, Session(engine) as session:
        for length in (1, 2, 5):
            session.scalars(sa.select(models.user).where(models.user.id.in_(range(length)))).all()
    sent = recording.statements()
    assert len({s.fingerprint for s in sent}) == 1
    assert len({s.parameters for s in sent}) == 3
    assert sent[0].sql.endswith("WHERE users.id IN (?)")


def test_same_parameters_are_seen_as_such(engine: Engine, models: Any) -> None:
    with record() as recording:
        for key in (1, 1, 2):
            with Session(engine) as session:
                session.get(models.user, key)
    first, again, other = recording.statements()
    assert first.parameters == again.parameters != other.parameters


def test_eager_loads_and_ctes(engine: Engine, models: Any) -> None:
    with record() as recording, Session(engine) as session:
        session.scalars(sa.select(models.user).options(selectinload(models.user.posts))).all()
        cte = sa.select(models.user.id).cte("ids")
        session.execute(sa.select(cte)).all()
        session.execute(sa.delete(models.post).where(models.post.id.in_(sa.select(cte))))
    assert kinds(recording) == ["select", "select", "select", "dml"]


def test_a_comment_added_by_another_listener_changes_nothing(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine()

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def comment(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> Any:
        return f"{statement} /* trace={id(cursor)} */", parameters

    with record() as recording, engine.connect() as connection:
        for number in (1, 2):
            connection.execute(sa.text("SELECT :n"), {"n": number})
    assert len({s.fingerprint for s in recording.statements()}) == 1


def test_a_default_that_is_a_statement_of_its_own(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine()
    table = sa.Table(
        "keyed",
        sa.MetaData(),
        sa.Column("id", sa.String, primary_key=True, default=sa.select(sa.text("'k' || random()")).scalar_subquery()),
        sa.Column("a", sa.Integer),
        implicit_returning=False,
    )
    table.create(engine)
    with record() as recording, engine.begin() as connection:
        connection.execute(table.insert(), {"a": 1})
    assert recording.statements()[-1].sql.startswith("INSERT INTO keyed")
    assert len({s.fingerprint for s in recording.statements()}) == len(recording.statements())


# ---------------------------------------------------------------------------------------------------- rows
def test_rows_on_sqlite(engine: Engine, models: Any) -> None:
    with record(rows=True) as recording, Session(engine) as session:
        session.scalars(sa.select(models.user)).all()
        session.execute(sa.select(models.user).limit(0)).all()
        session.execute(sa.text("SELECT id FROM users ORDER BY id")).fetchmany(2)
        session.execute(sa.update(models.user).values(name="x"))
        session.execute(sa.text("SAVEPOINT a"))
        session.execute(sa.text("CREATE TABLE other (a int)"))
    assert [s.rows for s in recording.statements()] == [6, 0, 2, 6, None, None]


def test_rows_are_none_unless_asked_for(engine: Engine) -> None:
    with record() as recording, engine.connect() as connection:
        connection.execute(sa.text("SELECT id FROM users")).all()
    assert [s.rows for s in recording.statements()] == [None]


def test_the_apps_own_row_factory_still_makes_the_rows(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine("factory")

    class Upper(tuple[Any, ...]):
        __slots__ = ()

    def upper(cursor: Any, row: Any) -> Any:
        return Upper(value.upper() if isinstance(value, str) else value for value in row)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.row_factory = upper

    engine.dispose()
    with record(rows=True) as recording, engine.connect() as connection:
        assert connection.execute(sa.text("SELECT name FROM users WHERE id = 1")).scalar() == "USER 1"
        raw = connection.connection.dbapi_connection
        assert raw is not None
        assert raw.row_factory is upper  # type: ignore[attr-defined]
    assert [s.rows for s in recording.statements()] == [1]
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT name FROM users WHERE id = 2")).scalar() == "USER 2"


# ---------------------------------------------------------------------------------------------------- scopes
def test_without_a_scope_nothing_is_kept(engine: Engine) -> None:
    statements.install()
    seen: list[Any] = []

    @event.listens_for(engine, "after_cursor_execute")
    def look(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append(getattr(context, "_seatrial_entry", None))

    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert seen == [None]
    assert current_recording() is None


def test_installing_twice_counts_once(engine: Engine) -> None:
    statements.install()
    statements.install()
    with record() as recording, engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert len(recording.statements()) == 1


def test_nested_scopes_count_in_both(engine: Engine) -> None:
    with engine.connect() as connection:
        with record(rows=True) as outer:
            connection.execute(sa.text("SELECT 1")).all()
            with record() as inner:
                connection.execute(sa.text("SELECT 2")).all()
            connection.execute(sa.text("SELECT 3")).all()
        connection.execute(sa.text("SELECT 4")).all()
    assert len(inner.statements()) == 1
    assert len(outer.statements()) == 3
    assert [s.rows for s in outer.statements()] == [1, 1, 1]


def test_a_streamed_body_counts_when_resumed(engine: Engine) -> None:
    def body() -> Any:
        with engine.connect() as connection:
            for number in range(3):
                yield connection.execute(sa.text(f"SELECT {number}")).scalar()

    with record() as recording:
        stream = body()
        next(stream)
    assert len(recording.statements()) == 1
    next(stream)
    with recording.resume():
        next(stream)
    assert len(recording.statements()) == 2


def test_left_in_another_context_than_entered(engine: Engine) -> None:
    scope = record()
    inside = contextvars.copy_context()
    recording = inside.run(scope.__enter__)
    scope.__exit__(None, None, None)
    assert current_recording() is None
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert recording.statements() == ()


def test_read_in_flight(engine: Engine) -> None:
    with record() as recording, engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        assert len(recording.statements()) == len(recording) == 1
        connection.execute(sa.text("SELECT 2"))
    assert len(recording.statements()) == len(recording) == 2


# ---------------------------------------------------------------------------------------------------- threads
def select_one(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))


def test_threads_and_pools_started_inside_count(engine: Engine) -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            select_one(engine)

    with record() as recording:
        for thread in (
            threading.Thread(target=select_one, args=(engine,)),
            Worker(),
            threading.Timer(0, select_one, (engine,)),
        ):
            thread.start()
            thread.join()
        with ThreadPoolExecutor(2) as pool:
            pool.submit(select_one, engine).result()
            list(pool.map(select_one, [engine, engine]))
    assert len(recording.statements()) == 6


def test_concurrent_requests_do_not_mix(engine: Engine) -> None:
    ready = threading.Barrier(4)
    counts: dict[int, int] = {}

    def request(number: int) -> None:
        ready.wait()
        with record() as recording:
            for _ in range(number):
                select_one(engine)
        counts[number] = len(recording.statements())

    threads = [threading.Thread(target=request, args=(number,)) for number in (1, 5, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {1: 1, 5: 5, 10: 10, 20: 20}


def test_a_pool_started_inside_does_not_keep_the_scope(engine: Engine) -> None:
    with ThreadPoolExecutor(1) as pool:
        with record() as first:
            pool.submit(select_one, engine).result()
        with record() as second:
            pool.submit(select_one, engine).result()
        pool.submit(select_one, engine).result()
    assert (len(first.statements()), len(second.statements())) == (1, 1)


def test_a_task_from_outside_is_not_taken_in(engine: Engine) -> None:
    with ThreadPoolExecutor(1) as pool, record() as recording:
        pool.submit(select_one, engine).result()
        # the worker was started in the scope, this task was not
        contextvars.Context().run(pool.submit, select_one, engine).result()
    assert len(recording.statements()) == 1


def test_settle_waits_and_what_comes_later_is_not_counted(engine: Engine) -> None:
    go = threading.Event()

    def late() -> None:
        go.wait(5)
        select_one(engine)

    with record() as recording:
        slow = threading.Thread(target=late)
        slow.start()
        assert not recording.settle(0.01)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(select_one, engine)
            quick = threading.Thread(target=select_one, args=(engine,))
            quick.start()
            quick.join()
    go.set()
    slow.join()
    assert len(recording.statements()) == 2
    with record() as recording:
        thread = threading.Thread(target=select_one, args=(engine,))
        thread.start()
        assert recording.settle(5)
    assert len(recording.statements()) == 1


def test_a_late_thread_of_an_inner_scope_counts_outside(engine: Engine) -> None:
    go = threading.Event()

    def late() -> None:
        go.wait(5)
        select_one(engine)

    with record() as outer:
        with record() as inner:
            thread = threading.Thread(target=late)
            thread.start()
        go.set()
        thread.join()
    assert (len(inner.statements()), len(outer.statements())) == (0, 1)


def test_asyncio_tasks_and_greenlets(engine: Engine) -> None:
    greenlet_spawn = pytest.importorskip("sqlalchemy.util.concurrency").greenlet_spawn

    async def main() -> int:
        async def one(number: int) -> int:
            with record() as recording:
                for _ in range(number):
                    await greenlet_spawn(select_one, engine)
                    await asyncio.sleep(0)
            return len(recording.statements())

        assert await asyncio.gather(one(1), one(3)) == [1, 3]
        with record() as recording:
            await asyncio.gather(*(greenlet_spawn(select_one, engine) for _ in range(2)))
            await asyncio.get_running_loop().run_in_executor(None, select_one, engine)
        return len(recording.statements())

    assert asyncio.run(main()) == 3


# ---------------------------------------------------------------------------------------------------- never raises
class Hostile:
    """A parameter that breaks whoever looks at it."""

    def __hash__(self) -> int:
        raise RuntimeError("do not look")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not look")

    def __conform__(self, protocol: Any) -> str:
        return "adapted"


def test_hostile_parameters(engine: Engine) -> None:
    with record(rows=True) as recording, engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT ?", (Hostile(),)).scalar() == "adapted"
    assert len(recording.statements()) == 1
    assert recording.lost == 0


class Broken:
    """An attribution that fails."""

    def __init__(self, where: str) -> None:
        self.where = where

    def note(self, context: Any, nth: int) -> Any:
        if self.where == "note":
            raise RuntimeError("broken")
        return "note"

    def read(self, note: Any) -> Any:
        raise RuntimeError("broken")


@pytest.mark.parametrize(("where", "lost", "sent"), [("note", 1, 1), ("read", 0, 2)])
def test_a_broken_attribution_breaks_nothing(engine: Engine, where: str, lost: int, sent: int) -> None:
    with record(attribute=Broken(where)) as recording, engine.connect() as connection:
        for _ in range(2):
            assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    assert len(recording.statements()) == sent
    assert recording.lost == lost


def test_without_an_execution_context(engine: Engine) -> None:
    with record(rows=True) as recording, engine.connect() as connection:
        assert connection.connection.dbapi_connection is not None
        cursor = connection.connection.dbapi_connection.cursor()
        connection._cursor_execute(cursor, "SELECT 1 UNION SELECT 2", (), None)
        assert len(cursor.fetchall()) == 2
        with pytest.raises(sa.exc.OperationalError):
            connection._cursor_execute(connection.connection.dbapi_connection.cursor(), "SELECT nope", (), None)
    good, bad = recording.statements()
    assert (good.rows, bad.rows) == (2, None)
    assert good.elapsed_ms > 0
    assert recording.lost == 0


def test_nothing_of_the_parameters_survives(engine: Engine) -> None:
    class Secret(str):
        __slots__ = ()

    value = Secret("hush")
    with record(rows=True) as recording, engine.connect() as connection:
        connection.exec_driver_sql("SELECT ?", (value,)).all()
        connection.exec_driver_sql("SELECT ?", ({}.get("x", value),)).all()
    recording.statements()
    del value
    gc.collect()
    assert not [o for o in gc.get_objects() if isinstance(o, Secret)]
    assert "hush" not in repr(recording.statements())


def test_text_with_literals_is_forgotten_once_described(engine: Engine) -> None:
    with record(attribute=Broken("read")) as recording, engine.connect() as connection:
        connection.execute(sa.text("SELECT 'hush'")).all()
    recording.statements()
    assert recording._raw == []
    assert recording._forms == {}
