"""Results to render: one with something of everything, and variants of it."""

from dataclasses import replace

from verdict.builders import check, lint, route

from seatrial.model.findings import Place
from seatrial.model.outcomes import Level, Outcome, State, ToolState
from seatrial.model.requests import Request, Sent
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

EVIL = (
    "<script>alert(1)</script></script>]]>--><img src=x onerror=alert(1)>\n::error::gone\r\n| `x` ``y`` **b** "
    "[l](javascript:alert(1)) @admin #12 https://evil.example/ www.evil.example \x1b[31m\u202e{{ 7*7 }} %0A"
)
"""What an app, a colleague or an attacker could have put into any text."""


def hostile() -> Result:
    """EVIL in every text that can be in a result."""
    place = Place("app/<b>&\"'`|,: views.py", 7, EVIL)
    finding = replace(
        route(f"GET /{EVIL} x [o]", rule="SQL001", message=EVIL, remedy=EVIL, detail=EVIL, place=place),
        evidence={
            EVIL: EVIL,
            "sql": f"SELECT {EVIL}",
            "grown": EVIL,
            "rows": [1, 3, 6],
            "statements": [1, 3, 6],
            "slope": 1.0,
            "difference": [f"{EVIL}: a row more"],
            "boundaries": [f"1 {EVIL}"],
            "boundary": EVIL,
            "fault": f"{EVIL}@1",
            "nested": {"a": [{EVIL: EVIL}]},
        },
        requests=(Request("POST", f"/{EVIL}", EVIL, Sent(((EVIL, EVIL),), EVIL), EVIL, 200, True, EVIL),),
    )
    return decided(
        Result(
            target={"app": EVIL, "database": EVIL, "identities": [EVIL]},
            findings=[
                Judged(finding, State.NEW),
                Judged(lint(3, rule=f"ruff:{EVIL}", subject=EVIL, message=EVIL, path="a.py"), State.NEW),
                Judged(route("GET /y y [o]", message=EVIL), State.KNOWN),
            ],
            checks=[check("HDR001", EVIL, outcome, EVIL) for outcome in Outcome],
            routes=[RouteRow("GET", f"/{EVIL}", EVIL, EVIL, 200, 1, 1, 1.0)],
            tools=[ToolRun(EVIL, EVIL, ToolState.BROKEN, 0, 1.0, EVIL)],
            stale=[StaleEntry("baseline", EVIL, EVIL, EVIL)],
            notes=[EVIL],
            broken=[EVIL],
            inconclusive=[EVIL],
        )
    )


def many(findings: int, rules: int = 20) -> Result:
    """As many findings as a large legacy app has, with evidence of the usual size."""
    sql = "SELECT item.id, item.name, item.quantity FROM item WHERE item.supplier_id = ? ORDER BY item.id LIMIT 50"
    found = []
    for n in range(findings):
        subject = f"GET /area{n % 500}/items/{n % 37} items.page{n} [owner]"
        one = route(
            subject,
            rule=f"SQL{n % rules + 1:03}",
            level=(Level.BLOCK, Level.WARN, Level.INFO)[n % 3],
            message=f"Limited to a fixed number of statements but sent {n % 9}.0 per item row: Item.lots, lazy load",
            remedy="selectinload(Item.lots) on the query of the page",
            detail=f"d{n}",
            place=Place(f"app/area{n % 500}/views.py", n % 400 + 1, f"for lot in item{n}.lots:"),
        )
        evidence = {
            "sql": f"{sql} -- {n}",
            "grown": "item",
            "sizes": [0, 2, 5, 11],
            "rows": [1, 3, 6, 12],
            "statements": [1, 3, 6, 12],
            "slope": 1.0,
            "places": [f"app/area{n % 500}/views.py:{n % 400 + 1}"],
        }
        asked = (Request("GET", f"/area{n % 500}/items/{n % 37}", "owner", case="again while the tables grow"),)
        state = State.KNOWN if n % 10 == 9 else State.NEW
        found.append(Judged(replace(one, evidence=evidence, requests=asked), state))
    return decided(
        Result(
            target={"app": "shop:create_app"},
            findings=found,
            checks=[check(judged.finding.rule, judged.finding.subject) for judged in found],
            routes=[
                RouteRow("GET", f"/area{n}/items", f"items.page{n}", "owner", 200, n % 40, n, n / 7)
                for n in range(1000)
            ],
        )
    )
