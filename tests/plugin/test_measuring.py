"""The fixtures `response_time` and `leak_guard` in a team's own tests."""

import os
import subprocess
import sys
from pathlib import Path

from support import project

TESTS = """
    import time
    from types import SimpleNamespace

    import pytest

    KEPT = []
    LAST = []
    COUNTED = []


    def forgetful():
        LAST[:] = ["x" * 500]


    def hoarding():
        KEPT.append("x" * 500 + str(len(KEPT)))


    def test_quick(response_time):
        assert response_time(lambda: sum(range(100))) < 200


    def test_slow(response_time):
        response_time(lambda: time.sleep(0.02), limit_ms=5)


    def test_refused(response_time):
        response_time(lambda: SimpleNamespace(status_code=500))


    def test_sound(leak_guard):
        trial = leak_guard(forgetful)
        assert trial.calls >= 2 * (60 + 40 + 80)


    def test_leaking(leak_guard):
        leak_guard(hoarding)


    def small():
        COUNTED.append(len(COUNTED) + 1000)


    def test_ignored(leak_guard):
        leak_guard(small, ignore=["test_own.py:41"], windows=(40, 80, 160))


    def test_mistaken(leak_guard):
        with pytest.raises(ValueError, match="two windows"):
            leak_guard(forgetful, windows=(40,))
"""


def test_they_fail_with_what_was_measured_and_the_line(tmp_path: Path) -> None:
    root = project(tmp_path / "shop", {"test_own.py": TESTS, "pytest.ini": "[pytest]\n"}, config="")
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "seatrial.plugin", "-p", "no:cacheprovider", "-rA"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    told = done.stdout
    passed = {line.split("::")[1].split(" ")[0] for line in told.splitlines() if line.startswith("PASSED")}
    assert {"test_quick", "test_sound", "test_mistaken", "test_ignored"} == passed, told
    assert "response time: limited to 5 ms but the median of 20 warm calls was 2" in told
    assert "not measured: the call answered 500; measure a call that succeeds" in told
    assert "most of it for test_own.py:16" in told
    assert "test_own.py:16 +5" in told
    assert 'KEPT.append("x" * 500 + str(len(KEPT)))' in told
    assert "raise warmup=, or leave its line out with ignore=[…]" in told
