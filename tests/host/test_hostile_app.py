"""Whatever a route does, the trial goes on and says what happened."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support import project, snapshot

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model.evidence import Kind
from seatrial.model.inventory import Inventory
from seatrial.model.profiles import Profile
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = Path(__file__).with_name("hostile_shop.py")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(SHOP, folder / "shop.py")
    more = "[tool.seatrial.deadlines]\nrequest_s = 1.5"
    return project(folder, {"README": "the user's own file\n"}, top='seed = "shop:seed"', more=more)


@pytest.fixture(scope="module")
def before(root: Path) -> dict[str, bytes]:
    return snapshot(root)


@pytest.fixture(scope="module")
def run(root: Path, before: dict[str, bytes]) -> Run:
    with open_run(load(root)) as run:
        yield run


@pytest.fixture(scope="module")
def inventory(run: Run) -> Inventory:
    # Discovery requests every page as a stranger, so it has met all of them by now.
    return prepare(run, Profile.SWEEP)


@pytest.fixture(scope="module")
def visit(run: Run, inventory: Inventory):
    pilot = Pilot(run)

    def ask(path: str):
        return pilot.visit(inventory.by_key(f"GET {path} {path.strip('/').replace('-', '_')}"), "anonymous").warm

    return ask


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/exits", "called sys.exit('out of here')"),
        ("/dies", "the app's process ended with exit code 7"),
        ("/killed", "the app's process was killed by SIGSEGV"),
        ("/sleeps", "did not finish within 1.5 s"),
        pytest.param("/stubborn", "did not finish within 1.5 s", marks=pytest.mark.matrix),
        ("/streams", "was still streaming after 8 MB"),
    ],
)
def test_a_request_without_an_answer_says_how_it_ended(visit, path: str, said: str) -> None:
    assert said in visit(path).failure


def test_the_trial_goes_on_after_the_host_has_died(visit) -> None:
    visit("/dies")
    exchange = visit("/fine")
    assert (exchange.status, exchange.failure) == (200, "")
    assert exchange.count(Kind.SELECT) == 1


def test_an_exception_is_named_by_type_and_line_without_its_message(visit) -> None:
    exchange = visit("/raises")
    assert exchange.status == 500
    assert exchange.raised.type == "ValueError"
    assert exchange.raised.place.path == "shop.py"
    assert 'raise ValueError("secret-in-the-message")' in exchange.raised.place.text
    assert "secret-in-the-message" not in repr(exchange.headers)


def test_a_fork_in_a_view_does_not_become_a_second_host(visit, run: Run) -> None:
    exchange = visit("/forks")
    assert (exchange.status, exchange.failure) == (200, "")
    assert visit("/fine").status == 200


def test_files_go_to_the_working_copy(root: Path, run: Run, visit, before: dict[str, bytes]) -> None:
    assert visit("/writes-files").status == 200
    assert "left-behind.txt" in run.files_written()
    assert snapshot(root) == before


def test_rows_written_by_one_page_are_gone_before_the_next(visit, run: Run, inventory: Inventory) -> None:
    first = visit("/writes-rows")
    assert first.count(Kind.DML) == 1
    fresh = Pilot(run)  # remembers no visit: asks again
    route = inventory.by_key("GET /writes-rows writes_rows")
    fresh.visit(route, "anonymous")
    again = fresh.malformed(route, "anonymous")[0]
    # Cold and warm wrote one row each and were put back: the next trial starts from none.
    assert again.body_size == len(b"1\n")


def test_statements_of_a_views_own_threads_count(visit) -> None:
    assert visit("/threads").count(Kind.SELECT) == 1


def test_calls_to_the_outside_are_recorded_and_answered_by_a_stand_in(visit) -> None:
    exchange = visit("/calls-out")
    assert exchange.status == 200
    (call,) = exchange.outbound
    assert (call.host, call.path, call.answered) == ("api.example.test", "/v1/things", 200)
    assert "hidden" not in repr(replace(call, place=None))  # the place quotes the source, as every place does


def test_a_pushed_context_does_not_reach_the_next_request(visit) -> None:
    visit("/leaks-context")
    assert visit("/fine").count(Kind.SELECT) == 1


def test_prints_do_not_disturb_the_conversation(visit) -> None:
    assert visit("/prints").status == 200
    assert visit("/fine").status == 200


def test_what_leaves_the_host_carries_no_secrets(visit) -> None:
    exchange = visit("/sets-cookie")
    assert exchange.header_values("Set-Cookie")
    assert "secret-value" not in repr(exchange)
    assert "hidden-in-location" not in repr(exchange)
    assert exchange.header("Location") == "/fine?…"


def test_closing_a_run_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = """
        import subprocess, sys
        from flask import Flask

        def create_app():
            app = Flask(__name__)

            @app.get("/spawns")
            def spawns():
                subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                return "left running"

            return app
        """
    target = project(tmp_path / "target", {"shop.py": app})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with open_run(load(target)) as run:
        inventory = prepare(run, Profile.SWEEP)
        Pilot(run).visit(inventory.by_key("GET /spawns spawns"), "anonymous")
        groups = {os.getpgid(pid) for pid in run.process_ids()}
        assert len(_members(groups)) >= 2  # the host and what the app left running
    assert _members(groups) == []
    assert list(scratch.iterdir()) == []


def _members(groups: set[int]) -> list[int]:
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _group(pid) in groups]


def _group(pid: int) -> int | None:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state[0] == "Z" else int(state[2])
