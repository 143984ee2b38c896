"""What the guards cost on the example app, against the same requests sent bare inside a host, and the start.

Limits: guards ≤ 3 × bare, discovery of the routes counted with the guards and not with the bare requests; start (two
hosts, pytest, a warm embedded server) ≤ 3 s; all of Seatrial's own processes together ≤ 500 MB. The tools (ruff, mypy,
…) are left out: they run beside the guards and their memory is their own.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from benchmarks import bare
from seatrial.cli.guards import GuardRun
from seatrial.config import Settings, load
from seatrial.database import open_databases
from seatrial.model.profiles import Profile
from seatrial.model.rules import Rule
from seatrial.plugin.aims import every_route, pages, responses
from seatrial.rules import registered
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.sweep import variants

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
FAMILIES = ("SQL", "HDR", "CKE", "CFG")
OWN_REQUESTS = {"SQL001", "SQL005", "HDR004", "HDR010", "HDR011"}
"""Rules of these families whose trials send requests that the bare ones do not contain. The other families drive
defences, each with requests of its own: growth.py, csrf.py and others measure those."""
RATIO_LIMIT, START_LIMIT_S, MEMORY_LIMIT_MB = 3.0, 3.0, 500.0


class Clock:
    """Notes when the hosts are built and logged in."""

    def __init__(self) -> None:
        self.hosts_ready = 0.0

    def stage(self, text: str) -> None:
        if text == "finding routes":
            self.hosts_ready = time.perf_counter()

    def advance(self, done: int, total: int, text: str = "") -> None:
        pass


def compared(rule: Rule) -> bool:
    """Do the bare requests contain all that its trial sends?"""
    plain = rule.family in FAMILIES and rule.code not in OWN_REQUESTS
    return not (rule.passive or rule.static or rule.command) and (plain or rule.code == "ERR005")


def guards(settings: Settings) -> tuple[float, float]:
    """(seconds to start, seconds of discovery and guards)."""
    folder = Path(tempfile.mkdtemp(prefix="seatrial-bench-"))
    try:
        clock, began = Clock(), time.perf_counter()
        rules = ",".join(rule.code for rule in registered() if compared(rule))
        run = GuardRun(settings, folder, ["--seatrial-only", rules], clock)
        collected = run.wait()
        ended = time.perf_counter()
        assert not collected.broken, collected.broken
        return clock.hosts_ready - began, ended - clock.hosts_ready
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def peak_memory(settings: Settings) -> float:
    """MB of all processes but the database server's, in a run of its own: looking costs more than what is looked at."""
    peak, stop = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch_memory, args=(peak, stop))
    watcher.start()
    try:
        guards(settings)
    finally:
        stop.set()
        watcher.join()
    return peak[0]


def _watch_memory(peak: list[float], stop: threading.Event) -> None:
    """Sum of the proportional set sizes: pages that two of our processes share count once."""
    me = psutil.Process()
    while not stop.wait(0.1):
        total = 0
        for process in [me, *me.children(recursive=True)]:
            try:
                if process.name() != "postgres":
                    total += process.memory_full_info().pss
            except psutil.Error:
                continue
        peak[0] = max(peak[0], total / 1e6)


def bare_requests(settings: Settings) -> tuple[float, int]:
    """(seconds, number) of the requests that the guards send, without anything around them."""
    seconds, count = 0.0, 0
    with open_run(settings) as run:
        inventory = prepare(run, Profile.PROTECTION, Profile.SWEEP)
        swept: bare.Planned = []
        for aim in pages(inventory):
            if aim.route is not None and aim.route.path:
                swept += [(aim.identity, "GET", aim.route.path, {})] * 2
        for aim in every_route(inventory):
            if aim.route is not None and aim.route.path:
                swept += [(aim.identity, aim.route.method, path, options) for _, path, options in variants(aim.route)]
        protected: bare.Planned = [
            (aim.identity, "GET", aim.route.path, {})
            for aim in responses(inventory)
            if aim.route is not None and aim.route.path
        ]
        for profile, planned in ((Profile.SWEEP, swept), (Profile.PROTECTION, protected)):
            seconds += run.call(profile, bare.send, 120.0, planned)
            count += len(planned)
    return seconds, count


def main() -> int:
    os.environ["PYTHONPATH"] = str(ROOT)  # so that a host can import benchmarks.bare
    starts, ratios = [], []
    with open_databases("embedded", run="warm") as server:
        os.environ["SEATRIAL_DATABASE_URL"] = server.url(server.name("warm")).replace(
            "/seatrial_warm_warm", "/postgres"
        )
        settings = load(ROOT / "examples" / "stockroom")
        for _ in range(ROUNDS):
            start_s, guards_s = guards(settings)
            bare_s, count = bare_requests(settings)
            starts.append(start_s)
            ratios.append(guards_s / bare_s)
            print(f"guards {guards_s:.2f} s, {count} requests bare {bare_s:.2f} s, start {start_s:.2f} s")
        peak_mb = peak_memory(settings)
    ratio, start_s = statistics.median(ratios), statistics.median(starts)
    print(f"guards / bare: {ratio:.2f} (limit {RATIO_LIMIT:g}), start: {start_s:.2f} s (limit {START_LIMIT_S:g} s),")
    print(f"peak memory: {peak_mb:.0f} MB (limit {MEMORY_LIMIT_MB:g} MB)")
    return int(ratio > RATIO_LIMIT or start_s > START_LIMIT_S or peak_mb > MEMORY_LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
