"""One embedded server for the tests of the kit that need PostgreSQL, and a database of each kind for those of both."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.database import open_databases


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    with open_databases("embedded", run="kit") as databases:
        name = databases.name("kit")
        databases.create(name)
        yield databases.url(name)
    os.environ.update(saved)


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables of ours; the server's is shared, so tests drop what they make."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    return str(request.getfixturevalue("postgres_url"))
