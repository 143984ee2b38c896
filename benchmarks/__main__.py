"""`python -m benchmarks`: every measured claim, one after the other. Exits 1 when a limit is missed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALL = (
    "recorder",
    "attribution",
    "monitor",
    "csp",
    "csrf",
    "idle_plugin",
    "guards_cost",
    "growth",
    "shapes",
    "webhooks",
)


def main(names: list[str]) -> int:
    missed = []
    for name in names or ALL:
        print(f"== {name}", flush=True)
        # A process each: what one has imported or warmed must not count for the next.
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT).returncode != 0:
            missed.append(name)
    print(f"benchmarks: {'missed: ' + ', '.join(missed) if missed else 'all limits kept'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
