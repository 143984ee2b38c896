"""The load gate against the truth: what a stall costs, what the generator costs, how often the gate is wrong.

    python -m benchmarks.load [--runs 5] [--seconds 20] [--simulated 200] [--picture FOLDER] [--json FILE]

1. An app that stands still for a second in ten. The truth is a simulation of its queue; beside ours runs a closed loop
   of locust's own fast users, as a load test is usually written.
2. Requests per processor second of the generator, beside plain FastHttpUser.
3. Simulated runs with noise: how often the gate is wrongly red on healthy ones, and wrongly green at 30 % too slow.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import math
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT
from seatrial.load.arrivals import stretches
from seatrial.load.plan import Plan, Step, Task
from seatrial.load.run import run
from seatrial.model.load import LoadRun
from seatrial.reports.charts import Chart, Line, spread
from seatrial.stats.quantiles import Answer, bucket, design_effect, exceedance, merged, quantile

RATE, WORKERS, STALL_S, PERIOD_S, SERVICE_MS = 50, 2, 1.0, 10.0, 5.0
NEAR, OFF, AS_FAST, WRONG = 0.05, 9.0, 0.9, 0.01
"""Limits: distance of our P99 to the truth, factor by which the closed loop is too low, throughput, wrong runs."""

CLOSED = """
import json, os, time
from locust import FastHttpUser, events, task
import locust.stats
locust.stats.bucket_response_time = lambda ms: round(ms, 2)

class Visitor(FastHttpUser):
    @task
    def item(self):
        self.client.get(os.environ["ASKED"], name="asked")

@events.test_start.add_listener
def begin(environment, **_):
    environment.began = (time.perf_counter(), time.process_time())

@events.quitting.add_listener
def end(environment, **_):
    entry = environment.stats.entries[("asked", "GET")]
    began, cpu = environment.began
    with open(os.environ["RESULT"], "w") as out:
        json.dump({"times": sorted(entry.response_times.items()), "cpu": time.process_time() - cpu,
                   "seconds": time.perf_counter() - began}, out)
