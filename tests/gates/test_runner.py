"""Gates side by side: the plan, cancellation, and that nothing stays alive or lying about."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gates.conftest import settings, write

from seatrial.config import Deadlines
from seatrial.gates import GATES, GateResult, run_gates, start_gates
from seatrial.gates.exits import EXIT_CODES
from seatrial.gates.processes import run
from seatrial.gates.sources import Sources, tidy
from seatrial.model.outcomes import ToolState

# Starts a child in its own process group and hangs; both write down who they are.
HANGS = """
import os, pathlib, subprocess, sys, time
here = pathlib.Path(os.environ["PIDS"])
def test_hang():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (here / "child").write_text(str(child.pid))
    (here / "suite").write_text(str(os.getpid()))
    time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@pytest.fixture
def pids(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pids"
    folder.mkdir()
    monkeypatch.setenv("PIDS", str(folder))
    write(project, {"tests/test_hang.py": HANGS})
    return folder


def numbers(folder: Path) -> list[int]:
    return [int((folder / name).read_text()) for name in ("child", "suite")]


def started(folder: Path) -> bool:
    return (folder / "suite").exists() and (folder / "suite").read_text() != ""


def test_all_gates_in_their_order(project: Path) -> None:
    said: list[str] = []
    results = run_gates(settings(project, *GATES), root=project, copy=project, only=None, on_progress=said.append)
    assert [result.run.name for result in results] == list(GATES)
    assert {result.run.state for result in results} == {ToolState.OK}
    assert sorted(line.split(":")[0] for line in said) == sorted(GATES)


def test_only_what_is_asked_for_and_not_off(project: Path) -> None:
    held = settings(project, "ruff", "mypy")
    assert [r.run.name for r in run_gates(held, root=project, copy=None, only={"ruff", "SQL", "bandit"})] == ["ruff"]
    assert run_gates(held, root=project, copy=None, only=set()) == []


def test_one_gate_that_breaks_leaves_the_others(project: Path) -> None:
    write(project, {"mypy.ini": "[mypy]\nstrict = maybe\n"})
    ruff, mypy = run_gates(settings(project, "ruff", "mypy"), root=project, copy=None)
    assert (ruff.run.state, mypy.run.state) == (ToolState.OK, ToolState.BROKEN)


def test_a_mistake_of_ours_is_broken_not_silent(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(bench: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("seatrial.gates.runner.ADAPTERS", {"ruff": stumble})
    (result,) = run_gates(settings(project, "ruff"), root=project, copy=None, on_progress=lambda _: 1 / 0)  # type: ignore[arg-type]
    assert result.run.state is ToolState.BROKEN
    assert "ZeroDivisionError" in result.run.message


def test_gates_run_at_the_same_time(project: Path, pids: Path) -> None:
    """mypy ends while the suite still hangs, so neither waits for the other."""
    said: list[str] = []
    held = settings(project, "mypy", "pytest")
    with start_gates(held, root=project, copy=project, on_progress=said.append) as handle:
        assert until(lambda: started(pids) and any(line.startswith("mypy: clean") for line in said))
        handle.cancel()


def test_cancel_ends_all_children(project: Path, pids: Path) -> None:
    handle = start_gates(settings(project, "pytest"), root=project, copy=project)
    assert until(lambda: started(pids))
    assert all(alive(pid) for pid in numbers(pids))
    handle.cancel()
    assert not any(alive(pid) for pid in numbers(pids))
    (result,) = handle.wait()
    assert result.run.state is ToolState.BROKEN
    assert "was stopped before it finished" in result.run.message
    handle.cancel()


def test_an_exception_in_the_block_ends_the_gates(project: Path, pids: Path) -> None:
    with pytest.raises(LookupError), start_gates(settings(project, "pytest"), root=project, copy=project):  # noqa: PT012
        assert until(lambda: started(pids))
        raise LookupError
    assert not any(alive(pid) for pid in numbers(pids))


def test_a_timeout_ends_all_children(project: Path, pids: Path) -> None:
    results: list[GateResult] = []
    held = settings(project, "pytest", deadlines=Deadlines(tool_s=3.0))
    results += run_gates(held, root=project, copy=project)
    assert "did not finish within 3 s" in results[0].run.message
    assert started(pids)
    assert not any(alive(pid) for pid in numbers(pids))


DRIVER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from gates.conftest import settings
from seatrial.gates import run_gates
root = Path(sys.argv[1])
try:
    run_gates(settings(root, "pytest", "mypy"), root=root, copy=root)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise SystemExit(130)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130)])
