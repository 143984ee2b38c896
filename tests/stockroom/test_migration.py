"""The example's own migration makes the tables of the kit, and takes what is there with it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from stockroom.runs import EXAMPLE

from seatrial.database import open_databases

SEEN = {"event_type": "invoice.paid", "payload_hash": "0" * 64, "attempts": 1}


@pytest.fixture(params=["embedded", pytest.param("sqlite", marks=pytest.mark.matrix)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with open_databases(request.param, run="migration") as databases:
        name = databases.name("stockroom")
        databases.create(name)
        yield databases.url(name)


def migrated(url: str, *words: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("flask"), "--app", "stockroom:create_app", "db", *words],
        cwd=EXAMPLE,
        env={**os.environ, "DATABASE_URL": url, "SECRET_KEY": "0123456789abcdef" * 3, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_events_move_into_the_kits_table_and_back(url: str) -> None:
    migrated(url, "upgrade", "0001")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    columns = "stripe_event_id, event_type, payload_hash, attempts, status, created_at"
    values = ":stripe_event_id, :event_type, :payload_hash, :attempts, :status, '2026-09-01 08:00:00'"
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"INSERT INTO stripe_event ({columns}) VALUES ({values})"),
            [
                {**SEEN, "stripe_event_id": "evt_1", "status": "processed"},
                {**SEEN, "stripe_event_id": "evt_2", "status": "received"},
            ],
        )
    migrated(url, "upgrade")
    migrated(url, "check")  # the models and the tables are the same
    moved = sa.text("SELECT stripe_event_id, status, conflicts, created_at FROM stripe_events ORDER BY id")
    with engine.connect() as connection:
        rows = connection.execute(moved).all()
    assert [tuple(row)[:3] for row in rows] == [("evt_1", "processed", 0), ("evt_2", "pending", 0)]
    assert {str(row.created_at)[:19] for row in rows} == {"2026-09-01 08:00:00"}
    migrated(url, "downgrade", "0001")
    with engine.connect() as connection:
        back = connection.execute(sa.text("SELECT stripe_event_id FROM stripe_event ORDER BY id")).scalars().all()
    assert back == ["evt_1", "evt_2"]
