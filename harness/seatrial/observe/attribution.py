"""Says of one execution why the ORM sent it, by which function the app asked, and from which lines."""

import logging
from pathlib import Path
from typing import Any

from seatrial.observe import orm
from seatrial.observe.callsite import NOTED_FROM, CallSites, Origin, Trace

Note = tuple[orm.Facts | None, Trace]

_log = logging.getLogger("seatrial.observe")


class Attribution:
    """What the recorder asks (`statements.Attribution`): relationship, load, entity, function, line, template line.

    Where SQLAlchemy keeps its facts elsewhere, line and function are still named, and `fallback` says so.
    """

    def __init__(self, sites: CallSites) -> None:
        self.sites = sites
        self.fallback = orm.unreadable()
        """Empty, or why only lines and functions are named."""
        self._failed = False

    def note(self, context: Any, nth: int) -> Note:
        facts = None
        if context is not None and not self.fallback:
            try:
                facts = orm.facts(context)
            except Exception as error:  # an unforeseen statement, which the app must not notice
                self._report(error)
        return facts, self.sites.trace(NOTED_FROM)

    def read(self, note: Note) -> Origin:
        facts, trace = note
        seen = self.sites.origin(trace)
        if facts is None:
            return seen
        try:
            known = orm.describe(facts)
        except Exception as error:
            self._report(error)
            return seen
        return known._replace(place=seen.place, api=seen.api, template=seen.template)

    def _report(self, error: Exception) -> None:
        """Once: one such statement is rarely the only one."""
        if not self._failed:
            self._failed = True
            _log.warning(
                "what SQLAlchemy notes of a statement cannot be read (%s: %s): such statements are named by line and "
                "function only; report it, with the version of SQLAlchemy",
                type(error).__name__,
                error,
            )


def attribution(*roots: str | Path) -> Attribution:
    """`record(attribute=attribution("/app"))`."""
    return Attribution(CallSites(*roots))
