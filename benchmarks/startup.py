#!/usr/bin/env python3
"""What it costs to ask: `seatrial --help`, and `import seatrial` over a Python that imports nothing.

    python -m benchmarks.startup [--pairs 21]

Processes in turn, every second pair in reverse order; the limits hold for the median processor time of the whole
process, Python's own start included in the first and taken off in the second. The clock on the wall is shown beside,
and what click alone takes: it is most of the first.

Exit code 1 above 100 ms, or above 5 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP_MS = 100.0
IMPORT_MS = 5.0
LEAST_PAIRS = 15
COMMANDS = {
    "bare": [sys.executable, "-c", "pass"],
    "click": [sys.executable, "-c", "import click"],
    "import": [sys.executable, "-c", "import seatrial"],
    "help": [str(Path(sys.executable).parent / "seatrial"), "--help"],
}


def run(command: list[str], folder: str) -> tuple[float, float]:
    """Milliseconds of (processor, wall)."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output.decode(errors='replace')}")
    return (usage.ru_utime + usage.ru_stime) * 1000, wall * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=21, help=f"at least {LEAST_PAIRS} (default: 21)")
    pairs = max(parser.parse_args().pairs, LEAST_PAIRS)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="seatrial-startup-") as folder:
        for command in COMMANDS.values():
            run(command, folder)  # compiles what is not compiled yet
        for pair in range(pairs):
            for name in COMMANDS if pair % 2 else reversed(COMMANDS):
                measured[name].append(run(COMMANDS[name], folder))
    print(f"{pairs} pairs, median ms")
    print(f"{'':12}{'processor':>12}{'wall':>12}")
    for name, times in measured.items():
        print(f"{name:12}" + "".join(f"{statistics.median(one[kind] for one in times):12.1f}" for kind in (0, 1)))
    shown = statistics.median(processor for processor, _ in measured["help"])
    over = statistics.median(
        ours - bare for (ours, _), (bare, _) in zip(measured["import"], measured["bare"], strict=True)
    )
    missed = 0
    for what, value, limit in (("seatrial --help", shown, HELP_MS), ("import over bare", over, IMPORT_MS)):
        missed += value > limit
        print(f"{what}: {value:.1f} ms, limit {limit:g}: {'kept' if value <= limit else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
