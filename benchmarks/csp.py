"""How many Content-Security-Policies are evaluated per second, each different from all before it.

    python -m benchmarks.csp [--policies 6000] [--rounds 5]

Evaluation is what HDR002 and HDR003 ask of a response: parsing, the ways that stay open for foreign script, and the
four directives that must be restricted. The list of csp-evaluator's findings is measured apart.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import sys
import time
from collections.abc import Callable

from seatrial.rules.csp import parse_header, restricted, script_holes, weaknesses

LIMIT = 20_000
"""Policies per second."""
HUGE_LIMIT_MS = 200.0
"""For one policy of 100 kB, whatever it holds."""

SHAPES = (
    """default-src 'none'; script-src 'nonce-{0}'; style-src 'self'; img-src 'self'; connect-src 'self';
    form-action 'self' https://checkout.stripe.com; base-uri 'none'; object-src 'none'; frame-ancestors 'none'""",
    """default-src 'self'; script-src 'self' 'unsafe-inline' https://www.google-analytics.com
    https://cdnjs.cloudflare.com *.googleapis.com; style-src 'self' 'unsafe-inline' https://fonts.googleapis.com;
    font-src https://fonts.gstatic.com; img-src * data:; report-uri /csp-{0}""",
    "script-src 'nonce-{0}' 'strict-dynamic' 'unsafe-inline' https: http:; object-src 'none'; base-uri 'none'",
)
HUGE = (
    "script-src " + " ".join(f"https://cdn{n}.example/{n}/" for n in range(3700)),
    "; ".join(f"x{n}-src 'self'" for n in range(6000)),
    "script-src " + "'nonce-" * 14_000,
    "script-src " + "a." * 50_000,
    "," * 100_000,
)


def evaluate(header: str) -> None:
    policies = parse_header(header)
    script_holes(policies)
    for directive in ("object-src", "base-uri", "form-action", "frame-ancestors"):
        restricted(policies, directive)


def find(header: str) -> None:
    for policy in parse_header(header):
        weaknesses(policy)


def per_second(work: Callable[[str], None], headers: list[str]) -> float:
    """By CPU time, so that other work on the machine does not count."""
    started = time.process_time()
    for header in headers:
        work(header)
    return len(headers) / (time.process_time() - started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    kept = True
    for name, work in (("evaluated", evaluate), ("csp-evaluator's findings", find)):
        speeds = []
        for _ in range(options.rounds):
            headers = [
                " ".join(SHAPES[n % len(SHAPES)].split()).format(secrets.token_urlsafe(18))
                for n in range(options.policies)
            ]
            speeds.append(per_second(work, headers))
        median = statistics.median(speeds)
        kept = kept and median >= LIMIT
        print(f"{name:26} {median:>9,.0f} policies/s   (limit: at least {LIMIT:,})")
    slowest = max(1000 / per_second(work, [header]) for header in HUGE for work in (evaluate, find))
    kept = kept and slowest <= HUGE_LIMIT_MS
    print(f"{'slowest of 100 kB':26} {slowest:>9.1f} ms           (limit: at most {HUGE_LIMIT_MS:g})")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
