"""What a deploy job waits for: `seatrial smoke` of 50 routes on loopback, and its start until the first request.

    python -m benchmarks.smoke [--runs 7]

The server is gunicorn, two workers of four threads, with an app of 50 routes that send every header. Timed is the whole
command from outside: the start of Python, the configuration, the requests, the rules, the report. The first request is
timed by who receives it, on the same clock.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT

ROUTES = 50
WHOLE_S, FIRST_S = 1.5, 0.5
"""Limits: medians of the whole command, and of its start until the first request."""


def fifty() -> Any:
    """The app, for gunicorn."""
    from flask import Flask

    from seatrial.kit.headers import init_headers

    app = Flask(__name__)
    init_headers(app)
    for number in range(ROUTES):
        app.add_url_rule(f"/page/{number}", f"page_{number}", lambda: "<p>Rope and sails.</p>" * 200)
    app.add_url_rule("/", "home", lambda: "<p>Rope and sails.</p>")
    return app


@contextmanager
def serving() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "gunicorn", "-w", "2", "--threads", "4", "-b", f"127.0.0.1:{port}", "--log-level", "error"]
    server = subprocess.Popen([sys.executable, *command, "benchmarks.smoke:fifty()"], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
                break
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def inventory(folder: Path) -> Path:
    rows = [
        {
            "method": "GET",
            "rule": f"/page/{number}",
            "path": f"/page/{number}",
            "endpoint": f"page_{number}",
            "status": 200,
            "auth": "public",
        }
        for number in range(ROUTES)
    ]
    path = folder / "routes.json"
    path.write_text(json.dumps({"routes": rows, "login": None, "webhooks": [], "static": []}))
    (folder / "seatrial.toml").write_text('app = "fifty:create_app"\n[smoke]\nready = "/"\n')
    return path


def whole(url: str, folder: Path) -> tuple[float, float]:
    """(seconds of the command, of these from the first request to the last judgement)."""
    result = folder / "smoke.json"
    command = [sys.executable, "-m", "seatrial", "smoke", url, "--routes", str(folder / "routes.json")]
    started = time.monotonic()
    done = subprocess.run([*command, "--json", str(result)], cwd=folder, capture_output=True, text=True)
    elapsed = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"smoke ended with {done.returncode}: {done.stdout}{done.stderr}")
    document = json.loads(result.read_text())
    assert len(document["routes"]) == ROUTES
    return elapsed, document["elapsed_s"]


def first(folder: Path) -> float:
    """Seconds from the start of the command until its first request is received."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        command = [
            sys.executable,
            "-m",
            "seatrial",
            "smoke",
            url,
            "--routes",
            str(folder / "routes.json"),
            "--ready",
            "0",
        ]
        started = time.monotonic()
        smoke = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                received = time.monotonic() - started
        finally:
            smoke.kill()
            smoke.wait(20)
    return received


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs: int = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="seatrial-smoke-") as name, serving() as url:
        folder = Path(name)
        inventory(folder)
        whole(url, folder)  # the first one compiles
        wholes = [whole(url, folder) for _ in range(runs)]
        firsts = [first(folder) for _ in range(runs)]
    median, asking = (statistics.median(column) for column in zip(*wholes, strict=True))
    until_first = statistics.median(firsts)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    print(f"smoke of {ROUTES} routes, the whole command: {median:.2f} s (limit {WHOLE_S:g} s)")
    print(f"  of these from the first request to the last judgement: {asking:.2f} s")
    print(f"start until the first request: {until_first:.2f} s (limit {FIRST_S:g} s)")
    return 0 if median <= WHOLE_S and until_first <= FIRST_S else 1


if __name__ == "__main__":
    sys.exit(main())
