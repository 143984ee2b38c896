"""Real pytest processes on small projects, and a look at what they leave behind."""

import contextlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import support

from seatrial.model.inventory import Access, Inventory, Route
from seatrial.suites import path

SOUND = """
    from flask import Flask, jsonify, request
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()
    HEADERS = {
        "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'",
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=()",
        "X-Frame-Options": "DENY",
    }


    class Item(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(40))


    def create_app(config=None):
        app = Flask(__name__, static_folder=None)
        app.config.update(config or {})
        db.init_app(app)

        @app.after_request
        def secure(response):
            response.headers.update(HEADERS)
            return response

        @app.get("/items/")
        def items():
            return jsonify(names=[item.name for item in db.session.scalars(db.select(Item))])

        @app.get("/about")
        def about():
            return "<p>about</p>"

        return app


    def seed(app):
        db.session.add_all([Item(name="rope"), Item(name="sail")])
        db.session.commit()
"""
FLAWED = SOUND.replace("response.headers.update(HEADERS)", "pass")
"""Answers without a single security header."""
TOP = 'seed = "shop:seed"\n'
MORE = 'MAX_CONTENT_LENGTH = 1000000\nTRUSTED_HOSTS = ["localhost"]\n'
ROUTES = Inventory(
    tuple(Route("GET", rule, rule.strip("/"), path=rule, access=Access.PUBLIC) for rule in ("/items/", "/about"))
)
"""What discovery finds of either app."""


def planned() -> tuple[int, int, int]:
    """Items and checks that all guards together plan for either app, and the items of one route."""
    aims = checks = of_a_route = 0
    for file in sorted(path("guards").glob("test_*.py")):
        for function in runpy.run_path(str(file)).values():
            if (plan := getattr(function, "seatrial_plan", None)) is not None:
                found = list(plan.over(ROUTES))
                aims, checks = aims + len(found), checks + len(found) * len(plan.rules)
                of_a_route += sum(aim.route == ROUTES.routes[0] for aim in found)
    return aims, checks, of_a_route


GUARDS, CHECKS, OF_A_ROUTE = planned()


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    code: int
    out: str
    err: str

    def outcomes(self) -> dict[str, int]:
        """From pytest's last line: {"passed": 6, …}."""
        return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", self.out.splitlines()[-1])}

    def checks(self) -> dict[str, int]:
        """From Seatrial's report: {"checks": 20, "passed": 12, …}."""
        line = next((line for line in self.out.splitlines() if re.match(r"[\d,]+ checks ", line)), "")
        return {
            word: int(number) for number, word in re.findall(r"(\d+) (checks|passed|failed|not proved|broken)", line)
        }

    @property
    def one_line(self) -> str:
        """The output without the line breaks of a narrow terminal."""
        return " ".join(self.out.split())


class Harbour:
    """Starts pytest, or the command, with a temporary folder of its own that must be empty afterwards."""

    def __init__(self) -> None:
        # Not tmp_path: the account of an embedded server may not enter pytest's folders when root runs the tests.
        self.temporary = Path(tempfile.mkdtemp(prefix="harbour-")).resolve()
        self.temporary.chmod(0o755)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "SEATRIAL_", "COV_", "PG", "CI"))
        }
        self.environment |= {
            "TMPDIR": str(self.temporary),
            "COLUMNS": "200",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Other people's plugins take half a second to import; one test goes through the entry point.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def start(self, root: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
        paths = [environment.get("PYTHONPATH"), self.environment.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        return subprocess.Popen(
            command,
            cwd=root,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def check(self, root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`seatrial check` of the guards alone."""
        command = str(Path(sys.executable).with_name("seatrial"))
        tools = "ruff,mypy,bandit,pytest"
        return self.start(
            root,
            command,
            "check",
            "--skip",
            tools,
            "--json",
            str(root.parent / "result.json"),
            *arguments,
            **environment,
        )

    def run(self, root: Path, *command: str, **environment: str) -> Done:
        process = self.start(root, *command, **environment)
        out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    def pytest(self, root: Path, *arguments: str, **environment: str) -> Done:
        """pytest with our plugin and xdist, no cache."""
        plugins = ("-p", "seatrial.plugin", "-p", "xdist", "-p", "no:cacheprovider")
        return self.run(root, sys.executable, "-m", "pytest", "--color=no", *plugins, *arguments, **environment)

    def processes(self) -> list[psutil.Process]:
        """Everything alive that was started with our temporary folder, or names it."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = process.environ().get("TMPDIR", "").startswith(str(self.temporary))
                ours = ours or any(str(self.temporary) in word for word in process.cmdline())
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def left(self, within: float = 0.0) -> list[str]:
        """Processes and files that are still there after at most `within` seconds."""
        deadline = time.monotonic() + within
        while True:
            # Where pytest keeps tmp_path is pytest's own matter.
            left = [str(path) for path in self.temporary.iterdir() if not path.name.startswith("pytest-of-")]
            left += [
                f"{process.pid} {' '.join(process.cmdline())}" for process in self.processes() if process.is_running()
            ]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)


@pytest.fixture
def harbour() -> Iterator[Harbour]:
    made = Harbour()
    yield made
    for process in made.processes():
        with contextlib.suppress(psutil.Error):
            # A watcher ends by itself, and a server only by its watcher.
            if not any("watcher.py" in word or "postgres" in word for word in process.cmdline()):
                process.kill()
    deadline = time.monotonic() + 10
    while made.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(made.temporary, ignore_errors=True)


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Path]:
    """shop(files, app=SOUND): a project with that app; tests/test_headers.py is its own."""

    def write(files: dict[str, str] | None = None, *, app: str = SOUND, top: str = "", more: str = "") -> Path:
        own = {"shop.py": app, "tests/test_headers.py": "def test_of_the_team():\n    pass\n"}
        return support.project(tmp_path / "shop", own | (files or {}), top=TOP + top, more=MORE + more)

    return write
