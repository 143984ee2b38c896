"""What the static rules cost, beside parsing a code base once and walking it twice.

    python -m benchmarks.static [--rounds 5] [--lines 25000]

Three limits: all Python rules on an app of 25,000 lines, against `ast.parse` and two `ast.walk` of the same files in
the same run; a tree of 250,000 lines, made of what is installed here; `seatrial check --static` on the example app,
without the tools. By processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import ast
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "stockroom"
RATIO = 1.5
"""Of parsing once and walking twice."""
LARGE_S = 8.0
LARGE_MB = 350.0
LINEAR = 1.5
"""Seconds per line on the large tree against those on a quarter of it, at most."""
EXAMPLE_S = 1.0
_JUDGE = """
import resource, sys, time
from pathlib import Path
from seatrial.cli.structure import ASKS, judged
from seatrial.model.rules import Context
from seatrial.source.structure import Survey, Wanted
started = time.process_time()
survey = Survey(Path(sys.argv[1]), Wanted())
found = list(judged(survey.structure(), Context(), {rule.code for _, rule, _, _ in ASKS}))
spent = time.process_time() - started
print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(found), len(survey.project.modules))
"""
_PEER = """
import ast, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
files = sorted(Path(sys.argv[1]).rglob("*.py"))
started = time.process_time()
trees = [ast.parse(file.read_bytes()) for file in files]
for _ in range(2):
    for tree in trees:
        for _node in ast.walk(tree):
            pass
print(time.process_time() - started)
"""


def app_of(folder: Path, lines: int) -> int:
    """An app as large as that: the legacy example over and over, each copy a package of its own."""
    written = 0
    number = 0
    while written < lines:
        copy = folder / f"part{number}"
        ignore = shutil.ignore_patterns("__pycache__", "templates", "static")
        shutil.copytree(EXAMPLE / ("stockroom_legacy" if number % 2 else "stockroom"), copy, ignore=ignore)
        for file in copy.rglob("*.py"):
            text = file.read_text().replace("stockroom_legacy", f"part{number}").replace("stockroom.", f"part{number}.")
            file.write_text(text)
            written += text.count("\n")
        number += 1
    return written


def installed(folder: Path, lines: int) -> int:
    """Packages that are installed here, the largest first, until there are as many lines."""
    site = Path(ast.__file__).parent / "site-packages"
    homes = [Path(path) for path in sys.path if path.endswith("site-packages")] or [site]
    packages = [path for home in homes for path in home.iterdir() if (path / "__init__.py").is_file()]
    sized = sorted(((sum(f.stat().st_size for f in p.rglob("*.py")), p) for p in packages), reverse=True)
    written = 0
    for _, package in sized:
        for file in sorted(package.rglob("*.py")):
            content = file.read_bytes()
            if written + content.count(b"\n") > lines:
                continue
            name = str(file.relative_to(package.parent)).replace("tests/", "examined/").replace("test_", "of_")
            copy = folder / name.replace("test/", "examined/").replace("testing/", "examined/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            written += content.count(b"\n")
    return written


def run(code: str, folder: Path) -> list[float]:
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def against_a_parse(rounds: int, lines: int) -> bool:
    with tempfile.TemporaryDirectory() as name:
        written = app_of(Path(name), lines)
        pairs = [(run(_JUDGE, Path(name)), run(_PEER, Path(name))[0]) for _ in range(rounds)]
    ratio = statistics.median(ours[0] / peer for ours, peer in pairs)
    ours, peer = statistics.median(p[0][0] for p in pairs), statistics.median(p[1] for p in pairs)
    checks = int(pairs[0][0][2])
    print(
        f"{written:>8,} lines: every rule {ours:.2f} s ({checks:,} checks), parsed once and walked twice {peer:.2f} s"
    )
    print(f"{'':>8} ratio {ratio:.2f}   (limit: {RATIO})")
    return ratio <= RATIO and checks > 100


def large() -> bool:
    found = []
    for lines in (62_500, 250_000):
        with tempfile.TemporaryDirectory() as name:
            written = installed(Path(name), lines)
            seconds, megabytes, _, files = run(_JUDGE, Path(name))
        print(f"{written:>8,} lines in {int(files):,} files: {seconds:.2f} s, {megabytes:.0f} MB", end="")
        print(f"   (limit: {LARGE_S:g} s, {LARGE_MB:g} MB)" if lines == 250_000 else "")
        found.append((written, seconds, megabytes))
    (few, short, _), (many, long, megabytes) = found
    linear = (long / many) / (short / few)
    print(f"{'':>8} time per line {linear:.2f} times that of the small tree   (limit: {LINEAR})")
    return many > 200_000 and long <= LARGE_S and megabytes <= LARGE_MB and linear <= LINEAR


def example(rounds: int) -> bool:
    """User and system time of the whole command, Python's own start included."""
    command = [sys.executable, "-m", "seatrial", "check", ".", "--static", "--skip", "ruff,mypy,bandit"]
    times = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(shutil.copytree(EXAMPLE, Path(name) / "stockroom"))
        for _ in range(rounds + 1):  # the first one compiles what is not compiled yet
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, cwd=root, check=True, capture_output=True, env={**os.environ, "CI": "1"})
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    median = statistics.median(times[1:])
    print(f"check --static on the example app, without the tools: {median:.2f} s   (limit: {EXAMPLE_S:g} s)")
    return median < EXAMPLE_S


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=25_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.monotonic()
    kept = [against_a_parse(options.rounds, options.lines), large(), example(options.rounds)]
    print(f"in {time.monotonic() - started:.0f} s")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
