"""What an app that could not be built may be missing."""

from collections.abc import Iterable, Iterator

from seatrial.scaffold.survey import Survey
from seatrial.scaffold.variables import Need

_SHOWN = 12


def missing(survey: Survey, written: Iterable[str]) -> Iterator[str]:
    """A sentence for each thing that the source asks for and the configuration does not give.

    `written` are the variables that the configuration sets.
    """
    yield from _variables(survey, set(written))
    if not survey.database.variables:
        yield from _url(survey)


def _variables(survey: Survey, written: set[str]) -> Iterator[str]:
    unset = [one for one in survey.variables.values() if one.name not in written and one.need is not Need.DEFAULT]
    for reading in unset:
        if reading.need is Need.REQUIRED:
            yield (
                f"{reading.name} is read at {reading.place}, has no default and is not set; "
                "set it under [tool.seatrial.env]"
            )
    empty = [f"{one.name} ({one.place})" for one in unset if one.need is Need.EMPTY]
    if empty:
        more = f" and {len(empty) - _SHOWN} more" if len(empty) > _SHOWN else ""
        yield (
            f"read without a default and not set: {', '.join(empty[:_SHOWN])}{more}; "
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
