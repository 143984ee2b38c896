"""Databases that are not the trial's are refused."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from seatrial.observe import connections
from seatrial.observe.connections import ForeignDatabaseError, confine, database_of, release, same_database


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql://a:secret@localhost/db", "postgresql+psycopg://b@127.0.0.1:5432/db"),
        ("postgresql+psycopg2://u@[::1]/db", "postgresql+psycopg://u@LOCALHOST./db"),
        ("postgresql+psycopg://u@/db?host=/run/pg", "postgresql+psycopg2://u@/db?host=/run/../run/pg"),
        ("mysql+pymysql://u@localhost/db", "mysql+mysqldb://u@127.0.0.1:3306/db"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/../tmp/x.db"),
        ("sqlite:////tmp/x.db", "sqlite:///file:/tmp/x.db?mode=ro&uri=true"),
        ("sqlite://", "sqlite:///:memory:"),
        ("sqlite://", "sqlite:///file:any?mode=memory&cache=shared&uri=true"),
    ],
)
def test_same_database(one: str, other: str) -> None:
    assert same_database(one, other)
    assert same_database(sa.make_url(other), one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql+psycopg://u@localhost/db", "postgresql+psycopg://u@localhost/other"),
        ("postgresql+psycopg://u@localhost/db", "postgresql+psycopg://u@localhost:5433/db"),
        ("postgresql+psycopg://u@localhost/db", "postgresql+psycopg://u@db.internal/db"),
        ("postgresql+psycopg://u@localhost/db", "postgresql+psycopg://u@localhost,db.internal/db"),
        ("postgresql+psycopg://u@localhost/db", "postgresql+psycopg://u@localhost/db?host=db.internal"),
        ("postgresql+psycopg://u@/db?host=/run/one", "postgresql+psycopg://u@/db?host=/run/two"),
        ("postgresql+psycopg://u@localhost/db", "postgresql+psycopg://u@localhost/db?service=production"),
        ("postgresql+psycopg://u@localhost/db", "mysql+pymysql://u@localhost/db"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/y.db"),
        ("sqlite:////tmp/x.db", "sqlite://"),
    ],
)
def test_other_database(one: str, other: str) -> None:
    assert not same_database(one, other)


def test_libpqs_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.internal")
    monkeypatch.setenv("PGDATABASE", "live")
    assert database_of("postgresql+psycopg://")[1:] == ("db.internal", "5432", "live")


def test_relative_paths_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    assert same_database("sqlite:///trial.db", f"sqlite:///{tmp_path}/link/trial.db")


def test_an_unknown_dialect_is_compared_by_its_url() -> None:
    assert same_database("nosuch://u@h/db", "nosuch://v@h/db")
    assert not same_database("nosuch://u@h/db", "nosuch://u@h/other")


def test_foreign_database_is_refused_and_no_file_is_made(tmp_path: Path) -> None:
    confinement = confine(f"sqlite:///{tmp_path}/trial.db")
    with sa.create_engine(f"sqlite:///{tmp_path}/trial.db").connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert confinement.refused == []
    foreign = sa.create_engine(f"sqlite:///{tmp_path}/dev.db")
    with pytest.raises(ForeignDatabaseError), foreign.connect():
        pass
    assert not (tmp_path / "dev.db").exists()
    assert issubclass(ForeignDatabaseError, PermissionError)


def test_an_app_that_swallows_the_refusal(tmp_path: Path) -> None:
    confinement = confine(f"sqlite:///{tmp_path}/trial.db")
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("a", sa.Integer))
    with contextlib.suppress(Exception):  # as in many factories
        metadata.create_all(sa.create_engine(f"sqlite:///{tmp_path}/dev.db"))
    (sentence,) = confinement.refused
    assert f"the SQLite database {tmp_path}/dev.db" in sentence
    for way_out in ("[tool.seatrial.env]", "[tool.seatrial.config]", "{database_url}"):
        assert way_out in sentence


def test_no_credentials_in_the_sentence() -> None:
    pytest.importorskip("psycopg")
    confinement = confine("postgresql+psycopg://trial@127.0.0.1:1/trial")
    with pytest.raises(ForeignDatabaseError):
        sa.create_engine("postgresql+psycopg://root:hush@db.internal/live").connect()
    assert "the postgresql database live on db.internal:5432" in confinement.refused[0]
    assert "hush" not in confinement.refused[0]
    assert "root" not in confinement.refused[0]


def test_arguments_count_not_the_url(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    confinement = confine("postgresql+psycopg://u@127.0.0.1:1/trial")
    engine = sa.create_engine("postgresql+psycopg://u@127.0.0.1:1/trial", connect_args={"host": "db.internal"})
    with pytest.raises(ForeignDatabaseError):
        engine.connect()
    assert len(confinement.refused) == 1


def test_several_databases_and_memory_are_permitted(tmp_path: Path) -> None:
    confinement = confine(f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db")
    for url in (f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db", "sqlite://"):
        sa.create_engine(url).connect().close()
    assert confinement.refused == []


@pytest.mark.parametrize("pool", [NullPool, StaticPool])
def test_a_creator_does_not_get_around_it(tmp_path: Path, pool: type[sa.Pool]) -> None:
    confinement = confine(f"sqlite:///{tmp_path}/trial.db")

    def make(name: str) -> sa.Engine:
        return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(tmp_path / name), poolclass=pool)

    with make("trial.db").connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    with pytest.raises(ForeignDatabaseError):
        make("dev.db").connect()
    assert len(confinement.refused) == 1


def test_what_came_through_a_dialect_is_not_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # libpq's default host is "(default)" before and a folder after connecting
    monkeypatch.setattr(connections, "_opened", lambda _: database_of("postgresql+psycopg://u@/db?host=/run/pg"))
    confinement = confine(f"sqlite:///{tmp_path}/trial.db")
    sa.create_engine(f"sqlite:///{tmp_path}/trial.db").connect().close()
    assert confinement.refused == []


def test_reconnecting_is_checked_again(tmp_path: Path) -> None:
    confine(f"sqlite:///{tmp_path}/trial.db")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/trial.db")
    for _ in range(2):
        with engine.connect() as connection:
            connection.invalidate()
    confine(f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(ForeignDatabaseError):
        engine.connect()


def test_released(tmp_path: Path) -> None:
    confine(f"sqlite:///{tmp_path}/trial.db")
    release()
    sa.create_engine(f"sqlite:///{tmp_path}/dev.db").connect().close()


def test_postgres(postgres_url: str) -> None:
    confinement = confine(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    engine.dispose()
    other = sa.create_engine(sa.make_url(postgres_url).set(database="postgres"))
    with pytest.raises(ForeignDatabaseError):
        other.connect()
    assert len(confinement.refused) == 1


def test_postgres_with_a_creator(postgres_url: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    url = sa.make_url(postgres_url)
    _, arguments = url.get_dialect()().create_connect_args(url)
    confine(postgres_url)
    good = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(**arguments))
    with good.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    good.dispose()
    arguments = {**arguments, "dbname": "postgres"}
    bad = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(**arguments))
    with pytest.raises(ForeignDatabaseError):
        bad.connect()


def test_path_types(tmp_path: Path) -> None:
    assert database_of(f"sqlite:///{os.fspath(tmp_path)}/a b.db").name == os.path.realpath(tmp_path / "a b.db")
