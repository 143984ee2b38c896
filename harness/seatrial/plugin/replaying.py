"""Find again what one fingerprint stands for: nothing is stored, so that a line of a CI log is enough.

A fingerprint is a hash of a rule and of a subject, or of a line of the project. Whatever could have it is tried: first
(rule, subject) as planned, then every line of the project under every rule, else every guard of the rules selected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.model.findings import fingerprint
from seatrial.model.report import Report

Pairs = tuple[tuple[str, str], ...]
TOOL = "seatrial"
SOURCES = frozenset({".py", ".html", ".htm", ".jinja", ".jinja2", ".j2", ".xml", ".txt"})
"""Files whose lines a finding can point at: code and templates."""
LARGEST = 1024 * 1024
TELLING = 8
"""Digits of a fingerprint that none of millions of lines and rules has by accident."""
_ELSEWHERE = frozenset({"node_modules", "venv", "env", "site-packages", "__pycache__"})


@dataclass(slots=True)
class Replay:
    """What is looked for, and whether it was seen."""

    prefix: str
    number: int = 0
    """Of several findings of one fingerprint, in the order of the reports; 0: any of them."""
    means: tuple[str, ...] = ()
    """What the fingerprint was found to stand for, in words; empty: unknown until it is seen."""
    seen: bool = False
    rules: frozenset[str] = field(default=frozenset())
    """The rules that can be meant."""

    @classmethod
    def parse(cls, text: str) -> Replay:
        prefix, _, number = text.partition("#")
        return cls(prefix, int(number or 0))

    def narrow(self, plan: Mapping[str, Pairs], root: Path, subject: str = "") -> list[str]:
        """The guards that can bring it home, likeliest first.

        Args:
            plan: (rule, subject) of what each guard judges, by its id.
            root: Of the project; lines are read from its files.
            subject: Where it is known already; a rule about the whole app names its own later.
        """
        pairs = {pair for planned in plan.values() for pair in planned}
        exact = {pair for pair in pairs if self.matches(fingerprint(TOOL, pair[0], pair[1], ""))}
        self.rules = frozenset(rule for rule, _ in pairs)
        if exact:
            self.means = tuple(f"{rule} {about}" for rule, about in sorted(exact))
            return self._guards(plan, exact)
        if about := {pair for pair in pairs if pair[1] == subject}:
            return self._guards(plan, about)
        # A short prefix fits some line of a large project by accident.
        if len(self.prefix) >= TELLING and (lines := sorted(set(self._lines(root)))):
            self.means = tuple(f"{rule} at a line of {path}" for rule, path in lines)
            rules = {rule for rule, _ in lines}
            return self._guards(plan, {pair for pair in pairs if pair[0] in rules})
        return list(plan)

    def matches(self, found: str) -> bool:
        return found.startswith(self.prefix)

    def note(self, brought: Report) -> None:
        """One guard came back. Only where any finding will do, the first one ends the search."""
        self.seen = self.seen or (not self.number and any(self.matches(f.fingerprint) for f in brought.findings))

    def _guards(self, plan: Mapping[str, Pairs], wanted: set[tuple[str, str]]) -> list[str]:
        self.rules = frozenset(rule for rule, _ in wanted)
        return [nodeid for nodeid, planned in plan.items() if wanted.intersection(planned)]

    def _lines(self, root: Path) -> Iterator[tuple[str, str]]:
        """(rule, path) where a line of the project under a rule has the fingerprint."""
        for path in sources(root):
            name = path.relative_to(root).as_posix()
            for text in {" ".join(line.split()) for line in path.read_text("utf-8", "replace").splitlines()} - {""}:
                for rule in self.rules:
                    if self.matches(fingerprint(TOOL, rule, name, text)):
                        yield rule, name


def sources(root: Path) -> Iterator[Path]:
    """Code and templates of a project."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _ELSEWHERE)
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in SOURCES and path.is_file() and path.stat().st_size <= LARGEST:
                yield path
