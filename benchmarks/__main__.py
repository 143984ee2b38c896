"""`python -m benchmarks`: every measured claim, one after the other. Exits 1 when a limit is missed.

Claims against other tools are measured beside them (see `benchmarks.peers`); where those cannot be installed, they are
printed as not proved.
"""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks import peers

ALL = (
    "recorder",
    "attribution",
    "monitor",
    "csp",
    "csrf",
    "static",
    "idle_plugin",
    "startup",
    "guards_cost",
    "gate",
    "growth",
    "shapes",
    "security_guards",
    "webhooks",
    "migrations",
    "load",
    "smoke",
    "leaks",
    "reports",
)
IN_THE_PEERS_ENVIRONMENT = ("recorder", "attribution")
"""Workers of one process tree measure ours and theirs in turn, so ours runs there, from the sources."""
WITH_PEERS_BESIDE = ("shapes",)


def command(name: str) -> list[str]:
    if name in IN_THE_PEERS_ENVIRONMENT and (interpreter := peers.python(peers.NEW)):
        return [interpreter, "-m", f"benchmarks.{name}", "--strict"]
    here = [sys.executable, "-m", f"benchmarks.{name}"]
    if name in WITH_PEERS_BESIDE:
        for folder in (peers.NEW, peers.OLD):
            if interpreter := peers.python(folder):
                here += ["--peers", interpreter]
    return here


def main(names: list[str]) -> int:
    missed = []
    environment = os.environ | {"PYTHONPATH": str(peers.ROOT / "harness")}
    for name in names or ALL:
        print(f"== {name}", flush=True)
        # A process each: what one has imported or warmed must not count for the next.
        if subprocess.run(command(name), cwd=peers.ROOT, env=environment).returncode != 0:
            missed.append(name)
    print(f"benchmarks: {'missed: ' + ', '.join(missed) if missed else 'all limits kept'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
