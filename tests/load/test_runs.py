"""Real runs of locust on servers that misbehave: the verdict says so, and is never green."""

import os
import signal
import threading
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from load.servers import closed_port, hostile, serving, shop, short_lived

from seatrial.load.arrivals import stretches
from seatrial.load.plan import LogIn, Plan, Step, Task
from seatrial.load.run import run
from seatrial.load.verdict import LoadVerdict, judge
from seatrial.model.errors import ConfigurationError
from seatrial.model.load import LoadRun
from seatrial.stats.quantiles import Answer

# Looked for and not imported: locust patches the whole process with gevent, and with it whoever runs these tests.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="locust is not installed (extra load)")


LOGINS = {"ann": LogIn("/login", {"username": "ann", "password": "right"})}


def get(path: str, **options: Any) -> Task:
    return Task((Step("GET", path, f"GET {path}", **options),))


def planned(url: str, *tasks: Task, rate: str = "40", seconds: float = 2.0, **options: Any) -> Plan:
    options = {"kind": "even", "senders": 40, "timeout_s": 2.0, **options}
    return Plan(url, tasks, stretches(rate, seconds), "", rate=rate, **options)


def measured(plan: Plan, **options: Any) -> LoadRun:
    found = run(plan, **options)
    assert found is not None
    return found


def reasons(verdict: LoadVerdict) -> dict[str, str]:
    return {e.load.subject: " / ".join(e.load.reasons) for e in verdict.endpoints}


def test_whatever_is_wrong_with_a_server_is_named_and_never_green() -> None:
    paths = ("/ok", "/reset", "/hang", "/redirect", "/broken", "/huge", "/half")
    with hostile() as url:
        verdict = judge(measured(planned(url, *map(get, paths), rate="70", senders=120, body_limit=1024**2)))
    assert verdict.answer is not Answer.PASS
    said = reasons(verdict)
    assert said.pop("GET /ok") == ""
    assert said == {
        "GET /reset": "reset",
        "GET /hang": "timed out after 2 s",
        "GET /redirect": "answered 302 to /redirect",
        "GET /broken": "answered 500",
        "GET /huge": "longer than 1 MB",
        "GET /half": "broken off, or malformed",
    }
    for found in verdict.endpoints:
        if found.load.subject != "GET /ok":
            assert found.load.offered == found.load.failed > 0
            assert found.answer is Answer.FAIL
    generator = verdict.run.generator
    assert generator.arrivals == 140
    assert generator.settled == generator.arrivals, "every arrival is accounted for"


def test_a_server_that_refuses_fails() -> None:
    verdict = judge(measured(planned(closed_port(), get("/"), seconds=1)))
    assert verdict.answer is not Answer.PASS
    assert [found.answer for found in verdict.endpoints] == [Answer.FAIL]
    assert reasons(verdict) == {"GET /": "refused"}


@pytest.mark.matrix
def test_what_the_client_itself_cannot_send_is_a_failure_and_not_silence() -> None:
    verdict = judge(measured(planned(closed_port(), Task((Step("GET", "http://[nowhere/", "GET /"),)), seconds=1)))
    assert [found.answer for found in verdict.endpoints] == [Answer.FAIL]
    assert reasons(verdict)["GET /"].startswith("not sent: ValueError: ")


@pytest.mark.matrix
def test_a_server_that_disappears_fails() -> None:
    with short_lived(1.0) as url:
        verdict = judge(measured(planned(url, get("/"), seconds=3)))
    [found] = verdict.endpoints
    assert found.answer is Answer.FAIL
    assert 0 < found.load.failed < found.load.offered == 120


@pytest.mark.matrix
def test_what_waited_for_a_sender_counts_as_late_and_what_was_never_sent_as_failed() -> None:
    with hostile() as url:
        verdict = judge(measured(planned(url, get("/hang"), senders=2, rate="20", seconds=1)))
    [found] = verdict.endpoints
    assert found.load.offered == found.load.failed == 20
    assert set(found.load.reasons) <= {
        "timed out after 2 s",
        "never sent: every sender waited for an answer",
        "not answered when the run ended",
    }
    assert "never sent: every sender waited for an answer" in found.load.reasons


