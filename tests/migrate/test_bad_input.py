"""What can stand in the way of `seatrial db`: one sentence with the way out, an exit code, and a rerun that heals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from migrate.conftest import Shop, make_inventory

from seatrial.database import PostgresDatabases, open_databases
from seatrial.migrate.specs import INVENTORY
from seatrial.migrate.waiting import LOCK_KEY

Db = Callable[..., tuple[int, str]]
PLANNED = 5
"""Indexes that are built on the tables of `make_inventory`."""


@pytest.fixture
def run(db: Db, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """run(shop, "upgrade", …): exit code and the sentence that ended it; where nothing did, everything it said."""

    def command(shop: Shop, name: str, *arguments: str) -> tuple[int, str]:
        code, said = db(name, str(tmp_path), "--url", shop.url, *arguments)
        assert "Traceback" not in said
        return code, said if code in (0, 1) else said.splitlines()[-1]

    return command


def healed(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    """The same command again, when nothing is in the way any more."""
    assert run(shop, "upgrade")[0] == 0
    assert list(shop.indexes().values()) == [True] * PLANNED
    assert run(shop, "verify")[0] == 0


def test_no_permission(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    shop.run("CREATE ROLE stranger LOGIN PASSWORD 'secret'", "GRANT CREATE ON SCHEMA public TO stranger")
    other = Shop(sa.make_url(shop.url).set(username="stranger", password="secret").render_as_string(False))
    try:
        code, said = run(other, "upgrade")
        assert code == 3
        assert said == (
            "seatrial: only the owner of a table may index it, and this account is not that of inventory_history "
            "(owner seatrial), product_sku_history (owner seatrial): name the owner's account in the url; nothing was "
            "changed."
        )
        assert run(other, "verify")[0] == 1, "everybody may look"
        assert shop.indexes() == {}
        wrong = Shop(sa.make_url(shop.url).set(password="wrong").render_as_string(False))
        code, said = run(wrong, "upgrade")
        assert code == 2
        assert said.endswith("see that it runs, and correct the url.")
    finally:
        shop.run("DROP OWNED BY stranger", "DROP ROLE stranger")
    healed(run, shop)


def test_a_server_that_is_not_there(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    nobody = Shop(sa.make_url(shop.url).set(port=1).render_as_string(False))
    for command in ("plan", "upgrade", "downgrade", "verify"):
        code, said = run(nobody, command)
        assert code == 2
        assert "cannot be reached" in said
        assert said.endswith("see that it runs, and correct the url.")
    gone = Shop(sa.make_url(shop.url).set(database="nowhere").render_as_string(False))
    assert run(gone, "upgrade")[0] == 2
    healed(run, shop)


def test_transactions_that_are_read_only(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    name = sa.make_url(shop.url).database
    shop.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    for command in ("upgrade", "downgrade"):
        code, said = run(shop, command)
        assert code == 3
        assert said.startswith("seatrial: transactions are read-only here (default_transaction_read_only): set it off")
    assert run(shop, "plan")[0] == 0
    assert run(shop, "verify")[0] == 1
    assert run(shop, "upgrade", "--sql")[0] == 0
    shop.run("SET default_transaction_read_only = off", f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    healed(run, shop)


def test_a_hot_standby_is_looked_at_and_not_changed(run: Callable[..., tuple[int, str]]) -> None:
    """A server that was stopped in order and started again as a standby: it recovers for ever, and takes no writes."""
    with open_databases("embedded", run="standby") as own:
        assert isinstance(own, PostgresDatabases)
        name = own.name("inventory")
        own.create(name)
        shop = make_inventory(Shop(own.url(name)))
        with restarted(own, standby=True):
            for command in ("upgrade", "downgrade"):
                assert run(shop, command) == (
                    3,
                    "seatrial: this server is a read-only replica: name the primary in the url.",
                )
            code, said = run(shop, "plan")
            assert (code, said.count("    CREATE INDEX CONCURRENTLY")) == (0, PLANNED)
            assert run(shop, "verify")[0] == 1
            assert run(shop, "upgrade", "--sql")[0] == 0
        with restarted(own, standby=False):
            healed(run, shop)


@contextmanager
def restarted(databases: PostgresDatabases, *, standby: bool) -> Iterator[None]:
    """The embedded server in the other role. Its launcher is used, which starts it on the same port again."""
    server = databases.server
    assert server is not None
    os.kill(server.pid, signal.SIGINT)
    assert server._process is not None
    server._process.wait(60)
    signal_file = server.folder / "data" / "standby.signal"
    if standby:
        signal_file.touch()
    else:
        signal_file.unlink(missing_ok=True)
    assert server._launch(server._reachable_programs() / "postgres") == ""
    yield


def test_a_table_that_vanished(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    healed(run, shop)
    shop.run("DROP TABLE inventory_history")
    code, said = run(shop, "upgrade")
    assert code == 0
    assert said.count("no such table (inventory_history)") == 3
    assert run(shop, "verify")[0] == 0
    code, said = run(shop, "downgrade")
    assert (code, said.splitlines()[-1]) == (0, "4 no such table, 2 dropped, 1 not ours")


def test_a_name_that_is_taken(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    shop.run(f"CREATE INDEX {INVENTORY[0].name} ON inventory_history (note)")
    for command in ("upgrade", "upgrade", "verify"):
        code, said = run(shop, command)
        assert code == 1
        [line] = [line for line in said.splitlines() if ": conflict (" in line]
        assert line.startswith(f"{INVENTORY[0].subject}: conflict ({INVENTORY[0].name} is another index: CREATE INDEX")
        assert line.endswith("rename or drop it, then run seatrial db upgrade again)")
    assert len(shop.indexes()) == PLANNED, "the others are built"
    shop.run(f"ALTER INDEX {INVENTORY[0].name} RENAME TO app_notes")
    healed(run, shop)


@pytest.mark.matrix
def test_two_upgrades_at_once(shop: Shop, run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    both = [started(tmp_path, shop, "upgrade") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out.splitlines()[-1].split(",")[0] for out, _ in said) == ["5 created", "5 present"]
    healed(run, shop)


def test_whoever_waits_for_another_upgrade_is_told(shop: Shop, tmp_path: Path) -> None:
    with shop.engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK_KEY})")
        other.commit()
        process = started(tmp_path, shop, "upgrade")
        assert process.stderr is not None
        assert process.stderr.readline() == "seatrial: waiting for another seatrial db command to end\n"
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_an_open_transaction_that_never_ends(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    with shop.engine.connect() as writer:
        writer.exec_driver_sql("INSERT INTO inventory_history (id) VALUES (1)")
        time.sleep(1.1)
        code, said = run(shop, "upgrade", "--wait", "0.5")
        assert code == 3
        assert said.startswith("seatrial: inventory_history: a transaction is in the way: ")
        assert said.endswith("then run the command again.")
        assert "pg_terminate_backend(pid)" in said
        assert "nothing was begun" in said
        assert shop.indexes() == {}
    healed(run, shop)


def test_a_version_table_from_the_future(run: Callable[..., tuple[int, str]], shop: Shop) -> None:
    healed(run, shop)
    shop.run("UPDATE seatrial_alembic_version SET version_num = 'seatrial_0099'")
    for command in ("upgrade", "downgrade"):
        code, said = run(shop, command)
        assert code == 2
        assert said == (
            "seatrial: seatrial_alembic_version holds seatrial_0099, which this Seatrial does not know: the database "
            "was upgraded by a newer one; install that version (pip install -U seatrial)."
        )
    assert run(shop, "verify")[0] == 0, "the catalog is what counts"
    assert len(shop.indexes()) == PLANNED
    shop.run("UPDATE seatrial_alembic_version SET version_num = 'seatrial_0003'")
    healed(run, shop)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_an_upgrade_that_is_interrupted(
    run: Callable[..., tuple[int, str]], shop: Shop, tmp_path: Path, number: signal.Signals
) -> None:
    """While it waits for an open transaction, which it names. What a build leaves when it is ended, the drills show."""
    with shop.engine.connect() as writer:
        writer.exec_driver_sql("INSERT INTO inventory_history (id) VALUES (1)")
        time.sleep(1.1)
        process = started(tmp_path, shop, "upgrade")
        assert process.stderr is not None
        assert process.stderr.readline().startswith("seatrial: inventory_history: waiting for ")
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == (
        "seatrial: interrupted; what was done stays, and the same command heals what is half done and does the rest: "
        "run it again\n"
    )
    healed(run, shop)


def started(folder: Path, shop: Shop, *arguments: str) -> "subprocess.Popen[str]":
    command, *more = arguments
    return subprocess.Popen(
        [sys.executable, "-m", "seatrial", "db", command, str(folder), "--url", shop.url, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        # A shell that runs the tests in the background has them ignore Ctrl-C, and so would every child.
        preexec_fn=restore_interrupt,
    )


def restore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
