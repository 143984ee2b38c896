"""Hand-made evidence, for what no specimen can show."""

from typing import Any

from seatrial.model.evidence import AppFacts, Exchange, Kind, Statement
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Route

ITEMS = Route("GET", "/items/", "items", path="/items/")


def exchange(*, status: int = 200, method: str = "GET", route: Route | None = None, **facts: Any) -> Exchange:
    """An https answer of GET /items/, HTML and without headers unless said otherwise."""
    if route is None:
        route = Route(method, "/items/", "items", path="/items/")
    return Exchange(
        **{
            "route": route,
            "identity": "owner",
            "path": route.path,
            "status": status,
            "content_type": "text/html",
            "headers": (("Content-Type", "text/html"),),
        }
        | facts
    )


def answering(*headers: tuple[str, str], **facts: Any) -> Exchange:
    return exchange(headers=(("Content-Type", "text/html"), *headers), **facts)


def select(
    sql: str = "SELECT item.id FROM item", *, parameters: int = 0, rows: int | None = 1, **facts: Any
) -> Statement:
    return Statement(sql, facts.pop("fingerprint", sql), Kind.SELECT, rows, parameters=parameters, **facts)


def dml(
    sql: str = "UPDATE item SET views = ?", *, parameters: int = 0, rows: int | None = 1, **facts: Any
) -> Statement:
    return Statement(sql, facts.pop("fingerprint", sql), Kind.DML, rows, parameters=parameters, **facts)


def facts(**known: Any) -> AppFacts:
    """Of a sound app in production."""
    return AppFacts(
        **{
            "profile": "protection",
            "environment": "production",
            "secret_key_length": 64,
            "body_limit": 1024 * 1024,
            "monitors": ("seatrial.monitor",),
            "trusted_hosts": ("app.example",),
            "host_answers": {"app.example": 200, "forged-host.example": 400},
        }
        | known
    )


def levels(judgement: Judgement) -> list[str]:
    return [finding.level.value for finding in judgement.findings]


def messages(judgement: Judgement) -> str:
    return "\n".join(finding.message for finding in judgement.findings)
