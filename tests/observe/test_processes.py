"""What a fork would share."""

import gc
import socket
import threading
from pathlib import Path

import sqlalchemy as sa

from seatrial.observe.processes import hygiene


def test_counts_what_is_opened(tmp_path: Path) -> None:
    database = tmp_path / "trial.db"
    gc.collect()  # sockets that other tests left to the collector would go in the middle of the count
    before = hygiene(database)
    engine = sa.create_engine(f"sqlite:///{database}")
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    with socket.socket(), engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        thread.start()
        engine.dispose()  # does not close what is checked out
        during = hygiene(database)
    stop.set()
    thread.join()
    # it went back to the pool that dispose() replaced, and stays open as long as something refers to it
    del connection, engine
    gc.collect()
    after = hygiene(database)
    assert (during.native_threads, during.sockets, during.database_files) == (
        before.native_threads + 1,
        before.sockets + 1,
        1,
    )
    assert (after.native_threads, after.sockets, after.database_files) == (before.native_threads, before.sockets, 0)
    assert not during.clean
    assert "1 open descriptors of the database file" in during.problem()
    assert "Engine.dispose()" in during.problem()


def test_write_ahead_log_counts(tmp_path: Path) -> None:
    database = tmp_path / "wal.db"
    engine = sa.create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("CREATE TABLE t (a int)")
        assert hygiene(database).database_files == 3  # itself, -wal, -shm
    engine.dispose()
    assert hygiene(database).database_files == 0
    assert hygiene().database_files == 0


def test_clean_says_nothing() -> None:
    from seatrial.observe.processes import Hygiene

    assert Hygiene(1, 1, 0, 0).clean
    assert Hygiene(1, 1, 0, 0).problem() == ""
    assert "2 threads, 1 of them not started by Python" in Hygiene(2, 1, 0, 0).problem()
