"""Throw-away SQLite databases are files that a killed run does not leave behind."""

import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from seatrial.database import SqliteDatabases, open_databases
from seatrial.database import sqlite as implementation
from seatrial.model.errors import BrokenError

Statement = Callable[[str, str], Any]


def path_of(databases: SqliteDatabases, name: str) -> Path:
    database = sa.make_url(databases.url(name)).database
    assert database is not None
    return Path(database)


@pytest.fixture
def template(sqlite: SqliteDatabases, statement: Statement) -> str:
    """A database with one table of one row."""
    name = sqlite.name("template")
    sqlite.create(name)
    statement(sqlite.url(name), "create table t as select 1 as i")
    return name


def test_a_clone_is_independent_of_its_template(sqlite: SqliteDatabases, template: str, statement: Statement) -> None:
    sqlite.clone(template, name := sqlite.name("copy"))
    statement(sqlite.url(name), "insert into t values (2)")
    assert statement(sqlite.url(template), "select count(*) from t") == [(1,)]
    assert statement(sqlite.url(name), "select count(*) from t") == [(2,)]
    statement(sqlite.url(template), "insert into t values (3), (4)")
    assert statement(sqlite.url(name), "select count(*) from t") == [(2,)]
    sqlite.clone(template, name)
    assert statement(sqlite.url(name), "select count(*) from t") == [(3,)]


def test_the_url_is_absolute_and_the_folder_private(sqlite: SqliteDatabases) -> None:
    assert sqlite.dialect == "sqlite"
    sqlite.create(name := sqlite.name("a"))
    assert sqlite.url(name).startswith("sqlite:////")
    assert stat.S_IMODE(path_of(sqlite, name).parent.stat().st_mode) == 0o700
    with pytest.raises(BrokenError, match="is there already"):
        sqlite.create(name)


def test_a_clone_has_what_is_in_the_write_ahead_log(sqlite: SqliteDatabases, statement: Statement) -> None:
    sqlite.create(template := sqlite.name("template"))
    writer = sqlite3.connect(path_of(sqlite, template))
    writer.executescript("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (i); ")
    writer.execute("insert into t values (1)")
    writer.commit()
    assert Path(f"{path_of(sqlite, template)}-wal").stat().st_size > 0
    sqlite.clone(template, name := sqlite.name("copy"))
    writer.close()
    assert statement(sqlite.url(name), "select i from t") == [(1,)]
    assert statement(sqlite.url(name), "pragma integrity_check") == [("ok",)]


def test_a_stale_companion_is_not_replayed_into_the_clone(
    sqlite: SqliteDatabases, template: str, statement: Statement
) -> None:
    sqlite.clone(template, name := sqlite.name("copy"))
    killed = sqlite3.connect(path_of(sqlite, name))
    killed.executescript("pragma journal_mode = wal; insert into t values (9);")
    assert Path(f"{path_of(sqlite, name)}-wal").exists()
    sqlite.clone(template, name)
    assert statement(sqlite.url(name), "select i from t") == [(1,)]
    killed.close()
    assert statement(sqlite.url(name), "select i from t") == [(1,)]


def test_a_locked_template_is_a_sentence_after_a_short_wait(
    sqlite: SqliteDatabases, template: str, statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implementation, "LOCK_TIMEOUT", 0.2)
    sqlite.clone(template, name := sqlite.name("copy"))
    holder = sqlite3.connect(path_of(sqlite, template), isolation_level=None)
    holder.execute("begin exclusive")
    start = time.monotonic()
    with pytest.raises(BrokenError, match=r"database is locked.*end the transactions"):
        sqlite.clone(template, name)
    assert time.monotonic() - start < 3
    holder.close()
    assert statement(sqlite.url(name), "select i from t") == [(1,)]
    assert not list(path_of(sqlite, name).parent.glob("*.copy"))


def test_foreign_names_are_refused(sqlite: SqliteDatabases, template: str) -> None:
    for foreign in ("app", "../app", "seatrial_other_a", "seatrial_tests_../../x"):
        for attempt in (sqlite.create, sqlite.drop, sqlite.url, lambda name: sqlite.clone(template, name)):
            with pytest.raises(BrokenError, match="not a database of this run"):
                attempt(foreign)
    for unmade in (lambda name: sqlite.drop(name), lambda name: sqlite.clone(name, sqlite.name("b"))):
        with pytest.raises(BrokenError, match="was not made by this run"):
            unmade(sqlite.name("never_made"))


def test_drop_and_close_remove_the_files(statement: Statement) -> None:
    with open_databases("sqlite", run="r") as databases:
        assert isinstance(databases, SqliteDatabases)
        databases.create(name := databases.name("a"))
        path = path_of(databases, name)
        statement(databases.url(name), "pragma journal_mode = wal")
        databases.drop(name)
        assert list(path.parent.iterdir()) == []
        databases.create(name)
        assert path.exists()
    assert not path.parent.exists()
    with pytest.raises(BrokenError, match="are closed"):
        databases.create(name)


def test_a_killed_owner_leaves_no_files(owner: Callable[[str], Any]) -> None:
    started = owner(
        "import json, time\nfrom seatrial.database import open_databases\n"
        "databases = open_databases('sqlite', run='owned'); databases.create(databases.name('a'))\n"
        "print(json.dumps(databases.url(databases.name('a'))), flush=True); time.sleep(60)"
    )
    path = Path(str(sa.make_url(started.told()).database))
    assert path.is_relative_to(started.temporary)
    assert path.exists()
    started.kill()
    assert started.left() == []
