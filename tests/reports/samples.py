"""Results to render: one with something of everything, and variants of it."""

from verdict.builders import check, lint, route

from seatrial.model.findings import Place
from seatrial.model.outcomes import Level, Outcome, State, ToolState
from seatrial.model.result import Judged, Result, RouteRow, StaleEntry, ToolRun
from seatrial.verdict.verdict import decide

ITEMS = "GET /items/ items.index [owner]"
LOGIN = "POST /auth/login auth.login [anonymous]"


def everything() -> Result:
    result = Result(
        target={
            "app": "stockroom:create_app",
            "profiles": ["protection", "sweep"],
            "database": "PostgreSQL 16.4",
            "identities": ["anonymous", "owner"],
        },
        findings=[
            Judged(
                route(
                    ITEMS,
                    rule="SQL001",
                    message="one SELECT per item",
                    remedy="Use selectinload().",
                    place=Place("app/templates/list.html", 31, "{{ i.supplier.name }}"),
                ),
                State.NEW,
            ),
            Judged(route(ITEMS, rule="HDR001"), State.NEW),
            Judged(route(LOGIN, rule="HDR001"), State.NEW),
            Judged(route("GET / i [anonymous]", rule="HDR001", message="old debt"), State.KNOWN),
            Judged(lint(7, level=Level.WARN), State.NEW),
            Judged(route(ITEMS, rule="HDR100", level=Level.INFO, message="grade D"), State.NEW),
        ],
        checks=[
            check("SQL001", ITEMS),
            check("HDR001", ITEMS),
            check("HDR001", LOGIN),
            check("HDR001", "GET / i [anonymous]"),
            check("HDR100", ITEMS),
            check("SQL001", LOGIN, Outcome.PASS),
            check("SQL005", ITEMS, Outcome.NOT_PROVED, "the growth did not reach it"),
            check("SQL005", LOGIN, Outcome.NOT_PROVED, "the growth did not reach it"),
            check("CSR001", "POST /logout x [owner]", Outcome.SKIPPED, "skip list: /logout"),
        ],
        routes=[RouteRow("GET", f"/r{n}", f"r{n}", "owner", 200, n, n * 2, n / 3) for n in range(12)],
        tools=[
            ToolRun("ruff", "0.17.6", ToolState.FINDINGS, 1, 0.11, level="warn"),
            ToolRun("mypy", "2.4.1", ToolState.OK, 0, 9.6),
        ],
        notes=["3 routes were left out"],
        elapsed_s=74.2,
    )
    return decided(result)


def broken() -> Result:
    result = everything()
    result.tools[1] = ToolRun("mypy", "2.4.1", ToolState.BROKEN, 3, 1.1, "exit 2: invalid syntax")
    result.checks.append(check("WHK003", "webhook /hooks", Outcome.BROKEN, "the host ended with signal 11"))
    return decided(result)


def stale() -> Result:
    result = clean()
    result.stale = [StaleEntry("baseline", "CKE003", ITEMS, "no longer found; `seatrial baseline prune` mends it")]
    return decided(result)


def inconclusive() -> Result:
    result = clean()
    result.inconclusive = ["the canary was banned"]
    return decided(result)


def clean() -> Result:
    return decided(Result(checks=[check("SQL001", LOGIN, Outcome.PASS)]))


def unproved(*, strict: bool) -> Result:
    result = everything()
    result.findings = [judged for judged in result.findings if judged.state is State.KNOWN]
    return decided(result, strict=strict)


def decided(result: Result, *, strict: bool = False) -> Result:
    result.exit_code = decide(result, strict_proof=strict)
    return result


ALL = {
    "everything": everything,
    "broken": broken,
    "stale": stale,
    "inconclusive": inconclusive,
    "clean": clean,
    "empty": lambda: decided(Result()),
    "strict": lambda: unproved(strict=True),
    "loose": lambda: unproved(strict=False),
}
