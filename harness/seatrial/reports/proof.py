"""What proves one finding, taken apart for a page: statement, slope, source, states, requests, what else is known."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial import rules
from seatrial.reports.charts import Chart, Line
from seatrial.reports.excerpts import Excerpt, Source
from seatrial.reports.rows import Row, files

EXCERPTS = 3
BOUNDARIES = 60
_SHOWN_APART = {
    *("sql", "rows", "statements", "sizes", "difference", "differences", "boundaries", "boundary", "requests"),
    *("places", "template", "templates", "again", "answers"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two states. `kind`: `more`, `less` or `other`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of the evidence; `long` where it wants a block of its own."""

    name: str
    text: str
    long: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """One finding with everything that a sceptic asks for."""

    row: Row
    claim: str
    statement: str
    chart: str
    """SVG, complete and escaped; empty where nothing grew."""
    points: tuple[tuple[int, int], ...]
    """(rows, statements), or (copies, rows) where a list has no end."""
    axes: tuple[str, str]
    slope: str
    excerpts: tuple[Excerpt, ...]
    changes: tuple[Change, ...]
    crash: str
    """What was done to the delivery, as the end of a sentence."""
    boundaries: tuple[tuple[str, bool], ...]
    """(what a clean delivery crosses, it was here)."""
    answers: str
    requests: tuple[Mapping[str, Any], ...]
    facts: tuple[Fact, ...]


def proof(row: Row, source: Source, *, prefix: str = "") -> Proof:
    known = rules.find(row.rule)
    evidence = row.evidence
    points, axes = _points(evidence)
    places = [(row.path, row.line)] if row.exact else []
    sql = evidence.get("sql")
    return Proof(
        row=row,
        claim=known.claim if known else "",
        statement=sql if isinstance(sql, str) else "",
        chart=_chart(row, points, axes) if points else "",
        points=points,
        axes=axes,
        slope=f"{evidence['slope']:g}" if points and isinstance(evidence.get("slope"), int | float) else "",
        excerpts=tuple(source.first([*places, *files(row, prefix)], EXCERPTS)),
        changes=tuple(_change(text) for text in _texts(evidence.get("difference") or evidence.get("differences"))),
        crash=_text(evidence.get("boundary")),
        boundaries=_boundaries(evidence),
        answers=", ".join(_answer(status) for status in _list(evidence.get("answers"))),
        requests=tuple(
            {**one, "told": _came_back(one)} for one in _list(evidence.get("requests")) if isinstance(one, Mapping)
        ),
        facts=tuple(_fact(name, value) for name, value in evidence.items() if name not in _shown_apart(evidence)),
    )


def _shown_apart(evidence: Mapping[str, Any]) -> set[str]:
    """Names of the evidence that stand elsewhere on the page, as far as they have the shape for it."""
    shapes = {"rows": list, "statements": list, "sizes": list, "sql": str, "answers": list}
    return {name for name in _SHOWN_APART if isinstance(evidence.get(name), shapes.get(name, object))}


def _points(evidence: Mapping[str, Any]) -> tuple[tuple[tuple[int, int], ...], tuple[str, str]]:
    """Statements over rows (SQL001), or rows over copies (SQL005); none where nothing grew."""
    rows, statements, sizes = (_numbers(evidence.get(name)) for name in ("rows", "statements", "sizes"))
    grown = evidence.get("grown")
    table = grown if isinstance(grown, str) and grown else "the tables it reads"
    if rows and len(rows) == len(statements):
        return tuple(zip(rows, statements, strict=True)), (f"rows of {table}", "statements")
    if rows and len(sizes) == len(rows):
        return tuple(zip(sizes, rows, strict=True)), ("copies of each row", "rows fetched")
    return (), ("", "")


def _chart(row: Row, points: Sequence[tuple[int, int]], axes: tuple[str, str]) -> str:
    last = max(x for x, _ in points)
    ticks = sorted({x for x, _ in points})
    # Close ticks would overprint each other; the table beside the picture has every number.
    apart = [x for n, x in enumerate(ticks) if n == 0 or x - ticks[n - 1] > 0.04 * last]
    told = ", ".join(f"{y:,} for {x:,}" for x, y in points)
    return Chart(
        title=f"{axes[1]} over {axes[0]}, {row.subject}: {told}",
        x_name=axes[0],
        y_name=axes[1],
        lines=(Line(axes[1], "blocking", [(float(x), float(y)) for x, y in points], dots=True),),
        x_ticks=[(float(x), f"{x:,}") for x in apart],
        x_to=float(last) or 1.0,
        linear=True,
    ).svg()


def _change(text: str) -> Change:
    if re.search(r": a row more$|\d+ more$", text):
        return Change("more", text)
    if re.search(r": (?:a row is missing|gone)$|\d+ fewer$", text):
        return Change("less", text)
    return Change("other", text)


def _boundaries(evidence: Mapping[str, Any]) -> tuple[tuple[str, bool], ...]:
    """What a clean delivery crosses, in order; the fault names the number of the one at which it was broken."""
    hit = re.search(r"@(\d+)", _text(evidence.get("fault")))
    crossed = _texts(evidence.get("boundaries"))[:BOUNDARIES]
    return tuple((one, hit is not None and one.partition(" ")[0] == hit[1]) for one in crossed)


def _answer(status: object) -> str:
    return {0: "the process died", -1: "no answer"}.get(status, str(status)) if isinstance(status, int) else str(status)


def _came_back(request: Mapping[str, Any]) -> str:
    """`400; the body of the view was not entered`, as far as it is known."""
    parts = [str(request["status"])] if request.get("status") is not None else []
    if (entered := request.get("entered")) is not None:
        parts.append(f"the body of the view was {'' if entered else 'not '}entered")
    return "; ".join([*parts, *filter(None, [_text(request.get("said"))])])


def _fact(name: str, value: Any) -> Fact:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        text = ", ".join(str(one) for one in value)
    elif isinstance(value, list) and all(isinstance(one, dict) and _flat(one) for one in value):
        text = "\n".join(", ".join(f"{key} {_word(item)}" for key, item in one.items()) for one in value)
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, indent=1)
    else:
        text = _word(value)
    return Fact(name.replace("_", " "), text, long="\n" in text or len(text) > 160)


def _flat(value: Mapping[str, Any]) -> bool:
    return not any(isinstance(item, dict | list) for item in value.values())


def _word(value: object) -> str:
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _numbers(value: object) -> list[int]:
    """A series of at least two counts, or nothing."""
    fits = isinstance(value, list) and len(value) > 1 and all(type(one) is int and one >= 0 for one in value)
    return _list(value) if fits else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
