"""What an app that could not be built may be missing."""

import re
from collections.abc import Iterable, Iterator

from seatrial.scaffold.survey import Survey
from seatrial.scaffold.variables import Need, Reading

_SHOWN = 12
_APP = "app: "
"""What a mistake begins with that the app itself has raised."""


def named(survey: Survey, mistakes: Iterable[str]) -> list[Reading]:
    """Variables that the app's own message names. Those of the database have sentences of their own."""
    # Behind the last semicolon stands our own way out.
    words = {
        word
        for one in mistakes
        if one.startswith(_APP)
        for word in re.findall(r"\w+", (one.rpartition("; ")[0] or one))
    }
    return [
        reading for name, reading in survey.variables.items() if name in words and name not in survey.database_variables
    ]


def missing(survey: Survey, written: Iterable[str], mistakes: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each thing that the source asks for and the configuration does not give.

    `written` are the variables that the configuration sets. Where the app's own message among `mistakes` names some,
    nothing else is guessed.
    """
    known, own = set(written), named(survey, mistakes)
    if own:
        yield from _named(own, known)
    else:
        yield from _variables(survey, known)
    if not survey.database.variables and (
        not own or {one.name for one in own} & {p.name for p in survey.database.parts}
    ):
        yield from _url(survey)


def _named(own: list[Reading], written: set[str]) -> Iterator[str]:
    unset = [one for one in own if one.name not in written]
    if unset:
        them = "it" if len(unset) == 1 else "them"
        yield f"the app's own message names {_listed(unset)}; set {them} under [tool.seatrial.env]"
    refused = [one for one in own if one.name in written]
    if refused:
        what = "its value" if len(refused) == 1 else "their values"
        yield f"the app's own message names {_listed(refused)}; correct {what} under [tool.seatrial.env]"


def _listed(readings: list[Reading]) -> str:
    return ", ".join(f"{one.name} ({one.place})" for one in readings)


def _variables(survey: Survey, written: set[str]) -> Iterator[str]:
    unset = [one for one in survey.variables.values() if one.name not in written and one.need is not Need.DEFAULT]
    for reading in unset:
        if reading.need is Need.REQUIRED:
            yield (
                f"{reading.name} is read at {reading.place}, has no default and is not set; "
                "set it under [tool.seatrial.env]"
            )
    empty = [one for one in unset if one.need is Need.EMPTY]
    if empty:
        more = f" and {len(empty) - _SHOWN} more" if len(empty) > _SHOWN else ""
        yield (
            f"read without a default and not set: {_listed(empty[:_SHOWN])}{more}; "
            "set what the app needs under [tool.seatrial.env]"
        )


def _url(survey: Survey) -> Iterator[str]:
    for fixed in survey.database.fixed:
        yield (
            f"the database's URL stands in the source ({fixed.name} at {fixed.place}); read it from a variable, "
            'os.environ.get("DATABASE_URL", "the URL that stands there"), and set DATABASE_URL = "{database_url}" '
            "under [tool.seatrial.env]"
        )
    if survey.database.parts:
        names = ", ".join(f"{one.name} ({one.place})" for one in survey.database.parts)
        yield (
            f"the app puts the database's URL together itself, from {names}; let it prefer a whole one from a variable "
            'such as DATABASE_URL, and set DATABASE_URL = "{database_url}" under [tool.seatrial.env]'
        )
