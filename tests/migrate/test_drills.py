"""Failures in the middle, on a real server: whatever is killed, the next upgrade ends with valid indexes."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest
import sqlalchemy as sa
from migrate.conftest import COLUMNS, Shop, make_inventory

from seatrial.database import PostgresDatabases, open_databases
from seatrial.migrate.build import Action, ensure
from seatrial.migrate.policy import BlockedError, Policy, RefusedError
from seatrial.migrate.specs import INVENTORY, STRATEGIC
from seatrial.migrate.upgrade import downgrade, upgrade
from seatrial.migrate.waiting import LOCK_KEY
from seatrial.model.errors import ConfigurationError, SeatrialError

QUICK = Policy(preflight_s=0.5, lock_s=1.0, attempts=2, pause_s=0.1, run_lock_s=2.0, poll_s=0.05, deadline_s=20.0)
PATIENT = Policy(poll_s=0.05, pause_s=0.1)
ROWS = 10_000

FORK = multiprocessing.get_context("fork")
"""A new interpreter for each of sixty victims would take minutes; no connection is open when we fork."""


def victim(shop: Shop, point: int, how: str) -> tuple[BaseProcess, Connection]:
    """An upgrade in a process of its own, which is killed when it sends its statement number `point`."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=upgrade_until, args=(shop.url, point, how, theirs))
    process.start()
    theirs.close()
    return process, ours


