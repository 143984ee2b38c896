"""What a statement does to which tables, as far as its text tells: enough to put the steps of a request in order."""

from __future__ import annotations

import re

_NAME = r'(?:"?\w+"?\.)?"?(\w+)"?'
_WRITES = re.compile(rf"\b(?:insert\s+into|update|delete\s+from|merge\s+into)\s+(?:only\s+)?{_NAME}", re.IGNORECASE)
_READS = re.compile(rf"\b(?:from|join)\s+(?:only\s+)?{_NAME}", re.IGNORECASE)


def is_write(statement: str) -> bool:
    """An INSERT, UPDATE or DELETE; FOR UPDATE is none."""
    return bool(written(statement))


def written(statement: str) -> frozenset[str]:
    """Tables that a statement writes to."""
    return frozenset(_WRITES.findall(re.sub(r"\bfor\s+(no\s+key\s+)?update\b", "", statement, flags=re.IGNORECASE)))


def touched(statement: str) -> frozenset[str]:
    """Tables that it reads or writes."""
    return written(statement) | frozenset(_READS.findall(statement))
