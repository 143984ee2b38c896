"""Shapes of N+1: which of them Seatrial and other tools find, and what they take for one.

The app is that of `tests/shapes`: each shape as a flawed route and as its sound twin, and sound pages that look like
one. Other tools see it twice: with its seed as it is, and with a seed that somebody has grown by hand to twelve of
each. Exits 1 when Seatrial misses a flawed route or convicts a sound one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy

import seatrial

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from shapes.catalogue import SHAPES, Shape  # noqa: E402
from shapes.driver import open_host  # noqa: E402

TOOLS = ("queryspy", "pytest-queryguard", "pytest-querycount", "nplus1", "nplusone")
GROWN = 12
"""Of each list in the seed that is grown by hand."""
FLAWED = [shape for shape in SHAPES if not (shape.trap or shape.unseen)]
UNSEEN = [shape for shape in SHAPES if shape.unseen]
"""A statement per value instead of per row: growth is known not to see it, which the limit leaves out."""
TRAPS = [shape for shape in SHAPES if shape.trap]


@dataclass(frozen=True)
class Result:
    """What one tool said of all routes, with one seed."""

    tool: str
    seed: str
    convicted: dict[str, bool]
    requests: int

    def count(self, kind: str, shapes: list[Shape]) -> int:
        return sum(self.convicted[f"{kind}/{shape.name}"] for shape in shapes)

    @property
    def right(self) -> bool:
        return self.count("flawed", FLAWED) == len(FLAWED) and not self.count("sound", list(SHAPES))


def ours() -> Result:
    with open_host("sqlite") as host:
        convicted = {
            f"{kind}/{shape.name}": host.judge(shape, kind).outcome == "fail"
            for shape in SHAPES
            for kind in shape.kinds
        }
        unproved = [
            f"{kind}/{shape.name}"
            for shape in SHAPES
            for kind in shape.kinds
            if host.judge(shape, kind).outcome not in ("fail", "pass")
        ]
        requests = host.requests
    if unproved:
        print(f"Seatrial could not prove: {', '.join(unproved)}")
    label = f"Seatrial {seatrial.__version__}, SQLAlchemy {sqlalchemy.__version__}"
    return Result(label, "as it is", convicted, requests)


def theirs(tool: str, python: str, factor: int, seed: str) -> Result | str:
    """Or why there is none; empty where that Python does not have the tool."""
    script = ROOT / "benchmarks" / "shapes_peer.py"
    done = subprocess.run([python, str(script), tool, str(factor)], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        return f"{tool}: broken: {done.stderr.strip().splitlines()[-1]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if not told:
        return ""
    label = f"{tool} {told['version']}, SQLAlchemy {told['sqlalchemy']}"
    if "missing" in told:
        return f"{label}: {told['missing']}"
    return Result(label, seed, told["convicted"], len(told["convicted"]))


def measured(pythons: list[str]) -> tuple[list[Result], list[str]]:
    results, missing = [ours()], []
    known: set[str] = set()
    for python in pythons:
        for tool in TOOLS:
            for factor, seed in ((1, "as it is"), (GROWN, "grown by hand")):
                told = theirs(tool, python, factor, seed)
                if isinstance(told, Result):
                    results.append(told)
                elif told and told not in missing:
                    missing.append(told)
                if told:
                    known.add(tool)
    absent = [f"{tool}: not installed" for tool in TOOLS if tool not in known]
    return results, [*missing, *absent]


def summary(results: list[Result]) -> str:
    lines = [
        "| tool | seed | per row, found | per value, found | twins convicted | look-alikes convicted | requests |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        cells = (
            r.tool,
            r.seed,
            f"{r.count('flawed', FLAWED)} of {len(FLAWED)}",
            f"{r.count('flawed', UNSEEN)} of {len(UNSEEN)}",
            f"{r.count('sound', FLAWED + UNSEEN)} of {len(FLAWED + UNSEEN)}",
            f"{r.count('sound', TRAPS)} of {len(TRAPS)}",
            str(r.requests),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def details(results: list[Result]) -> str:
    """What each tool gets wrong, by name: a table of a hundred marks would hide it."""
    lines = []
    for r in results:
        found = [shape.name for shape in FLAWED + UNSEEN if r.convicted[f"flawed/{shape.name}"]]
        missed = [shape.name for shape in FLAWED + UNSEEN if shape.name not in found]
        alarms = [shape.name for shape in SHAPES if r.convicted[f"sound/{shape.name}"]]
        lines.append(f"{r.tool}, seed {r.seed}")
        few = len(missed) <= len(found)
        lines.append(f"  missed: {', '.join(missed) or 'none'}" if few else f"  found: {', '.join(found) or 'none'}")
        lines.append(f"  false alarms: {', '.join(alarms) or 'none'}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peers", action="append", default=[], metavar="PYTHON", help="Python of an environment with other tools"
    )
    results, missing = measured(parser.parse_args().peers)
    print(summary(results))
    print()
    print(details(results))
    for text in missing:
        print(text)
    return 0 if results[0].right else 1


if __name__ == "__main__":
    sys.exit(main())