def test_an_interruption_ends_all_children(project: Path, pids: Path, number: int, code: int) -> None:
    tests = str(Path(__file__).resolve().parents[1])
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(project), tests], stdout=subprocess.PIPE, start_new_session=True
    )
    assert until(lambda: started(pids))
    driver.send_signal(number)
    out, _ = driver.communicate(timeout=20)
    assert (driver.returncode, out) == (code, b"interrupted\n")
    assert not any(alive(pid) for pid in numbers(pids))


def test_an_exit_without_wait_ends_all_children(project: Path, pids: Path) -> None:
    source = DRIVER.replace("run_gates(settings", "h = start_gates(settings").replace(
        "import run_gates", "import start_gates"
    )
    source += "\nimport time, os\nsuite = Path(os.environ['PIDS']) / 'suite'\n"
    source += "while not (suite.exists() and suite.read_text()): time.sleep(0.02)\n"
    tests = str(Path(__file__).resolve().parents[1])
    subprocess.run([sys.executable, "-c", source, str(project), tests], check=True, timeout=40)
    assert not any(alive(pid) for pid in numbers(pids))


def test_a_grandchild_that_outlives_the_tool_is_ended(tmp_path: Path) -> None:
    command = ["sh", "-c", "sleep 600 & echo $!"]
    finished = run(command, cwd=tmp_path, env=os.environ, timeout_s=20, cancel=threading.Event())
    assert finished.code == 0
    assert not alive(int(finished.stdout))


def test_a_process_that_ignores_the_polite_signal_is_ended(tmp_path: Path) -> None:
    command = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    finished = run(command, cwd=tmp_path, env=os.environ, timeout_s=0.3, cancel=threading.Event())
    assert (finished.timed_out, finished.code) == (True, -signal.SIGKILL)


def test_the_table_has_no_code_but_clean_and_findings() -> None:
    assert set(EXIT_CODES) == set(GATES)
    for codes in EXIT_CODES.values():
        assert codes == {0: ToolState.OK, 1: ToolState.FINDINGS}


class TestSources:
    def test_paths(self, tmp_path: Path) -> None:
        real, link = tmp_path / "real", tmp_path / "link"
        real.mkdir()
        link.symlink_to(real)
        (real / "outside.py").symlink_to("/etc/hosts")
        sources = Sources(link)
        assert sources.relative("./a/../b.py") == "b.py"
        assert sources.relative(str(real / "b.py")) == "b.py"
        assert sources.relative(str(link / "b.py")) == "b.py"
        assert sources.relative("outside.py") == "outside.py"
        assert sources.relative("../b.py") is None
        assert sources.relative(str(tmp_path / "real-not/b.py")) is None

    def test_lines_are_counted_as_tools_count_them(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_bytes(b"a\r\nb\x0cb\n\xff\xe2\x80\xa8c\rd")
        sources = Sources(tmp_path)
        assert sources.place("a.py", 2).text == "b\x0cb"
        assert sources.place("a.py", 3).text == "\udcff\u2028c"
        assert sources.place("a.py", 4).text == "d"
        assert (sources.place("a.py", 0).text, sources.place("a.py", 9).text, sources.place("x.py", 1).text) == (
            "",
            "",
            "",
        )

    def test_tidy(self, tmp_path: Path) -> None:
        assert tidy(f"in {tmp_path}/a/b.py:\n  {tmp_path}", [tmp_path]) == "in a/b.py: ."
        assert tidy("GET /items/3 https://x/y") == "GET /items/3 https://x/y"
        assert len(tidy("x" * 1000)) == 300