"""


@contextmanager
def app(stall: float = 0.0) -> Iterator[str]:
    """The stalling app under gunicorn, as it is deployed most: two sync workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "STALL_SECONDS": str(stall), "STALL_PERIOD": str(PERIOD_S), "SERVICE_MS": str(SERVICE_MS)
    }  # fmt: skip
    command = ["-m", "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}", "--log-level", "error"]
    server = subprocess.Popen([sys.executable, *command, "benchmarks.stalling:app"], cwd=ROOT, env=environment)
    try:
        _answering(server, f"http://127.0.0.1:{port}/ping")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _answering(server: subprocess.Popen[bytes], url: str) -> None:
    """Every worker imports the app for itself: a few answers in a row show that they are there."""
    seen = 0
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit(f"gunicorn ended with exit code {server.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            seen += json.loads(answer.read()) == {"ok": True}
        if seen >= 10:
            return
        time.sleep(0.1)
    raise SystemExit("the app did not answer within a minute")


# ---------------------------------------------------------------------- the truth
def simulated_queue(arrivals: int = 200_000, seed: int = 1) -> dict[float, int]:
    """Latencies of the app's queue: Poisson arrivals, two workers, nobody answers during the stall."""
    source, now, found = random.Random(seed), 0.0, Counter[float]()
    free = [0.0] * WORKERS
    for _ in range(arrivals):
        now += source.expovariate(RATE)
        start = max(now, heapq.heappop(free))
        phase = start % PERIOD_S
        done = start + (STALL_S - phase if phase < STALL_S else 0.0) + SERVICE_MS / 1000
        heapq.heappush(free, done)
        found[bucket((done - now) * 1000)] += 1
    return dict(found)


# ---------------------------------------------------------------------- measured
def open_loop(url: str, path: str, rate: float, seconds: float, **options: Any) -> LoadRun:
    task = Task((Step("GET", path, f"GET {path}"),))
    plan = Plan(url, (task,), stretches(f"{rate:g}", seconds, 1), "", rate=f"{rate:g}", warm_up_s=1, **options)
    found = run(plan)
    assert found is not None
    return found


def closed_loop(url: str, path: str, seconds: float, users: int) -> dict[str, Any]:
    """Locust as it is written every day: each user sends the next request when it has the answer to the last."""
    with tempfile.TemporaryDirectory() as folder:
        file, result = Path(folder) / "closed.py", Path(folder) / "closed.json"
        file.write_text(CLOSED)
        command = ["-m", "locust", "-f", str(file), "--headless", "-u", str(users), "-r", str(users), "--host", url]
        subprocess.run(
            [sys.executable, *command, "-t", f"{seconds:g}s", "--only-summary", "--loglevel", "ERROR"],
            env=os.environ | {"ASKED": path, "RESULT": str(result)},
            capture_output=True,
            timeout=seconds + 120,
        )
        told: dict[str, Any] = json.loads(result.read_text())
    told["times"] = {float(ms): int(n) for ms, n in told["times"]}
    return told


def stalls(runs: int, seconds: float) -> dict[str, Any]:
    truth = simulated_queue()
    ours, services, last = [], [], None
    with app(STALL_S) as url:
        for _ in range(runs):
            last = open_loop(url, "/item/7", RATE, seconds, senders=80)
            [endpoint] = last.endpoints
            ours.append(quantile(merged(s.latency for s in endpoint.seconds.values()), 0.99, endpoint.failed))
            services.append(quantile(merged(s.service for s in endpoint.seconds.values()), 0.99))
        closed = closed_loop(url, "/item/7", max(seconds, 2 * PERIOD_S), users=2)
    assert last is not None
    told = quantile(closed["times"], 0.99)
    true = quantile(truth, 0.99)
    return {
        "true_p99": true, "ours_p99": statistics.median(ours), "ours": ours, "service_p99": statistics.median(services),
        "closed_p99": told, "closed_requests": sum(closed["times"].values()), "run": last, "closed": closed["times"],
        "truth": truth,
    }  # fmt: skip


def throughput(seconds: float) -> dict[str, float]:
    """Requests per processor second of the generator, against an app that is as cheap as can be."""
    with app() as url:
        plain = closed_loop(url, "/ping", seconds, users=10)
        # As busy as the other: one that wakes up for single requests cannot be compared with one that never sleeps.
        rate = sum(plain["times"].values()) / plain["seconds"]
        ours = open_loop(url, "/ping", round(rate), seconds, senders=30)
    [share] = ours.generator.cpu.values()
    elapsed = seconds + 1
    return {
        "plain": sum(plain["times"].values()) / plain["cpu"],
        "ours": ours.generator.arrivals * (elapsed / seconds) / (share * elapsed),
    }


# ---------------------------------------------------------------------- simulated runs
LIMIT_MS, SIGMA, CLUMPS, SLOWER = 200.0, 0.6, 0.03, 3.0
_NORMAL = statistics.NormalDist()
_Z = _NORMAL.inv_cdf(0.99)


def _base(true_p99: float) -> float:
    """Of latencies that are three times slower in three seconds of a hundred, with this P99 in the long run."""
    low, high = 0.1 * true_p99, true_p99
    for _ in range(60):
        middle = (low + high) / 2
        mu = math.log(middle) - SIGMA * _Z
        over = (1 - CLUMPS) * (1 - _NORMAL.cdf((math.log(true_p99) - mu) / SIGMA))
        over += CLUMPS * (1 - _NORMAL.cdf((math.log(true_p99 / SLOWER) - mu) / SIGMA))
        low, high = (middle, high) if over < 0.01 else (low, middle)
    return low


def gate(source: random.Random, true_p99: float, noise: str, *, batches: int = 3, seconds: int = 60) -> Answer:
    """What the gate says of one simulated run: up to three batches of a minute, as `seatrial load` pools them."""
    base = _base(true_p99) if noise == "clumps" else true_p99
    machine = math.exp(0.08 * source.gauss(0, 1)) if noise == "machine" else 1.0
    mu, blocks = math.log(base) - SIGMA * _Z, []
    for _ in range(batches):
        for _ in range(seconds):
            factor = machine * (SLOWER if noise == "clumps" and source.random() < CLUMPS else 1.0)
            over = sum(math.exp(mu + SIGMA * source.gauss(0, 1)) * factor > LIMIT_MS for _ in range(RATE))
            blocks.append((over, RATE))
        answer = exceedance(sum(k for k, _ in blocks), sum(n for _, n in blocks), 0.01, effect=design_effect(blocks))
        if answer is not Answer.INCONCLUSIVE:
            break
    return answer


def wrong(simulated: int) -> dict[str, dict[str, Counter[str]]]:
    source = random.Random(7)
    return {
        noise: {
            name: Counter(gate(source, true, noise).value for _ in range(simulated))
            for name, true in (("healthy", 0.75 * LIMIT_MS), ("30 % too slow", 1.3 * LIMIT_MS))
        }
        for noise in ("independent", "clumps", "machine")
    }


# ---------------------------------------------------------------------- pictures and limits
def pictures(found: dict[str, Any], folder: Path) -> None:
    """For docs/load.md: the same app as three ways of measuring see it."""
    from seatrial.load.page import _nines, _quantiles

    [endpoint] = found["run"].endpoints
    ours = merged(second.latency for second in endpoint.seconds.values())
    shown = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")]
    chart = Chart(
        "One app, three ways of measuring",
        "share of the requests",
        "milliseconds",
        (
            Line("truth", "median", _quantiles(found["truth"], 0)),
            Line("open loop", "intended", _quantiles(ours, endpoint.failed)),
            Line("closed loop", "service", _quantiles(found["closed"], 0)),
        ),
        [(_nines(share), name) for share, name in shown],
        limit=200.0,
        x_to=3.0,
    )
    _save(chart, folder / "load-distribution.svg")
    last = max(endpoint.seconds) + 1
    seconds = sorted(endpoint.seconds)
    over_time = Chart(
        "A stall, by the moment at which requests were due",
        "seconds since the load began",
        "milliseconds",
        (
            Line("P99", "intended", [(n + 0.5, quantile(endpoint.seconds[n].latency, 0.99)) for n in seconds]),
            Line("median", "median", [(n + 0.5, quantile(endpoint.seconds[n].latency, 0.5)) for n in seconds]),
        ),
        [(x, f"{x:g}") for x in spread(0, last)],
        limit=200.0,
        x_to=float(last),
    )
    _save(over_time, folder / "load-stall.svg")


STYLE = """<style>svg{background:#fff;font-family:system-ui,sans-serif}.grid{stroke:#d9dee5}.tick,.axis{font-size:12px;
fill:#5b6675}polyline{fill:none;stroke-width:2}.intended{stroke:#0b4f9e}.service{stroke:#c2620a;stroke-dasharray:6 4}
.median{stroke:#1b6e3c;stroke-width:1.4}.limit{stroke:#b3261e;stroke-dasharray:2 3}.limit-name{font-size:12px;
fill:#b3261e}</style>"""


def _save(chart: Chart, file: Path) -> None:
    picture = chart.svg().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="260" ', 1)
    head, mark, rest = picture.partition("</title>")
    file.write_text(f"{head}{mark}{STYLE}{rest}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--simulated", type=int, default=200)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    missed = []

    found = stalls(options.runs, options.seconds)
    away = abs(found["ours_p99"] / found["true_p99"] - 1)
    factor = found["true_p99"] / found["closed_p99"]
    print(f"P99 of an app that stands still for {STALL_S:g} s in {PERIOD_S:g}, at {RATE} requests per second")
    print(f"  simulated queue      {found['true_p99']:>8,.0f} ms")
    print(
        f"  ours, median of {options.runs:<5}{found['ours_p99']:>8,.0f} ms   (limit: within {NEAR:.0%}; {away:.1%} off)"
    )
    print(f"  closed loop, 2 users {found['closed_p99']:>8,.0f} ms   (limit: {OFF:g} times too low; {factor:.1f})")
    missed += ["P99 of a stall"] * (away > NEAR) + ["closed loop"] * (factor < OFF)

    speed = throughput(min(options.seconds, 10.0))
    ratio = speed["ours"] / speed["plain"]
    print("requests per processor second of the generator")
    print(f"  FastHttpUser {speed['plain']:>8,.0f}")
    print(f"  ours         {speed['ours']:>8,.0f}   (limit: at least {AS_FAST:.0%}; {ratio:.0%})")
    missed += ["throughput"] * (ratio < AS_FAST)

    told = wrong(options.simulated)
    print(f"{options.simulated} simulated runs each, limit P99 <= {LIMIT_MS:g} ms: red / inconclusive / green")
    for noise, cases in told.items():
        for name, counts in cases.items():
            said = " / ".join(f"{counts[a.value]:>4}" for a in (Answer.FAIL, Answer.INCONCLUSIVE, Answer.PASS))
            print(f"  {noise:12s} {name:14s} {said}")
        bad = cases["healthy"]["fail"], cases["30 % too slow"]["pass"]
        missed += [f"gate under {noise} noise"] * (max(bad) > WRONG * options.simulated)
    print(f"  (limit: at most {WRONG:.0%} of the healthy red, at most {WRONG:.0%} of the slow green)")

    if options.picture:
        pictures(found, options.picture)
    if options.json:
        keep = {key: value for key, value in found.items() if key not in ("run", "closed", "truth")}
        options.json.write_text(json.dumps({"stall": keep, "throughput": speed, "gate": told}, indent=2) + "\n")
    print("missed: " + ", ".join(missed) if missed else "all limits kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
