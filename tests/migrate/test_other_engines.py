"""SQLite, and MySQL or MariaDB where a server program is: create, drop, verify."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from migrate.conftest import COLUMNS, Shop

from seatrial.migrate.build import Action
from seatrial.migrate.policy import Policy, RefusedError
from seatrial.migrate.specs import INVENTORY, SKUS, STRATEGIC, IndexSpec
from seatrial.migrate.upgrade import downgrade, upgrade
from seatrial.migrate.verify import verify

Db = Callable[..., tuple[int, str]]
QUICK = Policy(run_lock_s=5.0, poll_s=0.05)


@pytest.fixture
def file(tmp_path: Path) -> Shop:
    path = tmp_path / "app.db"
    path.touch()
    shop = Shop(f"sqlite:///{path}")
    for table in ("inventory_history", "product_sku_history"):
        shop.run(f"CREATE TABLE {table} ({COLUMNS})")
    shop.run("CREATE INDEX app_lots ON product_sku_history (inventory_item_id, remaining_quantity)")
    return shop


def test_sqlite_up_again_and_down(file: Shop, db: Db, tmp_path: Path) -> None:
    assert db("verify", str(tmp_path), "--url", file.url)[0] == 1
    report = upgrade(file.engine, STRATEGIC, QUICK, webhooks=True)
    assert [result.action for result in report.results] == [
        *[Action.CREATED] * 3, Action.COVERED, *[Action.CREATED] * 2, Action.NO_TABLE,
    ]  # fmt: skip
    assert report.told == ("stripe_events: created",)
    assert db("verify", str(tmp_path), "--url", file.url)[0] == 0
    again = upgrade(file.engine, STRATEGIC, QUICK)
    assert {result.action for result in again.results} == {Action.PRESENT, Action.COVERED, Action.NO_TABLE}
    file.run("INSERT INTO stripe_events (stripe_event_id, event_type, payload_hash) VALUES ('evt_1', 'x', 'y')")
    with pytest.raises(RefusedError, match="holds 1 rows"):
        downgrade(file.engine, STRATEGIC, QUICK, webhooks=True)
    file.run("DELETE FROM stripe_events")
    gone = downgrade(file.engine, STRATEGIC, QUICK, webhooks=True)
    assert sum(result.action is Action.DROPPED for result in gone.results) == 5
    names = [row[0] for row in file.ask("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY 1")]
    assert names == ["app_lots", "inventory_history", "product_sku_history", "seatrial_alembic_version"]


def test_the_apps_own_table_of_events_stays_on_sqlite(file: Shop) -> None:
    file.run("CREATE TABLE stripe_events (id integer)")
    assert upgrade(file.engine, (), QUICK, webhooks=True).told[0].startswith("stripe_events: covered")
    assert downgrade(file.engine, (), QUICK, webhooks=True).told == ("stripe_events: left alone, it is the app's own",)


def test_two_upgrades_of_one_file_at_once(file: Shop) -> None:
    ends: list[object] = []

    def run() -> None:
        try:
            ends.append(upgrade(file.engine, STRATEGIC, QUICK).conflicts)
        except BaseException as error:
            ends.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Alembic keeps its environment in module globals: two in one process can fail there, never in the file.
    assert [] in ends
    with file.engine.connect() as connection:
        assert verify(connection, STRATEGIC).sound


def test_a_writer_is_waited_for_on_sqlite(file: Shop) -> None:
    """The engine of `seatrial db` waits for 30 s; a plain one gives up after 5."""
    from seatrial.migrate.address import migration_url, open_engine

    writer = sa.create_engine(file.url, poolclass=sa.pool.NullPool).connect()
    writer.exec_driver_sql("INSERT INTO inventory_history (id) VALUES (1)")
    timer = threading.Timer(1.0, writer.commit)
    timer.start()
    report = upgrade(open_engine(migration_url(file.url)), INVENTORY, QUICK)
    timer.join()
    assert {result.action for result in report.results} == {Action.CREATED}


# ----------------------------------------------------------------------------------------------------- MySQL, MariaDB
@pytest.fixture(scope="module")
def maria() -> Iterator[str]:
    """URL of a server of our own, or of SEATRIAL_TEST_MYSQL_URL."""
    named = os.environ.get("SEATRIAL_TEST_MYSQL_URL")
    if named:
        yield named
        return
    program = shutil.which("mariadbd") or shutil.which("mysqld")
    if program is None:
        pytest.skip("no server program of MySQL or MariaDB is on the path, and SEATRIAL_TEST_MYSQL_URL is not set")
    pytest.importorskip("pymysql")
    with tempfile.TemporaryDirectory(prefix="seatrial-maria-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        common = [program, "--no-defaults", f"--datadir={data}", "--skip-grant-tables", "--innodb-buffer-pool-size=32M"]
        if os.geteuid() == 0:
            common.append("--user=root")
        boot = "CREATE DATABASE IF NOT EXISTS mysql;"
        subprocess.run([*common, "--bootstrap"], input=boot, text=True, capture_output=True, timeout=60, check=False)
        log = (Path(folder) / "log").open("wb")
        server = subprocess.Popen(
            [*common, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s"], stdout=log, stderr=log
        )
        url = f"mysql+pymysql://root@127.0.0.1:{port}/"
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until and server.poll() is None:
                with contextlib.suppress(sa.exc.DBAPIError):
                    Shop(url).run("CREATE DATABASE IF NOT EXISTS shop")
                    break
                time.sleep(0.1)
            if server.poll() is not None:
                pytest.skip(f"{program} does not start here")
            yield f"{url}shop"
        finally:
            server.kill()
            server.wait()
            log.close()


def test_mysql_creates_verifies_and_drops_online(maria: str) -> None:
    shop = Shop(maria)
    for table in ("inventory_history", "product_sku_history"):
        shop.run(f"CREATE TABLE {table} ({COLUMNS.replace(chr(34), '`')}) ENGINE=InnoDB")
    shop.run("CREATE INDEX app_lots ON product_sku_history (inventory_item_id, remaining_quantity)")
    seen: list[str] = []
    engine = shop.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    with engine.connect() as connection:
        assert len(verify(connection, STRATEGIC).red) == 5
    report = upgrade(engine, STRATEGIC, QUICK, webhooks=True)
    assert [result.action for result in report.results] == [
        *[Action.CREATED] * 3, Action.COVERED, *[Action.CREATED] * 2, Action.NO_TABLE,
    ]  # fmt: skip
    assert all(text.endswith("ALGORITHM=INPLACE LOCK=NONE") for text in seen if text.startswith("CREATE INDEX stx"))
    with engine.connect() as connection:
        assert verify(connection, STRATEGIC).sound
    [partial] = upgrade(engine, [IndexSpec("inventory_history", ("note",), where="note IS NULL")], QUICK).results
    assert (partial.action, partial.detail) == (Action.CONFLICT, "mysql has no partial indexes; plan it without where")
    gone = downgrade(engine, STRATEGIC, QUICK, webhooks=True)
    assert {r.action for r in gone.results if r.spec is not SKUS[0]} == {Action.DROPPED, Action.NO_TABLE}
    with engine.connect() as connection:
        assert len(verify(connection, STRATEGIC).red) == 5
    assert not sa.inspect(engine).has_table("stripe_events")
