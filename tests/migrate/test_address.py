"""Which database `seatrial db` works on, and what it refuses."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from migrate.conftest import Shop
from support import project

from seatrial.migrate import authority
from seatrial.migrate.address import migration_url
from seatrial.model.errors import ConfigurationError

Db = Callable[..., tuple[int, str]]


@pytest.mark.parametrize("command", ["plan", "upgrade", "downgrade", "verify", "adopt"])
def test_without_a_database_every_command_says_so(command: str, db: Db, tmp_path: Path) -> None:
    assert db(command, str(tmp_path)) == (
        2,
        "seatrial: no database is named: pass --url, or set SEATRIAL_MIGRATE_URL.\n",
    )


def test_the_server_of_trials_is_never_meant(
    shop: Shop, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE_URL", shop.url)
    root = project(tmp_path / "app", {"shop.py": ""})
    assert db("upgrade", str(root))[0] == 2
    assert shop.indexes() == {}
    monkeypatch.setenv("SEATRIAL_MIGRATE_URL", shop.url)
    assert db("upgrade", str(root))[0] == 0
    assert len(shop.indexes()) == 5


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("not a url", "cannot be read"),
        ("oracle://h/x", "oracle is not supported: name a PostgreSQL, a SQLite, a MySQL, a MariaDB database"),
        ("postgresql://localhost", "names no database"),
        ("postgresql:///x", "names no host"),
        ("postgresql://db.example/x", "add --allow-host db.example"),
        ("postgresql://localhost/x?host=db.example", "the database server db.example is not on this machine"),
        ("postgresql://localhost,db.example/x", "the database server db.example is not on this machine"),
        ("postgresql://localhost/x?host=localhost:1&host=db.example:2", "the database server db.example is not"),
        ("sqlite://", "names no file"),
        ("sqlite:////no/such/file.db", "there is no database /no/such/file.db"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        migration_url(url, environ={})
    assert said in str(refused.value)


@pytest.mark.parametrize("variable", ["PGHOSTADDR", "PGSERVICE"])
def test_variables_that_lead_elsewhere_are_refused(variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} is set"):
        migration_url("postgresql://localhost/x", environ={variable: "elsewhere"})


def test_other_hosts_are_used_when_they_are_named() -> None:
    url = migration_url("postgres://u:p@db.example/x", ["DB.example"], environ={})
    assert (url.host, url.get_backend_name()) == ("db.example", "postgresql")
    assert migration_url("postgresql:///x?host=/var/run/postgresql", environ={}).database == "x"


def test_a_password_is_never_repeated(db: Db, tmp_path: Path) -> None:
    code, said = db("verify", str(tmp_path), "--url", "postgresql://u:geheim@127.0.0.1:1/x")
    assert code == 2
    assert "cannot be reached" in said
    assert "geheim" not in said


def test_allow_hosts_of_the_configuration_count(db: Db, tmp_path: Path) -> None:
    root = project(tmp_path / "app", {"shop.py": ""}, top='allow_hosts = ["db.invalid"]')
    code, said = db("verify", str(root), "--url", "postgresql://u@db.invalid/x?connect_timeout=1")
    assert code == 2
    assert "cannot be reached" in said


def test_a_read_only_file_is_refused(db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "app.db"
    sa.create_engine(f"sqlite:///{path}").connect().exec_driver_sql(
        "CREATE TABLE audit_log (organization_id, created_at)"
    )
    monkeypatch.setattr(authority, "os", SimpleNamespace(access=lambda *_: False, path=os.path, W_OK=os.W_OK))
    code, said = db("upgrade", str(tmp_path), "--url", f"sqlite:///{path}")
    assert (code, "is not writable by this account" in said) == (3, True)
