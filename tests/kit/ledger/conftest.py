from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.ledger.shop import Shop, opened


@pytest.fixture
def shop(url: str, tmp_path: Path) -> Iterator[Shop]:
    """Flask-SQLAlchemy, on PostgreSQL and on SQLite."""
    with opened(url, tmp_path) as shop:
        yield shop


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Shop]:
    """On SQLite only: for what has nothing to do with the database."""
    with opened(f"sqlite:///{tmp_path / 'small.db'}", tmp_path) as shop:
        yield shop
