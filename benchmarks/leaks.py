"""The leak guard: nine published scenarios and ten others, and sound ones again and again.

    python -m benchmarks.leaks [--repeats 50] [--jobs 2]

Limits: every scenario is judged right, and no sound one is taken for a leak in any of the repeats.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.leak_scenarios import ALL, PUBLISHED, SOUND
from benchmarks.peers import ROOT


def judged(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.leak_scenarios", name], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        return {"outcome": "broken", "lines": [], "grows": [], "reason": done.stderr.strip().splitlines()[-1:]}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with ThreadPoolExecutor(options.jobs) as pool:
        first = dict(zip(ALL, pool.map(judged, ALL), strict=True))
        names = [sound.__name__ for sound in SOUND]
        again = list(itertools.islice(itertools.cycle(names), options.repeats))
        repeated = list(zip(again, pool.map(judged, again), strict=True))
    right = 0
    for name, told in first.items():
        expected = "fail" if name.startswith("leak_") else "pass"
        right += told["outcome"] == expected
        mark = "ok   " if told["outcome"] == expected else "WRONG"
        said = ", ".join(told["grows"]) or told["reason"] or ""
        print(f"  {mark} {name:14s} {told['outcome']:10s} {said} {(told['lines'] or [''])[0]}")
    published = sum(first[n]["outcome"] == ("fail" if n.startswith("leak_") else "pass") for n in PUBLISHED)
    alarms = [(name, told) for name, told in repeated if told["outcome"] != "pass"]
    for name, told in alarms:
        print(f"  false alarm: {name}: {told['outcome']} {told['grows']} {told.get('series')}")
    others = len(ALL) - len(PUBLISHED)
    print(f"scenarios judged right: {published} of {len(PUBLISHED)} published, {right - published} of {others} others")
    print(f"false alarms: {len(alarms)} in {len(repeated)} repeats of {len(SOUND)} sound ones")
    return 0 if right == len(ALL) and not alarms else 1


if __name__ == "__main__":
    sys.exit(main())
