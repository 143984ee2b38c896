"""Prometheus: names, labels, bounds, several apps, several processes, the endpoint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from monitor.shops import shop
from prometheus_client import REGISTRY, CollectorRegistry

from seatrial.monitor import Monitor

TOKEN = "kM3nTq9ZzX0aB7cD"


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"seatrial_{name}", labels)


def test_what_a_request_leaves() -> None:
    registry = CollectorRegistry()
    app = shop(prometheus=True, registry=registry, slow_statement_ms=20)
    for path in ("/send/3", "/send/4", "/slow/30", "/fail/2", "/nowhere"):
        app.test_client().get(path, buffered=True)
    sent = {"app": "shop", "method": "GET", "rule": "/send/<int:count>", "status": "2xx"}
    assert value(registry, "request_statements_sum", **sent) == 7
    assert value(registry, "request_statements_count", **sent) == 2
    assert value(registry, "request_statements_bucket", **sent, le="2.0") == 0
    assert value(registry, "request_statements_bucket", **sent, le="5.0") == 2
    slow = sent | {"rule": "/slow/<int:ms>"}
    assert (
        0.03
        <= (value(registry, "request_database_seconds_sum", **slow) or 0)
        <= (value(registry, "request_seconds_sum", **slow) or 0)
    )
    assert value(registry, "slow_statements_total", app="shop", method="GET", rule="/slow/<int:ms>") == 1
    assert value(registry, "request_seconds_count", **sent | {"rule": "/fail/<int:count>", "status": "5xx"}) == 1
    assert value(registry, "request_seconds_count", **sent | {"rule": "(unmatched)", "status": "4xx"}) == 1


def test_the_default_registry_and_several_apps_in_it() -> None:
    for name in ("metrics-one", "metrics-two"):
        shop(name=name, prometheus=True).test_client().get("/send/1")
    for name in ("metrics-one", "metrics-two"):
        labels = {"app": name, "method": "GET", "rule": "/send/<int:count>", "status": "2xx"}
        assert value(REGISTRY, "request_seconds_count", **labels) == 1


def test_labels_are_bounded() -> None:
    registry = CollectorRegistry()
    app = shop(prometheus=True, registry=registry, max_routes=4)
    for number in range(30):
        app.add_url_rule(f"/page/{number}", f"page{number}", lambda: "page")
    client = app.test_client()
    for number in range(30):
        client.get(f"/page/{number}")
        client.get(f"/no/such/page/{number}", buffered=True)
        client.open("/send/1", method=f"METHOD{number}", buffered=True)
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    rules = {sample.labels["rule"] for sample in samples if "rule" in sample.labels}
    assert len(rules) == 5
    assert {"(unmatched)", "(other)"} < rules
    assert {sample.labels["method"] for sample in samples if "method" in sample.labels} == {"GET", "OTHER"}


def test_there_is_no_endpoint_unless_asked_for() -> None:
    app = shop(prometheus=True, registry=CollectorRegistry())
    assert app.test_client().get("/metrics", buffered=True).status_code == 404


@pytest.mark.parametrize(
    ("given", "status"),
    [(f"Bearer {TOKEN}", 200), (TOKEN, 401), ("Bearer wrong", 401), ("", 401), ("Bearer ü", 401)],
)
def test_the_endpoint_and_its_token(given: str, status: int) -> None:
    app = shop(prometheus=True, registry=CollectorRegistry(), metrics_path="/internal/metrics", metrics_token=TOKEN)
    app.test_client().get("/send/3")
    response = app.test_client().get("/internal/metrics", headers={"Authorization": given})
    assert response.status_code == status
    assert (b"seatrial_request_statements_sum" in response.data) is (status == 200)


def test_the_endpoint_without_a_token() -> None:
    app = shop(prometheus=True, registry=CollectorRegistry(), metrics_path="/metrics")
    response = app.test_client().get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"


WORKER = """
import os, sys
sys.path.insert(0, {tests!r})
from monitor.shops import shop
app = shop(prometheus=True, metrics_path="/metrics")
for _ in range(2):  # as a server that forks its workers
    pid = os.fork()
    if pid == 0:
        app.test_client().get("/send/3")
        os._exit(0)
    os.waitpid(pid, 0)
print(app.test_client().get("/metrics").text)
"""


def test_several_processes_are_summed(tmp_path: Path) -> None:
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", WORKER.format(tests=tests)],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    labels = 'app="shop",method="GET",rule="/send/<int:count>",status="2xx"'
    assert f"seatrial_request_statements_sum{{{labels}}} 6.0" in done.stdout


FULL = """
import os, resource, sys
sys.path.insert(0, {tests!r})
from monitor.shops import shop
app = shop(prometheus=True, slow_statement_ms=None)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # the disk is full
answers = [app.test_client().get("/send/3").status_code for _ in range(3)]
print(answers, app.extensions["seatrial.monitor"].guard.failures)
"""


def test_a_full_disk_does_not_reach_the_request(tmp_path: Path) -> None:
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(tests=tests)],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[200, 200, 200] {'metrics': 3}", done.stderr
    assert done.stderr.count("seatrial.monitor: its metrics failed") == 1


def test_a_monitor_without_metrics_asks_for_no_registry() -> None:
    app = Flask("shop")
    Monitor(app)
    assert app.extensions["seatrial.monitor"]._metrics is None
