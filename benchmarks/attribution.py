#!/usr/bin/env python3
"""What it costs to say why a statement was sent: relationship, function, app and template line, per ORM statement.

    python -m benchmarks.attribution [--rounds 100] [--n 150] [--strict] [--json FILE]

Method, workloads and peers are those of benchmarks/recorder.py, with one more workload:

    lazy  touching a relationship that was not loaded, once per object: the N+1 itself

Exit code 1 when a limit is missed on one of the two workloads:

    price   of one attribution: with every statement attributed, at most 10 µs above the recorder without attribution
    share   of what a peer costs: as the recorder does it by itself, on executions 2 to 6 of a statement, at most half
            of what the cheapest peer that names relationship and line adds to a bare statement

Peers that are not installed leave the share **not proved**: said in print, and exit code 1 with `--strict`. Beside it
stands the share with every statement attributed, as the guards do it, without a limit.
"""

import statistics
import sys

from benchmarks.recorder import BARE, EMPTY, EVERY, OURS, REPEATS, Values, above, measure, slower

PRICE_US = 10.0
SHARE_OF_PEER = 0.5
WORKLOADS = ("orm", "lazy")
PEERS = ("queryspy", "pytest-queryguard")
"""Those that name the relationship and the line."""
CONFIGURATIONS = [BARE, EMPTY, OURS, REPEATS, EVERY, *PEERS]


def judge(values: Values, absent: dict[str, str], strict: bool) -> int:
    """Print the limits and how they ended; the exit code."""
    if not all({BARE, OURS, EVERY} <= set(measured) for measured in values.values()):
        print(f"BROKEN  {absent}")
        return 1
    missed = False
    price_limit = PRICE_US * slower(values["orm"], "orm")
    for workload, measured in values.items():
        price = above(measured, EVERY, OURS)
        missed |= price > price_limit
        print(f"{_word(price > price_limit)}  {workload}: one attribution {price:+.1f} µs, limit {price_limit:+.1f} µs")
        peers = [name for name in PEERS if name in measured]
        if peers:
            cheapest = min(peers, key=lambda name: statistics.median(measured[name]))
            theirs = above(measured, cheapest, BARE)
            share, every = (above(measured, ours, BARE) / theirs for ours in (REPEATS, EVERY))
            missed |= share > SHARE_OF_PEER
            print(
                f"{_word(share > SHARE_OF_PEER)}  {workload}: {share:.2f} of {cheapest} ({theirs:+.1f} µs), "
                f"limit {SHARE_OF_PEER:.2f} ({every:.2f} with every statement attributed)"
            )
    absentees = [name for name in PEERS if name in absent]
    if absentees:
        print(f"NOT PROVED  against peers that did not run: {', '.join(absentees)} (see benchmarks/README.md)")
    return 1 if missed or (strict and absentees) else 0


def _word(missed: bool) -> str:
    return "MISSED" if missed else "held"


if __name__ == "__main__":
    sys.exit(measure(__doc__, CONFIGURATIONS, judge, WORKLOADS))
