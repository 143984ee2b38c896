"""The embedded server never outlives its owner, however the owner ends."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from seatrial.database import PostgresDatabases, open_databases
from seatrial.database import watcher as watcher_program
from seatrial.database.folder import WatchedFolder

OPEN = """
import json, os, signal, sys, time
from seatrial.database import open_databases
def tell(**what): print(json.dumps(what), flush=True)
databases = open_databases("embedded", run="owned")
"""
TELL = "tell(pid=databases.server.pid, folder=str(databases.server.folder))\n"


def running(pid: int) -> bool:
    """Is there such a process, and not only its remains?"""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_close_stops_the_server_and_removes_the_folder() -> None:
    with open_databases("embedded", run="r") as databases:
        server = databases.server
        pid, folder = server.pid, server.folder
        watcher = server._folder._watcher.pid
        databases.create(databases.name("a"))
        assert running(pid)
        assert running(watcher)
        assert folder.is_dir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not running(pid)
    assert not running(watcher)
    assert not folder.exists()
    assert not psutil.pid_exists(pid)  # reaped, not a zombie of ours
    databases.close()  # again: nothing


def test_an_exception_in_the_block_closes_too() -> None:
    def trial() -> None:
        with open_databases("sqlite", run="r") as databases:
            seen.append(databases._folder.path)
            raise RuntimeError("the trial failed")

    seen: list[Path] = []
    with pytest.raises(RuntimeError, match="the trial failed"):
        trial()
    assert not seen[0].exists()


def test_a_killed_owner_leaves_nothing(owner: Callable[[str], Any]) -> None:
    connect = (
        "import psycopg\nname = databases.name('a'); databases.create(name)\n"
        "held = psycopg.connect(databases.url(name).replace('+psycopg', ''))\nheld.execute('create table t (i int)')\n"
    )
    started = owner(OPEN + connect + TELL + "time.sleep(60)")
    told = started.told()
    assert running(told["pid"])
    started.kill()
    assert started.left() == []
    assert not running(told["pid"])
    assert not os.path.exists(told["folder"])


@pytest.mark.parametrize("stage", ["seatrial-pg-*/data/base", "seatrial-pg-*/data/postmaster.pid"])
def test_an_owner_killed_while_it_starts_leaves_nothing(owner: Callable[[str], Any], stage: str) -> None:
    started = owner(OPEN + "time.sleep(60)")
    deadline = time.monotonic() + 20
    while not list(started.temporary.glob(stage)):
        assert time.monotonic() < deadline, "the stage was not reached"
    started.kill()
    assert started.left() == []


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_an_owner_that_forgets_to_close_leaves_nothing(owner: Callable[[str], Any], end: str) -> None:
    # SQLite, because the folder and its watcher are the same and there is no server to wait for.
    started = owner(OPEN.replace("embedded", "sqlite") + "tell()\ninput()\n" + end)
    started.told()
    assert list(started.temporary.iterdir()) != []
    started.tell()
    started.process.wait(20)
    assert started.left() == []


@pytest.mark.matrix
def test_interrupt_reaches_neither_server_nor_watcher(owner: Callable[[str], Any]) -> None:
    script = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + OPEN + TELL
    started = owner(script + "input(); databases.create(databases.name('after')); tell(made=True); time.sleep(60)")
    pid = started.told()["pid"]
    watchers = [process.pid for process in started.processes() if "watcher.py" in " ".join(process.cmdline())]
    assert len(watchers) == 1
    os.killpg(started.process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
    os.kill(watchers[0], signal.SIGTERM)  # and a service manager on stop
    started.tell()
    assert started.told() == {"made": True}
    assert running(pid)
    assert running(watchers[0])
    started.kill()
    assert started.left() == []


def test_a_forked_child_neither_closes_the_databases_nor_keeps_them(owner: Callable[[str], Any]) -> None:
    script = (
        OPEN.replace("embedded", "sqlite")
        + "first = os.fork()\n"
        + "if not first: databases.close(); sys.exit(0)\n"  # runs atexit handlers as well
        + "os.waitpid(first, 0)\n"
        + "time.sleep(0.3)\n"
        + "second = os.fork()\n"
        + "if not second: time.sleep(60)\n"
        + "databases.create(databases.name('after'))\n"
        + "tell(child=second)\n"
        + "time.sleep(60)"
    )
    started = owner(script)
    child = started.told()["child"]
    try:
        started.kill()
        assert running(child)
        deadline = time.monotonic() + 5
        while list(started.temporary.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(started.temporary.iterdir()) == []
    finally:
        os.kill(child, signal.SIGKILL)


def test_close_cleans_when_the_watcher_was_killed() -> None:
    with open_databases("embedded", run="r") as databases:
        pid, folder = databases.server.pid, databases.server.folder
        os.kill(databases.server._folder._watcher.pid, signal.SIGKILL)
    assert not running(pid)
    assert not folder.exists()


def test_only_our_own_server_is_stopped(postgres: PostgresDatabases) -> None:
    other = WatchedFolder("other")
    other.close()
    assert not other.path.exists()
    assert running(postgres.server.pid)
    postgres.create(name := postgres.name("still_there"))
    postgres.drop(name)


def test_only_folders_of_ours_are_cleaned(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    with pytest.raises(ValueError, match="not a temporary folder of Seatrial"):
        watcher_program.clean(str(kept))
    assert kept.is_dir()