def upgrade_until(url: str, point: int, how: str, pipe: Connection) -> None:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    sent: list[str] = []

    def before(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)
        if len(sent) != point + 1:
            return
        if how == "client":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "client in the statement":
            threading.Timer(0.01, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        if how == "backend":
            pipe.send(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
            pipe.recv()

    sa.event.listen(engine, "before_cursor_execute", before)
    try:
        upgrade(engine, STRATEGIC, Policy(poll_s=0.05))
    except SeatrialError as error:
        pipe.send(type(error).__name__)
        os._exit(3)
    except BaseException as error:
        pipe.send(repr(error))
        os._exit(4)
    pipe.send((len(sent), [n for n, text in enumerate(sent) if text.startswith(("CREATE INDEX", "COMMENT"))]))
    os._exit(0)


@pytest.fixture(scope="module")
def template(server: PostgresDatabases) -> Iterator[str]:
    name = server.name("drill_template")
    server.create(name)
    make_inventory(Shop(server.url(name)), ROWS)
    yield name
    server.drop(name)


@pytest.fixture
def drill(server: PostgresDatabases, template: str, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A database with rows in it."""
    name = server.name(request.node.name)
    server.clone(template, name)
    yield Shop(server.url(name))
    server.drop(name)


def healed(shop: Shop) -> None:
    """What one more upgrade makes of it."""
    report = upgrade(shop.engine, STRATEGIC, PATIENT)
    assert [r.action in (Action.CREATED, Action.REBUILT, Action.PRESENT) for r in report.results] == [
        True, True, True, False, True, True, False,
    ]  # fmt: skip
    assert set(shop.indexes().values()) == {True}
    assert len(shop.indexes()) == 5
    assert shop.ask("SELECT version_num FROM seatrial_alembic_version") == [("seatrial_0003",)]
    unmarked = "SELECT count(*) FROM pg_class WHERE relname LIKE 'stx%%' AND obj_description(oid) NOT LIKE 'seatrial%%'"
    assert shop.ask(unmarked) == [(0,)]


def points(shop: Shop, number: int) -> list[int]:
    """As many statements of an upgrade, among them those that build; the rest spread evenly."""
    process, pipe = victim(shop, -1, "nobody")
    total, builds = pipe.recv()
    process.join(60)
    downgrade(shop.engine, STRATEGIC, PATIENT)
    shop.run("DROP TABLE seatrial_alembic_version")
    chosen = builds[: number // 2]
    spread = [total * step // (number - len(chosen) + 1) for step in range(1, number - len(chosen) + 1)]
    return sorted({*chosen, *spread})


@pytest.mark.parametrize("how", [pytest.param("client", marks=pytest.mark.matrix), "client in the statement"])
def test_a_client_killed_at_ten_points_is_healed_by_the_next_upgrade(drill: Shop, how: str) -> None:
    chosen = points(drill, 10)
    assert len(chosen) >= 9
    killed = []
    for point in chosen:
        process, _ = victim(drill, point, how)
        process.join(60)
        killed.append(process.exitcode)
        healed(drill)
        downgrade(drill.engine, STRATEGIC, PATIENT)
    assert killed.count(-signal.SIGKILL) >= len(chosen) - 1, killed


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/proc/1", os.R_OK), reason="needs the server's own account")
@pytest.mark.matrix
def test_a_backend_killed_at_ten_points_is_healed_by_the_next_upgrade() -> None:
    """On a server of its own: after a kill -9 of one backend PostgreSQL ends all the others."""
    with open_databases("embedded", run="killed") as own:
        name = own.name("victim")
        own.create(name)
        shop = make_inventory(Shop(own.url(name)), ROWS)
        for point in points(shop, 10):
            process, pipe = victim(shop, point, "backend")
            with sa.create_engine(shop.url, poolclass=sa.pool.NullPool).connect() as bystander:
                bystander.exec_driver_sql("SELECT 1")
                os.kill(pipe.recv(), signal.SIGKILL)
                pipe.send("go on")
                assert pipe.recv() == "BlockedError"
                process.join(60)
                # Until the server has noticed: it answers as before for a moment, and then ends everybody.
                with pytest.raises(sa.exc.OperationalError):
                    bystander.exec_driver_sql("SELECT pg_sleep(30)")
            until = time.monotonic() + 30
            while time.monotonic() < until:
                with contextlib.suppress(sa.exc.OperationalError):
                    shop.ask("SELECT 1")
                    break
                time.sleep(0.05)
            healed(shop)
            downgrade(shop.engine, STRATEGIC, PATIENT)


def test_a_backend_ended_in_the_middle_of_a_build(drill: Shop) -> None:
    """The build waits for an open transaction; its session is ended there, which leaves an invalid index."""
    lost = "the connection was lost while the index was built"
    with writing(drill), autocommit(drill) as connection:
        killer = threading.Thread(target=end_the_build, args=(drill,))
        killer.start()
        with pytest.raises(BlockedError, match=lost):
            ensure(connection, INVENTORY[0], Policy(idle_s=60, old_s=60))
        killer.join()
    assert drill.indexes() == {INVENTORY[0].name: False}
    report = upgrade(drill.engine, STRATEGIC, PATIENT)
    assert report.results[0].action is Action.REBUILT
    healed(drill)


def test_an_invalid_index_is_dropped_and_built_anew(drill: Shop) -> None:
    drill.run(
        f"CREATE INDEX {INVENTORY[0].name} ON inventory_history (inventory_item_id, remaining_quantity)",
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{INVENTORY[0].name}'::regclass",
        # What the world does about it, and what it is worth.
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INVENTORY[0].name} ON inventory_history (id)",
    )
    assert drill.indexes() == {INVENTORY[0].name: False}
    [result] = upgrade(drill.engine, INVENTORY[:1], QUICK).results
    assert result.action is Action.REBUILT
    assert drill.indexes()[INVENTORY[0].name]


def test_two_upgrades_at_once_build_everything_once(drill: Shop) -> None:
    both = [victim(drill, -1, "nobody") for _ in range(2)]
    ends = [pipe.recv() for _, pipe in both]
    for process, _ in both:
        process.join(60)
    assert [process.exitcode for process, _ in both] == [0, 0], ends
    healed(drill)


@pytest.mark.matrix
def test_an_upgrade_that_holds_the_lock_for_ever(drill: Shop) -> None:
    with drill.engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK_KEY})")
        other.commit()
        with pytest.raises(BlockedError, match="another seatrial db command has been working"):
            upgrade(drill.engine, STRATEGIC, QUICK)
    healed(drill)


def test_an_open_transaction_that_never_ends_leaves_nothing_half_built(drill: Shop) -> None:
    with writing(drill):
        time.sleep(1.1)  # idle long enough to be in the way
        with pytest.raises(BlockedError) as refused:
            upgrade(drill.engine, STRATEGIC, QUICK)
        assert "in the way" in str(refused.value)
        assert "pg_terminate_backend" in str(refused.value)
        assert drill.indexes() == {}
    healed(drill)


def test_a_blocker_that_leaves_in_time_is_waited_for(drill: Shop) -> None:
    with writing(drill, seconds=1.5):
        time.sleep(1.05)
        report = upgrade(drill.engine, INVENTORY[:1], PATIENT)
    assert report.results[0] == report.results[0].__class__(INVENTORY[0], Action.CREATED)


def test_a_blocker_that_preflight_does_not_see_is_met_by_a_second_attempt(drill: Shop) -> None:
    """It comes in between; the build runs into its lock limit and leaves an invalid index, which is rebuilt."""
    blind = Policy(idle_s=60, old_s=60, lock_s=0.4, attempts=3, pause_s=0.01)
    with drill.engine.connect() as writer, autocommit(drill) as connection:
        writer.exec_driver_sql("UPDATE inventory_history SET note = note WHERE id = 1")

        def leave(conn: object, cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("DROP INDEX"):
                writer.rollback()

        sa.event.listen(connection.engine, "before_cursor_execute", leave)
        result = ensure(connection, INVENTORY[0], blind)
    assert (result.action, result.detail) == (Action.REBUILT, "after 2 attempts")
    assert drill.indexes() == {INVENTORY[0].name: True}


@pytest.mark.matrix
def test_giving_up_takes_the_invalid_leftover_away(drill: Shop) -> None:
    blind = Policy(idle_s=60, old_s=60, lock_s=0.3, attempts=1)
    with writing(drill), autocommit(drill) as connection, pytest.raises(BlockedError, match="--wait") as gave_up:
        ensure(connection, INVENTORY[0], blind)
    left = "is left until then" in str(gave_up.value)
    assert drill.indexes() == ({INVENTORY[0].name: False} if left else {})
    healed(drill)


def test_a_prepared_transaction_is_in_the_way(drill: Shop) -> None:
    [(allowed,)] = drill.ask("SELECT setting::int FROM pg_settings WHERE name = 'max_prepared_transactions'")
    if not allowed:
        with pytest.raises(sa.exc.DBAPIError):
            drill.run("BEGIN", "PREPARE TRANSACTION 'x'")
        return
    with drill.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE inventory_history SET note = note WHERE id = 1")
        connection.exec_driver_sql("PREPARE TRANSACTION 'stuck'")
    with pytest.raises(BlockedError, match="prepared transaction stuck"):
        upgrade(drill.engine, STRATEGIC, QUICK)


def test_somebody_else_builds_the_same_index(drill: Shop) -> None:
    on = "inventory_history (inventory_item_id, remaining_quantity)"
    build = f"CREATE INDEX CONCURRENTLY {INVENTORY[0].name} ON {on}"
    with writing(drill, seconds=2.0):
        builder = threading.Thread(
            target=drill.run,
            args=[build],
        )
        builder.start()
        until = time.monotonic() + 10
        while not drill.indexes() and time.monotonic() < until:
            time.sleep(0.02)
        with autocommit(drill) as connection:
            result = ensure(connection, INVENTORY[0], Policy(idle_s=60, old_s=60, poll_s=0.05))
        builder.join()
    assert result.action is Action.PRESENT
    assert drill.indexes() == {INVENTORY[0].name: True}


def test_a_statement_timeout_of_the_role_does_not_kill_the_build(drill: Shop) -> None:
    engine = sa.create_engine(
        drill.url,
        poolclass=sa.pool.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": "-c statement_timeout=20"},
    )
    with engine.connect() as connection:
        assert ensure(connection, INVENTORY[0], QUICK).action is Action.CREATED
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "20ms"


def test_a_table_that_vanishes_in_between_is_a_table_that_is_not_there(drill: Shop) -> None:
    with autocommit(drill) as connection:

        def vanish(conn: object, cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("CREATE INDEX"):
                drill.run("DROP TABLE IF EXISTS inventory_history")

        sa.event.listen(connection.engine, "before_cursor_execute", vanish)
        assert ensure(connection, INVENTORY[0], QUICK).action is Action.NO_TABLE


def test_without_the_rights_nothing_is_begun(drill: Shop, server: PostgresDatabases) -> None:
    drill.run(
        "DROP ROLE IF EXISTS clerk",
        "CREATE ROLE clerk LOGIN PASSWORD 'secret'",
        "GRANT CREATE ON SCHEMA public TO clerk",
    )
    try:
        clerk = sa.create_engine(
            sa.make_url(drill.url).set(username="clerk", password="secret"), poolclass=sa.pool.NullPool
        )
        with pytest.raises(RefusedError, match=r"only the owner .* inventory_history \(owner seatrial\)"):
            upgrade(clerk, STRATEGIC, QUICK)
        assert drill.ask("SELECT count(*) FROM pg_class WHERE relname = 'seatrial_alembic_version'") == [(0,)]
        drill.run("REVOKE CREATE ON SCHEMA public FROM clerk", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        with pytest.raises(RefusedError, match=r"may not make seatrial_alembic_version in the schema public"):
            upgrade(clerk, (), QUICK)
    finally:
        drill.run("DROP OWNED BY clerk", "DROP ROLE clerk")


def test_where_transactions_are_read_only_nothing_is_begun(drill: Shop) -> None:
    name = sa.make_url(drill.url).database
    drill.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(RefusedError, match="transactions are read-only here"):
        upgrade(drill.engine, STRATEGIC, QUICK)
    assert drill.indexes() == {}


def test_a_version_table_from_the_future(drill: Shop) -> None:
    upgrade(drill.engine, STRATEGIC, QUICK)
    drill.run("UPDATE seatrial_alembic_version SET version_num = 'seatrial_0099'")
    for step in (upgrade, downgrade):
        with pytest.raises(ConfigurationError, match=r"holds seatrial_0099.*pip install -U seatrial"):
            step(drill.engine, STRATEGIC, QUICK)
    assert len(drill.indexes()) == 5


def test_corrupting_versions_are_refused(monkeypatch: pytest.MonkeyPatch, drill: Shop) -> None:
    from seatrial.migrate import build

    [(number,)] = drill.ask("SELECT current_setting('server_version_num')::int")
    monkeypatch.setattr(build, "CORRUPTING", range(int(str(number)), int(str(number)) + 1))
    with pytest.raises(RefusedError, match="can corrupt an index that is built concurrently"):
        upgrade(drill.engine, STRATEGIC, QUICK)
    assert drill.indexes() == {}
    monkeypatch.undo()
    assert {140000, 140003} <= set(build.CORRUPTING)
    assert 140004 not in build.CORRUPTING


def test_a_ledger_that_is_locked_is_not_waited_for_long(drill: Shop) -> None:
    upgrade(drill.engine, (), QUICK, webhooks=True)
    short = Policy(short_lock_s=0.2, attempts=2, pause_s=0.05)
    with drill.engine.connect() as reader:
        reader.exec_driver_sql("SELECT * FROM stripe_events")
        with pytest.raises(BlockedError, match=r"no lock within 2 attempts of 0\.2 s"):
            downgrade(drill.engine, (), short, webhooks=True)
    assert sa.inspect(drill.engine).has_table("stripe_events")
    assert downgrade(drill.engine, (), short, webhooks=True).told == ("stripe_events: dropped",)


# ------------------------------------------------------------------------------------------------------------- helpers
@contextlib.contextmanager
def autocommit(shop: Shop) -> Iterator[sa.Connection]:
    engine = sa.create_engine(shop.url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def writing(shop: Shop, seconds: float | None = None) -> Iterator[None]:
    """An open transaction that has written, left idle: until the end of the block, or for some seconds."""
    connection = shop.engine.connect()
    connection.exec_driver_sql("UPDATE inventory_history SET note = note WHERE id = 1")
    timer = threading.Timer(seconds or 0, connection.rollback)
    if seconds:
        timer.start()
    try:
        yield
    finally:
        if seconds:
            timer.join()
        connection.rollback()
        connection.close()


def end_the_build(shop: Shop) -> None:
    """As soon as it waits, the session that builds is ended."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        ended = shop.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND query LIKE 'CREATE INDEX CONC%%' AND wait_event_type = 'Lock'"
        )
        if ended:
            return
        time.sleep(0.05)


def test_columns_of_the_shop_are_those_of_the_plan() -> None:
    assert all(column in COLUMNS for spec in STRATEGIC[:6] for column in spec.columns)
