"""The team's own pytest-benchmark tests at both revisions, in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from seatrial.model.comparison import Comparison, Side
from seatrial.stats.pairs import abba

DEADLINE_S = 600.0
_ARGUMENTS = (
    "-q",
    "--benchmark-only",
    "--benchmark-disable-gc",
    "--benchmark-min-rounds=5",
    "--benchmark-max-time=0.2",
    "-p",
    "no:cacheprovider",
    # Under xdist there are no statistics, and the tests would pass in silence.
    "-p",
    "no:xdist",
    "-o",
    "addopts=",
)


def compare(base: Path, head: Path, *, pairs: int, progress: Callable[[str], None]) -> tuple[list[Comparison], str]:
    """Per benchmark that both have; and why there is none, or empty where there is nothing to compare."""
    times: dict[str, list[list[float]]] = {}
    folders = (base, head)
    for number in range(pairs):
        for which in abba(number):
            progress(f"benchmarks: pair {number + 1} of {pairs}")
            seen, failure = _measure(folders[which])
            if failure:
                return [], f"the benchmarks at {('the base', 'head')[which]} could not be run: {failure}"
            if not seen and not number:
                return [], ""
            for name, ms in seen.items():
                times.setdefault(name, [[], []])[which].append(ms)
    found = []
    for name, (before, now) in sorted(times.items()):
        if not before or not now:
            continue  # it is new, or it is gone
        ok = Side("ok")
        found.append(Comparison(f"benchmark {name}", ok, ok, tuple(zip(before, now, strict=False))))
    return found, ""


def _measure(folder: Path) -> tuple[Mapping[str, float], str]:
    """Median in ms by benchmark; and why it failed, or empty."""
    result = folder / ".seatrial-benchmark.json"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SEATRIAL_GATE": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_ARGUMENTS, f"--benchmark-json={result}", f"--rootdir={folder}"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode == 5 or (done.returncode == 4 and "--benchmark-only" in done.stderr):
            return {}, ""  # no tests, or no pytest-benchmark
        if done.returncode:
            return {}, (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no reason"])[-1]
        if not result.exists() or not result.stat().st_size:
            return {}, ""
        told = json.loads(result.read_text())
        return {b["fullname"]: b["stats"]["median"] * 1000 for b in told.get("benchmarks", ())}, ""
    except subprocess.TimeoutExpired:
        return {}, f"pytest did not end within {DEADLINE_S:g} s"
    finally:
        result.unlink(missing_ok=True)
