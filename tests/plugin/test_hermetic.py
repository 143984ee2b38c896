"""`seatrial check` and the pytest it starts: whatever ends one of them, nothing stays behind and nothing is a pass."""

import contextlib
import json
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import support

from seatrial.rules import registered

from .conftest import CHECKS, GUARDS, OF_A_ROUTE, SOUND


def by_guards(told: dict[str, Any]) -> int:
    """Checks that guards answer for: the static rules have others."""
    static = {rule.code for rule in registered() if rule.static}
    return sum(check["rule"] not in static for check in told["checks"])


@pytest.fixture
def slow(shop, tmp_path):
    """A project whose page /about hangs once the guards have been planned, and a file that says that it does."""
    reached, planned = tmp_path / "reached", tmp_path / "planned"
    app = SOUND.replace(
        '            return "<p>about</p>"',
        f"""            import pathlib, time
            if pathlib.Path({str(planned)!r}).exists():
                pathlib.Path({str(reached)!r}).touch()
                time.sleep(60)
            return "<p>about</p>" """,
    )
    trial = f"import pathlib\n\ndef pytest_collection_finish():\n    pathlib.Path({str(planned)!r}).touch()\n"
    more = "\n[tool.seatrial.deadlines]\nrequest_s = 90.0\ntrial_s = 90.0\n"
    return shop({"tests/trial.py": trial}, app=app, top='conftest = "tests/trial.py"\n', more=more), reached


def under_way(harbour, slow, **environment):
    """A check in the middle of its guards, with its hosts and its server."""
    root, reached = slow
    process = harbour.check(root, **environment)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not reached.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    assert reached.exists()
    assert len(named(harbour, "seatrial.host")) == 2
    return process


def named(harbour, word):
    found = []
    for process in harbour.processes():
        with contextlib.suppress(psutil.Error):
            if any(word in argument for argument in process.cmdline()):
                found.append(process)
    return found


def result(root):
    return json.loads((root.parent / "result.json").read_text())


def test_killing_the_command_ends_everything(harbour, slow):
    process = under_way(harbour, slow, SEATRIAL_DATABASE_URL="embedded")
    server = next(one for one in harbour.processes() if one.name() == "postgres" and "-D" in one.cmdline())
    data = Path(server.cmdline()[server.cmdline().index("-D") + 1])
    assert data.is_dir()
    process.kill()
    process.wait()
    started = time.monotonic()
    while harbour.processes() and time.monotonic() < started + 20:
        time.sleep(0.05)
    assert harbour.processes() == []
    assert time.monotonic() - started < 10
    assert not data.exists()


def test_ctrl_c_ends_in_one_sentence_and_leaves_nothing(harbour, slow):
    root = slow[0]
    before = support.snapshot(root)
    process = under_way(harbour, slow, SEATRIAL_DATABASE_URL="embedded")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    said = [line for line in err.splitlines() if "interrupted" in line]
    assert said == [err.splitlines()[-1]] == ["seatrial: interrupted; nothing was changed"]
    assert "Traceback" not in err
    assert harbour.left(2) == []
    assert support.snapshot(root) == before
    assert not (root.parent / "result.json").exists()


def test_a_pytest_that_dies_in_the_middle_is_broken(harbour, slow):
    process = under_way(harbour, slow)
    named(harbour, "--seatrial-stream")[0].kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    told = result(slow[0])
    assert told["verdict"] == "broken"
    assert told["outcomes"]["not_proved"] > CHECKS // 2
    assert by_guards(told) == CHECKS, "what was planned is there, run or not"
    lost = [check["reason"] for check in told["checks"] if "planned" in check["reason"]]
    assert set(lost) == {"planned, but did not run: the run ended before it reported"}
    assert told["outcomes"]["pass"] > 0, "what was reported before is kept"
    assert "the guards did not finish: pytest was killed by SIGKILL; run `seatrial check` again" in " ".join(
        out.split()
    )
    assert harbour.left(3) == []


@pytest.mark.matrix
def test_a_pytest_that_ends_with_an_error_of_its_own_is_broken(harbour, shop):
    hook = (
        "def pytest_runtest_logfinish(nodeid):\n    if 'test_errors' in nodeid:\n        raise RuntimeError('hook')\n"
    )
    root = shop({"tests/trial.py": hook}, top='conftest = "tests/trial.py"\n')
    process = harbour.check(root)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    assert "the guards did not finish: pytest ended with exit code 3" in " ".join(out.split())
    assert by_guards(result(root)) == CHECKS
    assert harbour.left(2) == []


TRIAL = """
    import pathlib
    import pytest
    from helper import SEEN

    @pytest.fixture(autouse=True)
    def around():
        with SEEN.open("a") as file:
            file.write("around\\n")

    @pytest.fixture
    def seatrial_trial(seatrial_trial):
        with SEEN.open("a") as file:
            file.write(f"{seatrial_trial.aim.id}\\n")
        return seatrial_trial
"""


@pytest.mark.matrix
def test_the_configured_conftest_and_no_other(harbour, shop, tmp_path):
    files = {
        "tests/trial.py": TRIAL,
        "tests/helper.py": f"import pathlib\nSEEN = pathlib.Path({str(tmp_path / 'seen')!r})\n",
        "conftest.py": "raise RuntimeError('of the team')\n",
        "pytest.ini": "[pytest]\naddopts = --nonsense\n",
    }
    root = shop(files, top='conftest = "tests/trial.py"\n')
    process = harbour.check(root, PYTEST_ADDOPTS="-k nothing")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen.count("around") == GUARDS
    assert len(seen) == 2 * GUARDS
    assert seen.count("GET /items/ [anonymous]") == OF_A_ROUTE
    told = result(root)
    assert by_guards(told) == CHECKS
    assert "planned, but did not run" not in json.dumps(told)
    # A rule about the whole app says itself what of it was judged; that is the check that was planned.
    about = {check["rule"]: check["subject"] for check in told["checks"] if check["rule"].startswith("CFG")}
    assert about["CFG003"] == "config SECRET_KEY"
    assert about["CFG001"] == "app"


@pytest.mark.matrix
def test_a_conftest_that_cannot_be_imported(harbour, shop):
    process = harbour.check(shop({"tests/trial.py": "import nowhere\n"}, top='conftest = "tests/trial.py"\n'))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert err.splitlines()[-1] == (
        "seatrial: conftest: tests/trial.py could not be imported (ModuleNotFoundError: No module named 'nowhere'); "
        "correct it, or delete the key `conftest` under [tool.seatrial]"
    )
    assert harbour.left() == []


@pytest.mark.matrix
def test_a_guard_that_crashes_is_broken(harbour, shop):
    trial = """
        from seatrial.plugin.guarding import Trial

        def broken(self):
            raise ValueError("no such thing")

        Trial.visit = broken
    """
    root = shop({"tests/trial.py": trial}, top='conftest = "tests/trial.py"\n')
    process = harbour.check(root)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    broken = {check["rule"] for check in result(root)["checks"] if check["outcome"] == "broken"}
    assert broken == {"SQL002", "SQL003", "SQL004", "SQL006", "SQL007", "SQL008", "SQL009"}, "what it was to judge"
    assert "the guard test_statements itself failed: ValueError: no such thing at trial.py:4" in " ".join(out.split())
