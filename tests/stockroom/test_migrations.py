"""`seatrial db` on the example app: verify is red before and green after, and the app sees no difference."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from stockroom.runs import EXAMPLE

from seatrial.database import open_databases

CONFIGURED = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A database that the app's own history has built."""
    with open_databases("embedded", run="stockroom") as databases:
        name = databases.name("live")
        databases.create(name)
        found = databases.url(name)
        flask(found, "db", "upgrade")
        yield found


def flask(url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "stockroom", *arguments],
        cwd=EXAMPLE,
        env={**CONFIGURED["tool"]["seatrial"]["env"], "DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def db(url: str, *arguments: str, config_file: str = "legacy.toml") -> tuple[int, str]:
    config = ("--config", str(EXAMPLE / config_file), "--url", url)
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "db", arguments[0], str(EXAMPLE), *config, *arguments[1:]],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parent,
    )
    return done.returncode, done.stdout + done.stderr


def test_verify_is_red_before_and_green_after(url: str) -> None:
    code, said = db(url, "verify")
    assert code == 1
    assert "product_sku_history(organization_id, timestamp): missing" in said
    code, said = db(url, "upgrade")
    assert code == 0, said
    assert "inventory_history(inventory_item_id, remaining_quantity): covered" in said
    assert "product_sku_history(inventory_item_id, expiration_date): no such column (inventory_item_id)" in said
    assert "audit_log(organization_id, created_at): covered" in said
    code, said = db(url, "verify")
    assert code == 0, said


def test_the_app_proposes_no_revision_afterwards(url: str) -> None:
    db(url, "upgrade")
    assert "No new upgrade operations detected" in flask(url, "db", "check")
    with sa.create_engine(url).connect() as connection:
        ours = connection.exec_driver_sql("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'stx%%'").scalar()
    assert ours == 3


@pytest.mark.matrix
def test_each_planned_index_is_proved_with_its_price(url: str) -> None:
    db(url, "upgrade")
    code, said = db(url, "verify", "--prove", config_file="pyproject.toml")
    assert code == 0, said
    blocks = dict(re.findall(r"^(\w+\([\w, ]+\)): (?:valid|covered) .*\n((?:    .*\n)+)", said, re.MULTILINE))
    assert len(blocks) == 7
    price = r"^    writes  .+: HOT \d+% → \d+%, WAL \d+ → \d+ kB per 1000, size \d+ kB$"
    for subject, block in blocks.items():
        assert re.search(r"^    proof   (faster: )?chosen by \d+ of \d+ statements", block), subject
        assert re.search(r"^    reads   .+: \d+ → \d+ pages, ", block, re.MULTILINE), subject
        assert re.search(price, block, re.MULTILINE), subject
    faster = {subject for subject, block in blocks.items() if block.startswith("    proof   faster")}
    assert faster == {
        "inventory_history(inventory_item_id, remaining_quantity)",
        "audit_log(organization_id, created_at)",
        "inventory_history(organization_id, expiration_date)",
        "product_sku_history(sku_id, timestamp)",
    }, "those of the configuration; of those that are shipped three bring this app nothing"
