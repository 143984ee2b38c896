"""How many forged requests are refused per second by the hardened stockroom, the whole trial counted.

    python -m benchmarks.csrf [--rounds 3]

A pair is one unsafe route and one case that was refused. Counted is everything that a trial takes after the first
round: tokens, controls, the wire around every view, the way through the host's pipe. By the processor time of host and
runner, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model.csrf import REFERER
from seatrial.model.inventory import Inventory
from seatrial.model.profiles import Profile
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "stockroom"
LIMIT = 100
"""Refused pairs per second."""


def sweep(pilot: Pilot, inventory: Inventory, identity: str) -> int:
    """Every unsafe route once; returns the refused pairs."""
    refused = 0
    for route in inventory.routes:
        if route.safe or route.skipped or route.shadowed_by:
            continue
        found = pilot.forged(route, identity)
        refused += sum(not a.entered and not a.failure and a.case != REFERER for a in found.attempts)
    return refused


def spent(run: Run) -> float:
    """Processor seconds of this process and the hosts."""
    ticks = 0
    for pid in run.process_ids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def measure(rounds: int) -> tuple[list[float], int]:
    """Pairs per second of each round, and the pairs of one."""
    settings = load(EXAMPLE)
    speeds, pairs = [], 0
    with open_run(settings) as run:
        inventory, pilot = prepare(run, Profile.PROTECTION), Pilot(run)
        identity = settings.identities[0].name
        sweep(pilot, inventory, identity)
        for _ in range(rounds):
            before = spent(run)
            pairs = sweep(pilot, inventory, identity)
            speeds.append(pairs / (spent(run) - before))
    return speeds, pairs


def judge(speeds: list[float], pairs: int) -> int:
    """Says what was measured; 1 where the limit is missed."""
    median = statistics.median(speeds)
    print(f"refused (route, case) pairs {median:>7,.0f} per second of {pairs} pairs   (limit: at least {LIMIT})")
    return 0 if pairs and median >= LIMIT else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    return judge(*measure(parser.parse_args().rounds))


if __name__ == "__main__":
    sys.exit(main())
