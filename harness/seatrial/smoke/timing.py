"""`Server-Timing` as the monitor sends it: `sql;dur=12.5;desc="7"`, among whatever proxies add."""

from __future__ import annotations

import re
from collections.abc import Iterable

METRIC = "sql"
_ENTRY = re.compile(r"""[^,;"\s]+(?:\s*;\s*[^,;="\s]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^,;"\s]*))?)*""")
_DESCRIPTION = re.compile(r""";\s*desc\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,;"\s]*))""", re.IGNORECASE)
_LONGEST = 4096
"""Characters that are looked at."""
_MOST = 1_000_000
"""Statements that a request may be believed to have sent."""


def statements(values: Iterable[str]) -> tuple[int | None, str]:
    """(statements, "") of the headers of an answer, or (None, why there are none)."""
    sent = list(values)
    if not sent:
        return None, "no Server-Timing was sent: is seatrial.monitor on, and is it the right token?"
    for value in sent:
        for entry in _ENTRY.findall(value[:_LONGEST]):
            if entry.partition(";")[0].strip().lower() != METRIC:
                continue
            found = _DESCRIPTION.search(entry)
            said = (found[1] or found[2] or "").strip() if found else ""
            if said.isascii() and said.isdigit() and len(said) < 9 and int(said) <= _MOST:
                return int(said), ""
            return None, "the entry sql of Server-Timing holds no number of statements: see that the monitor sends it"
    return None, "Server-Timing has no entry sql: see that no proxy replaces what the monitor sends"
