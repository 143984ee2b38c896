"""Real servers and small shops for the tests of seatrial.migrate."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from seatrial.cli import group
from seatrial.database import PostgresDatabases, open_databases
from seatrial.migrate.address import VARIABLE

COLUMNS = (
    "id integer PRIMARY KEY, inventory_item_id integer, remaining_quantity double precision, "
    'expiration_date timestamp, organization_id integer, "timestamp" timestamp, note text'
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the developer's own settings."""
    for name in [name for name in os.environ if name.startswith(("PG", "SEATRIAL_")) or name == VARIABLE]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresDatabases]:
    with open_databases("embedded", run="migrate") as opened:
        assert isinstance(opened, PostgresDatabases)
        yield opened


@dataclass(frozen=True)
class Shop:
    """One database with inventory in it."""

    url: str

    @property
    def engine(self) -> sa.Engine:
        return sa.create_engine(self.url, poolclass=sa.pool.NullPool)

    def run(self, *statements: str) -> None:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def indexes(self) -> dict[str, bool]:
        """Ours: name and whether it is valid."""
        found = self.ask(
            "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE 'stx%%'"
        )
        return {str(name): bool(valid) for name, valid in found}


def make_inventory(shop: Shop, rows: int = 0) -> Shop:
    """Two of the three tables of the plan, one of which has an index of its own already."""
    for table in ("inventory_history", "product_sku_history"):
        shop.run(f"CREATE TABLE {table} ({COLUMNS})")
    shop.run("CREATE INDEX app_lots ON product_sku_history (inventory_item_id, remaining_quantity)")
    if rows:
        shop.run(
            "INSERT INTO inventory_history SELECT g, 1 + g %% 2000, g %% 20, timestamp '2024-01-01' + g * interval "
            "'1 h', 1 + g %% 20, timestamp '2024-01-01' + g * interval '1 min', repeat('x', 60) "
            f"FROM generate_series(1, {rows}) g",
            "ANALYZE",
        )
    return shop


@pytest.fixture
def empty(server: PostgresDatabases, request: pytest.FixtureRequest) -> Iterator[Shop]:
    name = server.name(request.node.name)
    server.create(name)
    yield Shop(server.url(name))
    server.drop(name)


@pytest.fixture
def shop(empty: Shop) -> Shop:
    return make_inventory(empty)


@pytest.fixture
def db() -> Callable[..., tuple[int, str]]:
    """db("plan", "--url", …): exit code, and everything that was printed."""

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(group, ["db", *arguments], standalone_mode=False)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        code = done.return_value if done.return_value is not None else done.exit_code
        return int(code), done.output

    return run
