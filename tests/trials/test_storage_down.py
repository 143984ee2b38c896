"""RTL007 against a real Redis that is killed: what the trial foretells by taking the storage away is what happens."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import project

from seatrial.config import load
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.observe import statements
from seatrial.rules import rtl
from seatrial.target import Target
from seatrial.trials.limits import Prober, limits
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = Path(__file__).parent / "redis_shop.py"
CONFIG = """
    [tool.seatrial]
    app = "redis_shop:create_app"
    workers = 3
    [tool.seatrial.config]
    MODE = "{mode}"
    RATELIMIT_STORAGE_URI = "{url}"
    [tool.seatrial.database]
    url = "sqlite"
    """
KEY = "GET /auth/door door"
PATIENCE_S = 20
EXPECTED = {
    # (what the rule says, statuses after the death that comes after the second of three attempts)
    "fails open": (Outcome.FAIL, [200, 200, 200, 200]),
    "fails closed": (Outcome.PASS, [500]),
    # Counts in its own memory now, from nothing: the limit holds, and once more than three get in.
    "falls back": (Outcome.PASS, [200, 200, 200, 429]),
}


def server() -> str:
    """The redis-server beside this Python, else one of the system's."""
    beside = Path(sys.executable).parent / "redis-server"
    found = str(beside) if beside.exists() else shutil.which("redis-server")
    if found is None:
        pytest.skip("there is no redis-server: apt install redis-server")
    return found


class Redis:
    """A real redis-server on a port of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}"
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
        self.process = subprocess.Popen([server(), *options], stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, "redis-server ended"
                assert time.monotonic() < end, "redis-server does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        """As the kernel does it when there is no memory left."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)


@contextmanager
def running(folder: Path) -> Iterator[Redis]:
    folder.mkdir()
    server = Redis(folder)
    try:
        yield server
    finally:
        server.kill()


def settings(root: Path, mode: str, url: str) -> Any:
    return load(project(root, {"redis_shop.py": SHOP.read_text()}, config=CONFIG.format(mode=mode, url=url)))


@pytest.mark.parametrize("mode", EXPECTED)
def test_the_trial_in_a_host_and_the_rule(mode: str, tmp_path: Path) -> None:
    with running(tmp_path / "redis") as server, open_run(settings(tmp_path / "app", mode, server.url)) as run:
        route = prepare(run, Profile.PROTECTION).by_key(KEY)
        pilot = Pilot(run)
        trial = pilot.limits(route)
        assert (trial.reachable, [attempt.status for attempt in trial.attempts]) == (True, [200, 200, 200, 429])
        assert rtl.limit_not_enforced(trial).outcome is Outcome.PASS
        assert rtl.limit_per_process(pilot.limiter()).outcome is Outcome.PASS
        assert rtl.limit_fails_open(trial).outcome is EXPECTED[mode][0]
        assert [a.status for a in pilot.limits(route).attempts][-1] == 429, "the storage is back after the trial"
        server.kill()
        lost = pilot.limits(route)
        assert not lost.reachable
        judgement = rtl.limit_fails_open(lost)
        assert judgement.outcome is Outcome.NOT_PROVED
        assert "does not answer" in judgement.reason


@pytest.mark.parametrize("mode", EXPECTED)
def test_what_the_trial_foretells_is_what_happens_when_the_server_dies(mode: str, tmp_path: Path) -> None:
    with running(tmp_path / "redis") as server:
        target, route = opened(settings(tmp_path / "app", mode, server.url))
        foretold = [attempt.status for attempt in limits(target, route).down]
        prober = Prober(target, route)
        seen = []
        for number, attempt in enumerate(prober.until_refused(6), 1):
            seen.append(attempt.status)
            if number == 2:
                server.kill()
    assert seen[:2] == [200, 200]
    assert seen[2:] == foretold == EXPECTED[mode][1]


def opened(known: Any) -> tuple[Target, Any]:
    """The app in this process: only here can a test kill the server between two attempts."""
    spec = importlib.util.spec_from_file_location("redis_shop_here", SHOP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    statements.install()
    config = known.config_for(Profile.PROTECTION, "sqlite://")
    target = Target(module.create_app(config), known, Profile.PROTECTION, "sqlite://", known.root)
    route = next(route for route in target.routes() if route.key == KEY)
    return target, route