def test_users_log_in_through_the_form_send_tokens_and_a_teams_own_users_join_in(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "from locust import HttpUser, between, task\n\n\nclass Buyer(HttpUser):\n    wait_time = between(1, 5)\n\n"
        "    @task\n    def buy(self):\n        self.client.get('/basket')\n"
    )
    sell = Task(
        (
            Step("GET", "/items/{number}", "GET /items/<n> [ann]"),
            Step("POST", "/items/{number}", "POST /items/<n> [ann]", 204, {"colour": "red"}, None, "/items/1", 0.05),
        ),
        identity="ann",
        pools={"number": ["7", "8"]},
    )
    orders = Task((Step("GET", "/orders", "GET /orders [ann]", 200),), identity="ann", weight=2)
    app = shop()
    with serving(app) as url:
        plan = planned(url, sell, orders, timeout_s=20.0, logins=LOGINS)
        found = measured(plan, users=[own])
    by_subject = {endpoint.subject: endpoint for endpoint in found.endpoints}
    assert {"GET /items/<n> [ann]", "POST /items/<n> [ann]", "GET /orders [ann]", "GET /basket"} == set(by_subject)
    assert {e.failed for e in found.endpoints} == {0}, [e.reasons for e in found.endpoints]
    seen = app.extensions["seen"]
    assert seen["logins"] == 1
    assert set(seen["items"]) <= {1, 7, 8}
    assert set(seen["sold"]) == {"red"}
    assert seen["baskets"] == by_subject["GET /basket"].offered > 0
    assert found.generator.settled == found.generator.arrivals == 80
    sold = by_subject["POST /items/<n> [ann]"]
    assert sum(second.offered for second in sold.seconds.values()) == len(seen["sold"])


def test_who_cannot_log_in_gets_a_sentence_in_place_of_a_verdict() -> None:
    tasks = [Task((Step("GET", "/orders", f"GET /orders [{who}]", 200),), identity=who) for who in ("ann", "bob")]
    logins = {
        "ann": LogIn("/login", {"username": "ann", "password": "wrong"}),
        "bob": LogIn("/lost", {"username": "b"}),
    }
    with serving(shop()) as url, pytest.raises(ConfigurationError) as refused:
        run(planned(url, *tasks, logins=logins, seconds=1, timeout_s=20.0))
    assert refused.value.mistakes == (
        "could not log in as ann: POST /login ended in 200 at /login and shows the form again",
        "could not log in as bob: it redirects for ever (10 times, at last to /lost)",
    )


@pytest.mark.matrix
def test_a_worker_that_is_killed_makes_the_run_inconclusive() -> None:
    """SIGKILL to one of two: what it measured is missing, whatever the other one says."""
    asked: Counter[str] = Counter()
    with hostile(asked) as url:
        plan = planned(url, get("/ok"), rate="40", seconds=6, workers=2)
        killer = threading.Thread(target=_kill_one_worker, args=(asked,), daemon=True)
        killer.start()
        verdict = judge(measured(plan))
        killer.join(10)
    assert verdict.answer is Answer.INCONCLUSIVE
    assert any("worker" in doubt and "was lost" in doubt for doubt in verdict.doubts), verdict.doubts
    assert any("only 1 of 2 workers" in doubt for doubt in verdict.doubts)


def _kill_one_worker(asked: Counter[str]) -> None:
    """Once both send: the master has waited for them."""
    until = time.monotonic() + 60
    while time.monotonic() < until and asked["/ok"] < 40:
        time.sleep(0.05)
    children = Path(f"/proc/{os.getpid()}/task/{threading.main_thread().native_id}/children").read_text().split()
    workers = [pid for pid in children if b"--worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    os.kill(int(workers[0]), signal.SIGKILL)


@pytest.mark.matrix
def test_several_workers_send_their_shares() -> None:
    with hostile() as url:
        found = measured(planned(url, get("/ok"), rate="40", seconds=3, workers=2))
    assert (found.generator.workers, found.generator.ended) == (2, 2)
    assert found.generator.problems == ()
    assert abs(found.generator.arrivals - 120) <= 2
    assert found.generator.settled == found.generator.arrivals
    assert len(found.generator.cpu) == 2
