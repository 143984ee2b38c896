#!/usr/bin/env python3
"""What an installed but unused plugin costs a pytest run, against a run where Seatrial is not installed.

    python -m benchmarks.idle_plugin [--pairs 21]

Two environments are made of links to what is installed here, without the pytest plugins of others; only one holds
Seatrial. Both run the same single test, in turn, every second pair in reverse order (ABBA): what disturbs hits both.
The limit holds for the median of the differences within a pair, in processor time of the whole process: on a machine
that does other work as well, the clock on the wall mostly measures that. It is shown beside it.

Exit code 1 above 5 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

LIMIT_MS = 5.0
LEAST_PAIRS = 15
ROOT = Path(__file__).resolve().parent.parent


def environment(folder: Path, *, seatrial: bool) -> Path:
    """The interpreter of a virtual environment with the packages of this one."""
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next((folder / "lib").glob("python*")) / "site-packages"
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        ours = "seatrial" in entry.name.lower()
        if ours and not (seatrial and entry.name.endswith(".dist-info")):
            continue
        points = entry / "entry_points.txt"
        if not ours and points.is_file() and "[pytest11]" in points.read_text():
            continue
        (packages / entry.name).symlink_to(entry)
    if seatrial:
        (packages / "seatrial").symlink_to(ROOT / "harness" / "seatrial")
    return folder / "bin" / "python"


def is_installed(python: Path, folder: Path) -> bool:
    """Whether pytest finds the plugin there: without that the numbers would say nothing."""
    asked = [str(python), "-m", "pytest", "--markers"]
    return "max_statements" in subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout


def run(python: Path, folder: Path) -> tuple[float, float]:
    """Milliseconds of (processor, wall) of one pytest run."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_one.py"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"pytest ended with {process.returncode}:\n{output.decode(errors='replace')}")
    return (usage.ru_utime + usage.ru_stime) * 1000, wall * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=21, help=f"at least {LEAST_PAIRS} (default: 21)")
    pairs = max(parser.parse_args().pairs, LEAST_PAIRS)
    with tempfile.TemporaryDirectory(prefix="seatrial-idle-") as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one():\n    pass\n")
        pythons = {
            "with": environment(folder / "with", seatrial=True),
            "without": environment(folder / "out", seatrial=False),
        }
        for which, python in pythons.items():
            run(python, folder)  # compiles what is not compiled yet
            if is_installed(python, folder) != (which == "with"):
                raise SystemExit(f"not proved: pytest {which} Seatrial does not see what was meant")
        measured: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
        for pair in range(pairs):
            for which in ("with", "without") if pair % 2 else ("without", "with"):
                measured[which].append(run(pythons[which], folder))
    print(f"one test, {pairs} pairs, median ms")
    print(f"{'':12}{'installed':>12}{'not':>12}{'difference':>12}{'ratio':>9}")
    differences = []
    for number, what in enumerate(("processor", "wall")):
        ours, theirs = ([times[number] for times in measured[which]] for which in ("with", "without"))
        differences.append(statistics.median(a - b for a, b in zip(ours, theirs, strict=True)))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        middle = [statistics.median(times) for times in (ours, theirs)]
        print(f"{what:12}{middle[0]:12.1f}{middle[1]:12.1f}{differences[-1]:+12.2f}{ratio:9.3f}")
    kept = differences[0] <= LIMIT_MS
    print(f"limit: {LIMIT_MS:g} ms of processor time: {'kept' if kept else 'MISSED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
