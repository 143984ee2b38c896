"""Making, cloning and dropping databases on a PostgreSQL server."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from seatrial.database import PostgresDatabases, open_databases
from seatrial.database import postgres as implementation
from seatrial.model.errors import BrokenError, ConfigurationError

Statement = Callable[[str, str], Any]
Fresh = Callable[[Any, str], str]


def databases_on(server: PostgresDatabases, statement: Statement) -> set[str]:
    rows = statement(server._url.render_as_string(hide_password=False), "select datname from pg_database")
    return {name for (name,) in rows}


@pytest.fixture
def template(postgres: PostgresDatabases, fresh: Fresh, statement: Statement) -> str:
    """A database with one table of three rows."""
    name = fresh(postgres, "template")
    postgres.create(name)
    statement(postgres.url(name), "create table t as select generate_series(1, 3) as i")
    return name


def test_create_makes_an_empty_database(postgres: PostgresDatabases, fresh: Fresh, statement: Statement) -> None:
    name = fresh(postgres, "a")
    postgres.create(name)
    assert statement(postgres.url(name), "select current_database()") == [(name,)]
    assert statement(postgres.url(name), "select count(*) from pg_tables where schemaname = 'public'") == [(0,)]
    with pytest.raises(BrokenError, match="is there already"):
        postgres.create(name)


def test_url_names_driver_host_and_port(postgres: PostgresDatabases) -> None:
    url = sa.make_url(postgres.url(postgres.name("a")))
    assert url.drivername in {"postgresql+psycopg2", "postgresql+psycopg", "postgresql+pg8000"}
    assert (url.host, url.port) == ("127.0.0.1", postgres.server.port)
    assert url.password == postgres.server.password
    assert url.database == "seatrial_tests_a"
    assert re.fullmatch(r"embedded PostgreSQL \d+\.\d+ \(\S+ binaries\)", postgres.description)


def test_letters_beyond_ascii_have_a_case(postgres: PostgresDatabases, fresh: Fresh, statement: Statement) -> None:
    name = fresh(postgres, "a")
    postgres.create(name)
    assert statement(postgres.url(name), "select lower('ÀÉ'), 'a' > 'B'") == [("àé", True)]


def test_clone_copies_and_is_independent(
    postgres: PostgresDatabases, template: str, fresh: Fresh, statement: Statement
) -> None:
    name = fresh(postgres, "copy")
    postgres.clone(template, name)
    statement(postgres.url(name), "delete from t where i > 1")
    assert statement(postgres.url(template), "select count(*) from t") == [(3,)]
    assert statement(postgres.url(name), "select count(*) from t") == [(1,)]
    postgres.clone(template, name)
    assert statement(postgres.url(name), "select count(*) from t") == [(3,)]


def test_clone_ends_the_sessions_on_its_target(
    postgres: PostgresDatabases, template: str, fresh: Fresh, statement: Statement
) -> None:
    name = fresh(postgres, "copy")
    postgres.clone(template, name)
    engine = sa.create_engine(postgres.url(name))
    with engine.connect() as held:
        held.exec_driver_sql("lock table t in access exclusive mode")
        postgres.clone(template, name)
        with pytest.raises(sa.exc.DBAPIError):
            held.exec_driver_sql("select 1")
        held.invalidate()
    engine.dispose()
    assert statement(postgres.url(name), "select count(*) from t") == [(3,)]


def test_a_session_on_the_template_is_named(
    postgres: PostgresDatabases, template: str, fresh: Fresh, statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implementation, "QUIET_TIMEOUT", 0.2)
    name = fresh(postgres, "copy")
    postgres.clone(template, name)
    engine = sa.create_engine(postgres.url(template), connect_args={"application_name": "sweep host"})
    with engine.connect() as held:
        pid = held.exec_driver_sql("select pg_backend_pid()").scalar_one()
        with pytest.raises(BrokenError, match=rf"pid {pid} \(sweep host\).*dispose the engine"):
            postgres.clone(template, name)
        assert held.exec_driver_sql("select count(*) from t").scalar_one() == 3  # not ended
    engine.dispose()
    assert statement(postgres.url(name), "select count(*) from t") == [(3,)]  # the old copy was not lost
    postgres.clone(template, name)


def test_clone_waits_for_a_session_that_is_about_to_end(
    postgres: PostgresDatabases, template: str, fresh: Fresh
) -> None:
    engine = sa.create_engine(postgres.url(template), poolclass=sa.pool.NullPool)
    held = engine.connect()
    held.exec_driver_sql("select 1")
    timer = threading.Timer(0.4, held.close)
    timer.start()
    postgres.clone(template, name := fresh(postgres, "copy"))
    timer.join()
    assert name in postgres._ledger


def test_two_threads_clone_at_once(
    postgres: PostgresDatabases, template: str, fresh: Fresh, statement: Statement
) -> None:
    names = [fresh(postgres, f"copy{number}") for number in range(2)]
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    def work(name: str) -> None:
        try:
            for _ in range(3):
                together.wait(30)
                postgres.clone(template, name)
        except BaseException as error:
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [statement(postgres.url(name), "select count(*) from t") for name in names] == [[(3,)], [(3,)]]


def test_drop_removes_with_sessions_open(postgres: PostgresDatabases, fresh: Fresh, statement: Statement) -> None:
    name = fresh(postgres, "a")
    postgres.create(name)
    engine = sa.create_engine(postgres.url(name))
    with engine.connect() as held:
        held.exec_driver_sql("select 1")
        postgres.drop(name)
        held.invalidate()
    assert name not in databases_on(postgres, statement)
    with pytest.raises(BrokenError, match="was not made by this run"):
        postgres.drop(name)


@pytest.mark.parametrize("foreign", ["postgres", "production", "seatrial_other_a", 'seatrial_tests_a" --', ""])
def test_foreign_names_are_refused(postgres: PostgresDatabases, template: str, foreign: str) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: postgres.create(foreign),
        lambda: postgres.drop(foreign),
        lambda: postgres.clone(template, foreign),
        lambda: postgres.clone(foreign, postgres.name("copy")),
        lambda: postgres.url(foreign),
    ]
    for attempt in attempts:
        with pytest.raises(BrokenError, match="not a database of this run"):
            attempt()


def test_a_clone_onto_its_own_template_is_refused(
    postgres: PostgresDatabases, template: str, statement: Statement
) -> None:
    with pytest.raises(BrokenError, match="onto itself"):
        postgres.clone(template, template)
    assert statement(postgres.url(template), "select count(*) from t") == [(3,)]


# A server of the user's own


def test_the_databases_of_a_named_server_are_untouched(
    postgres: PostgresDatabases, fresh: Fresh, statement: Statement
) -> None:
    postgres.create(theirs := fresh(postgres, "theirs"))
    statement(postgres.url(theirs), "create table orders as select 42 as total")
    before = databases_on(postgres, statement)
    with open_databases(postgres.url(theirs), run="guest") as guest:
        assert guest.description.startswith("PostgreSQL ")
        assert guest.description.endswith(f" at 127.0.0.1:{postgres.server.port}")
        guest.create(base := guest.name("base"))
        guest.clone(base, guest.name("copy"))
        assert databases_on(postgres, statement) - before == {"seatrial_guest_base", "seatrial_guest_copy"}
        held = sa.create_engine(guest.url(base)).connect()
    held.invalidate()
    assert databases_on(postgres, statement) == before
    assert statement(postgres.url(theirs), "select total from orders") == [(42,)]


def test_a_database_of_another_run_with_our_name_is_untouched(
    postgres: PostgresDatabases, fresh: Fresh, statement: Statement
) -> None:
    postgres.create(administrated := fresh(postgres, "administrated"))
    with (
        open_databases(postgres.url(administrated), run="same") as first,
        open_databases(postgres.url(administrated), run="same") as second,
    ):
        first.create(name := first.name("a"))
        statement(first.url(name), "create table t as select 1 as i")
        second.create(base := second.name("base"))
        with pytest.raises(BrokenError, match="there already"):
            second.create(name)
        with pytest.raises(BrokenError, match="was not made by this run"):
            second.clone(base, name)
        with pytest.raises(BrokenError, match="was not made by this run"):
            second.clone(name, second.name("copy"))
        with pytest.raises(BrokenError, match="was not made by this run"):
            second.drop(name)
        second.close()
        assert statement(first.url(name), "select i from t") == [(1,)]
        with pytest.raises(BrokenError, match="are closed"):
            second.create(base)


def test_a_left_database_is_named_with_its_way_out(
    postgres: PostgresDatabases, fresh: Fresh, statement: Statement
) -> None:
    postgres.create(administrated := fresh(postgres, "administrated"))
    guest = open_databases(postgres.url(administrated), run="stuck")
    guest.create(name := guest.name("a"))
    # What FORCE cannot end: a logical replication slot in use would do as well, but needs another wal_level.
    statement(postgres.url(administrated), f"update pg_database set datistemplate = true where datname = '{name}'")
    with pytest.raises(BrokenError, match=rf"{name} could not be dropped .* by hand"):
        guest.close()
    statement(postgres.url(administrated), f"update pg_database set datistemplate = false where datname = '{name}'")
    guest._drop_all()
    assert name not in databases_on(postgres, statement)


def test_an_account_that_may_not_make_databases_is_refused(
    postgres: PostgresDatabases, fresh: Fresh, statement: Statement
) -> None:
    postgres.create(name := fresh(postgres, "a"))
    statement(postgres.url(name), "create role reader login password 'r'")
    url = sa.make_url(postgres.url(name)).set(username="reader", password="r").render_as_string(hide_password=False)
    with pytest.raises(ConfigurationError, match=r"may not make databases .* CREATEDB"):
        open_databases(url, run="r")
    statement(postgres.url(name), "drop role reader")


def test_an_ordinary_account_with_createdb_is_enough(
    postgres: PostgresDatabases, fresh: Fresh, statement: Statement
) -> None:
    postgres.create(name := fresh(postgres, "a"))
    statement(postgres.url(name), "create role maker login createdb password 'm'")
    url = sa.make_url(postgres.url(name)).set(username="maker", password="m").render_as_string(hide_password=False)
    with open_databases(url, run="maker") as guest:
        guest.create(base := guest.name("base"))
        guest.clone(base, guest.name("copy"))
        guest.clone(base, guest.name("copy"))
        guest.drop(guest.name("copy"))
    statement(postgres.url(name), "drop role maker")


def test_a_host_that_is_not_loopback_is_allowed_by_name_only(postgres: PostgresDatabases, statement: Statement) -> None:
    # 0.0.0.0 is not a loopback address, yet leads to this machine.
    url = postgres._url.set(host="0.0.0.0").render_as_string(hide_password=False)
    with pytest.raises(ConfigurationError, match=r"0\.0\.0\.0 is not on this machine.*allow_hosts"):
        open_databases(url, run="r")
    with pytest.raises(ConfigurationError, match="not on this machine"):
        open_databases(url, run="r", allow_hosts=["0.0.0.1", "db.example"])
    with open_databases(url, run="r", allow_hosts=["0.0.0.0"]) as guest:
        guest.create(name := guest.name("a"))
        assert name in databases_on(postgres, statement)


def test_a_server_that_does_not_answer_is_a_sentence_without_the_password() -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:1 could not be connected to .*: correct") as refused:
        open_databases("postgresql://u:hunter2@127.0.0.1:1/x", run="r")
    assert "hunter2" not in str(refused.value)


def test_an_owner_that_forgets_to_close_drops_what_it_made_on_a_named_server(
    postgres: PostgresDatabases, owner: Callable[[str], Any], statement: Statement
) -> None:
    before = databases_on(postgres, statement)
    started = owner(
        "from seatrial.database import open_databases\n"
        f"databases = open_databases({postgres._url.render_as_string(hide_password=False)!r}, run='forgets')\n"
        "databases.create(databases.name('a'))\n"
        # Nor does a forked child drop anything, though it inherits the object and its atexit handler.
        "import os, sys\nchild = os.fork()\nif not child: databases.close(); sys.exit(0)\nos.waitpid(child, 0)\n"
        "print('true', flush=True)\ninput()"
    )
    assert started.told() is True
    assert databases_on(postgres, statement) - before == {"seatrial_forgets_a"}
    started.tell()
    assert started.process.wait(20) == 0
    assert databases_on(postgres, statement) == before
