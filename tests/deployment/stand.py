"""Deployments of the hardened stockroom under gunicorn, sound and broken, and one smoke of each."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.certificates import Authority

from seatrial.smoke.base import parsed
from seatrial.smoke.client import Client
from seatrial.smoke.transport import anybody

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "stockroom"
INVENTORY = HERE / "routes.json"
COMMIT = "5a1e0c47d9b35f20c3b8a4f6e2d1907b6c5d4e3f"
TOKEN = "token-of-the-monitor-0123456789"

LEVELS = ("block", "warn", "info")
TEN: dict[str, tuple[str, ...]] = {
    "old commit": ("SMK004",),
    "csrf off": ("SMK010",),
    "headers lost": ("HDR001", "HDR005", "HDR006", "HDR007", "HDR008", "HDR009", "HDR010", "HDR100"),
    "limiter off": ("SMK011",),
    "N+1 introduced": ("SMK008",),
    "static missing": ("SMK006",),
    "database down": ("SMK001",),
    "debug on": ("CFG002",),
    "wrong TLS": ("SMK005",),
    "login page instead of the app": ("SMK003",),
}
"""What is broken, and the codes that say so."""

CONFIG = """
    app = "stockroom:create_app"
    [smoke]
    ready = "/readyz"
    # A machine that is busy with other tests is no broken deployment.
    timeout_s = 60
    slow_ms = 30000
    token = "env:SMOKE_TOKEN"
    ca = "{ca}"
    http = "{http}"
    skip = ["/auth/oauth/*"]
    [[smoke.routes]]
    path = "/readyz"
    json = ["status"]
    contains = "stockroom"
    [[smoke.routes]]
    path = "/items/"
    contains = ["Shea butter", "Jar 120 ml"]
    headers = {{ Cookie = "env:SMOKE_COOKIE" }}
    [[smoke.routes]]
    path = "/api/v1/items"
    json = ["items.0.name"]
    headers = {{ Cookie = "env:SMOKE_COOKIE" }}
    """


@dataclass(frozen=True)
class Ground:
    """What all deployments share."""

    folder: Path
    authority: Authority
    database: str
    cookie: str


def prepared(folder: Path) -> Ground:
    """A sown database and an authority; takes one start of the app."""
    database = f"sqlite:///{folder / 'stockroom.db'}"
    done = subprocess.run(
        [sys.executable, str(HERE / "deployed.py")],
        env=environment(DATABASE_URL=database),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Ground(folder, Authority(folder), database, done.stdout.strip().splitlines()[-1])


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "DATABASE"))}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(HERE), str(EXAMPLE)]), "PYTHONDONTWRITEBYTECODE": "1", **more}


@contextmanager
def served(ground: Ground, broken: str = "") -> Iterator[str]:
    """The address of one deployment."""
    days = -3.0 if broken == "wrong TLS" else 90.0
    issued = ground.authority.issue(f"server-{broken.replace(' ', '-') or 'sound'}", days=days)
    port = free_port()
    command = ["-m", "gunicorn", "-w", "1", "--threads", "8", "-b", f"127.0.0.1:{port}", "--log-level", "error"]
    command += [
        "--certfile",
        issued.certificate,
        "--keyfile",
        issued.key,
        "--chdir",
        str(HERE),
        "deployed:application()",
    ]
    database = f"postgresql://nobody@127.0.0.1:{free_port()}/gone" if broken == "database down" else ground.database
    started = environment(BROKEN=broken, COMMIT=COMMIT, DATABASE_URL=database, SEATRIAL_TOKEN=TOKEN)
    with (ground.folder / "gunicorn.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, *command], env=started, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _listening(server, port)
        yield f"https://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(20)


def _listening(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Its worker has loaded the app: it answers something."""
    ask = Client(parsed(f"https://127.0.0.1:{port}"), 10, anybody())
    until = time.monotonic() + 120  # a busy machine takes its time over the imports
    while time.monotonic() < until:
        assert server.poll() is None, "gunicorn has ended: see gunicorn.log"
        if ask.ask("GET", "/healthz").status:
            return
        time.sleep(0.1)
    raise AssertionError("gunicorn did not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def redirecting(target: str) -> Iterator[str]:
    """http, where one is sent to https."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", f"{target}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(frozen=True)
class Outcome:
    """What a smoke came to."""

    exit_code: int
    result: dict[str, Any]
    output: str

    @property
    def codes(self) -> set[str]:
        return {finding["rule"] for finding in self.result["findings"]}


def smoked(ground: Ground, broken: str, *options: str, ready_s: float = 60) -> Outcome:
    """One deployment served, and smoked by the command as a deploy job runs it."""
    with served(ground, broken) as url, redirecting(url) as http:
        config = ground.folder / f"smoke-{url.rpartition(':')[2]}.toml"
        lines = CONFIG.format(ca=ground.authority.file, http=http).strip().splitlines()
        config.write_text("\n".join(line.strip() for line in lines) + "\n")
        return run(ground, url, "--config", str(config), "--ready", str(ready_s), *options)


def run(ground: Ground, *words: str) -> Outcome:
    file = ground.folder / f"result-{time.monotonic_ns()}.json"
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "smoke", *words, "--routes", str(INVENTORY), "--json", str(file)],
        cwd=ground.folder,
        env={**environment(SMOKE_TOKEN=TOKEN, SMOKE_COOKIE=ground.cookie), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    result = json.loads(file.read_text()) if file.exists() else {"findings": [], "checks": []}
    return Outcome(done.returncode, result, done.stdout + done.stderr)


def shown(broken: str, outcome: Outcome) -> str:
    """A row of the table in docs/smoke.md."""
    findings = sorted(outcome.result["findings"], key=lambda f: (LEVELS.index(f["level"]), f["rule"], f["subject"]))
    blocking = [f["rule"] for f in findings if f["level"] == "block"]
    others = [f["rule"] for f in findings if f["level"] != "block"]
    codes = ", ".join(dict.fromkeys(blocking))
    if others:
        codes += f" (and {', '.join(dict.fromkeys(others))})"
    first = re.sub(r" \(\d+ tr(y|ies)\)", "", findings[0]["message"]) if findings else "nothing"
    return f"| {broken or 'nothing: sound'} | {codes or 'none'} | {outcome.exit_code} | {first} |"


def row_of(broken: str) -> str:
    """The row that the page shows."""
    begins = f"| {broken or 'nothing: sound'} |"
    lines = (HERE.parents[1] / "docs" / "smoke.md").read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith(begins)), "")


def write_table(rows: list[str]) -> None:
    page = HERE.parents[1] / "docs" / "smoke.md"
    head = "| what is broken | codes | exit | what is said first |\n|---|---|---|---|\n"
    begin, end = "<!-- ten broken deployments -->\n", "<!-- end of the table -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(
        f"{before}{begin}\n{head}" + "\n".join(rows) + f"\n\n{end}{rest.partition(end)[2]}", encoding="utf-8"
    )


def smoked_as_documented(ground: Ground, broken: str) -> Outcome:
    """With the options that the deployment asks for."""
    options = ["--expect-commit", COMMIT[:12]]
    if broken in ("", "limiter off"):
        options.append("--probe-limits")
    # What never becomes ready, or never the expected commit, is waited for as long as the budget lasts.
    return smoked(ground, broken, *options, ready_s=1.5 if broken in ("old commit", "database down") else 60)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        everything = prepared(Path(folder))
        write_table([shown(broken, smoked_as_documented(everything, broken)) for broken in ("", *TEN)])
