"""xdist: the same outcomes as without it, two hosts in all, and nothing left behind."""

import re
from collections import defaultdict

import pytest

from .conftest import CHECKS, FLAWED, GUARDS

# Says which worker ran an item.
WITNESS = """
    def pytest_runtest_logreport(report):
        if report.when == "call" and hasattr(report, "node"):
            print(f"WITNESS {report.worker_id} {report.nodeid}")
"""


def outcomes(done):
    """Everything the report says, without times and places."""
    section = done.out[done.out.index("= seatrial =") :].split("\n", 1)[1].split("Routes  ")[0]
    return section, done.checks()


def items(done):
    return sorted(line.split(" - ")[0] for line in done.out.splitlines() if re.match(r"(FAILED|SKIPPED|PASSED) ", line))


def test_two_workers_bring_home_what_one_process_does(harbour, shop):
    # Without TRUSTED_HOSTS the answer to a forged Host counts, and only the controller knows a page to ask for.
    root = shop({"witness.py": WITNESS}, app=FLAWED)
    configured = (root / "seatrial.toml").read_text()
    (root / "seatrial.toml").write_text(configured.replace("TRUSTED_HOSTS =", "UNUSED ="))
    alone = harbour.pytest(root, "--seatrial", "-rA")
    both = harbour.pytest(root, "-p", "witness", "--seatrial", "-n", "2", "-rA", PYTHONPATH=".")
    assert (alone.code, both.code) == (1, 1), both.out + both.err
    assert outcomes(both) == outcomes(alone)
    assert items(both) == items(alone)
    assert harbour.left() == []
    workers: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for worker, suite in re.findall(r"WITNESS (gw\d) seatrial/test_(\w+)\.py", both.out):
        workers[suite] |= {worker}
    protection, sweep = workers["headers"], workers["queries"]
    assert len(protection) == len(sweep) == 1
    assert protection != sweep
    assert workers["cookies"] == workers["configuration"] == protection
    assert workers["errors"] == sweep


@pytest.mark.matrix
@pytest.mark.parametrize("dist", ["loadfile", "loadscope", "worksteal", "loadgroup"])
def test_other_ways_to_distribute(harbour, shop, dist):
    done = harbour.pytest(shop(), "--seatrial", "-n", "2", "--dist", dist, "tests")
    assert done.code == 0, done.out + done.err
    assert done.outcomes()["passed"] + done.outcomes()["skipped"] == GUARDS + 1
    assert done.checks()["checks"] == CHECKS


@pytest.mark.matrix
def test_workers_share_the_embedded_server(harbour, shop):
    done = harbour.pytest(shop(), "--seatrial", "-n", "2", SEATRIAL_DATABASE_URL="embedded")
    assert done.code == 0, done.out + done.err
    assert "embedded PostgreSQL" in done.out
    assert done.checks()["checks"] == CHECKS
    assert "planned, but did not run" not in done.out
    assert harbour.left(2) == []


@pytest.mark.matrix
def test_a_worker_that_dies(harbour, shop):
    dies = """
        import os, signal

        def pytest_runtest_call(item):
            if "GET /about" in item.nodeid and "test_queries" in item.nodeid:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    root = shop({"dies.py": dies})
    done = harbour.pytest(root, "-p", "dies", "--seatrial", "-n", "2", "--max-worker-restart=0", PYTHONPATH=".")
    assert done.code == 3, done.out + done.err
    assert "a pytest worker died" in done.one_line
    assert "planned, but did not run" in done.one_line
    assert done.checks()["checks"] == CHECKS
    # The killed worker could not remove its working copy; nothing of it runs.
    assert [line for line in harbour.left(2) if "seatrial-run-" not in line] == []
