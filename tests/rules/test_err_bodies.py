"""ERR001 to ERR004 on hand-made errors."""

import json

import pytest
from rules.made import exchange, messages

from seatrial.model.evidence import Exchange, Raised
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.rules import err

API = Route("GET", "/api/items/", "items", path="/api/items/")
PAGE = Route("GET", "/items/", "items", path="/items/")
JSON = (("Content-Type", "application/json"),)
HTML = (("Content-Type", "text/html"),)


def error(
    status: int = 404, shape: str = "envelope", *, route: Route = API, leaks: str = "", **facts: object
) -> Exchange:
    html = shape == "html"
    return exchange(
        **{
            "status": status,
            "route": route,
            "variant": f"a {status}",
            "headers": HTML if html else JSON,
            "content_type": "text/html" if html else "application/json",
            "body_size": 40,
            "marks": {"error-shape": shape, "error-leaks": leaks, "error-keys": "message, success"},
        }
        | facts
    )


def page(route: Route = PAGE) -> Exchange:
    return exchange(route=route)


def data(route: Route = PAGE) -> Exchange:
    return exchange(route=route, content_type="application/json", headers=JSON)


@pytest.mark.parametrize(
    ("exchanges", "outcome"),
    [
        ((error(),), Outcome.PASS),
        ((error(), error(shape="html")), Outcome.PASS),
        ((error(shape="json"),), Outcome.FAIL),
        ((error(shape="other", body_size=0),), Outcome.FAIL),
        ((error(shape="html"),), Outcome.NOT_PROVED),
        ((data(API),), Outcome.NOT_PROVED),
        # Not under /api: what the view itself answers decides.
        ((page(), error(shape="json", route=PAGE)), Outcome.SKIPPED),
        ((data(), error(shape="json", route=PAGE)), Outcome.FAIL),
        ((error(shape="json", route=PAGE),), Outcome.FAIL),
        ((error(shape="json", route=PAGE), error(400, "html", route=PAGE)), Outcome.SKIPPED),
        # What a handler answers in the view's place says nothing of the view.
        (
            (exchange(status=302), error(405, route=PAGE, marks={"error-shape": "json", "instead": "yes"})),
            Outcome.SKIPPED,
        ),
    ],
)
def test_envelope(exchanges: tuple[Exchange, ...], outcome: Outcome) -> None:
    assert err.envelope(exchanges).outcome is outcome


def test_envelope_says_what_came_instead() -> None:
    bad = (
        error(),
        error(400, "json"),
        error(415, "other", content_type="text/plain"),
        error(413, "other", body_size=0),
    )
    [finding] = err.envelope(bad).findings
    assert "but the 400 for 'a 400' is JSON with message, success (3 of 4 errors)" in finding.message
    assert [wrong["what"] for wrong in finding.evidence["wrong"]] == [
        "is JSON with message, success",
        "is text/plain",
        "has no body",
    ]
    json.dumps(dict(finding.evidence))


def test_leaks_are_judged_on_pages_too() -> None:
    assert err.leaks_internals((page(), error(shape="html", route=PAGE))).outcome is Outcome.PASS
    leaking = error(500, "html", route=PAGE, leaks="a traceback\nSQL\nthe name of an exception")
    judgement = err.leaks_internals((page(), leaking))
    assert judgement.outcome is Outcome.FAIL
    assert "shows a traceback, SQL and the name of an exception (1 of 1 errors)" in messages(judgement)


@pytest.mark.parametrize(
    ("exchanges", "outcome"),
    [
        ((error(),), Outcome.PASS),
        ((error(), error(shape="html")), Outcome.FAIL),
        ((page(), error(shape="html", route=PAGE)), Outcome.SKIPPED),
        ((data(), error(405, "html", route=PAGE)), Outcome.FAIL),
        (
            (error(400, route=PAGE), error(405, "html", route=PAGE, marks={"error-shape": "html", "instead": "yes"})),
            Outcome.FAIL,
        ),
        ((exchange(status=302, route=API),), Outcome.NOT_PROVED),
    ],
)
def test_html_for_json(exchanges: tuple[Exchange, ...], outcome: Outcome) -> None:
    assert err.html_for_json(exchanges).outcome is outcome


@pytest.mark.parametrize(
    ("exchanges", "outcome"),
    [
        ((error(405, headers=(*JSON, ("Allow", "GET"))),), Outcome.PASS),
        ((error(405),), Outcome.FAIL),
        ((error(405, headers=(*JSON, ("Retry-After", "3"))),), Outcome.FAIL),
        ((error(429, headers=(*JSON, ("retry-after", "3"))),), Outcome.PASS),
        ((error(405, headers=(*JSON, ("Allow", "GET"))), error(429, route=PAGE)), Outcome.FAIL),
        ((error(404), error(400)), Outcome.NOT_PROVED),
    ],
)
def test_drops_header(exchanges: tuple[Exchange, ...], outcome: Outcome) -> None:
    assert err.drops_header(exchanges).outcome is outcome


@pytest.mark.parametrize("rule", err.OF_ERRORS, ids=lambda rule: rule.code)
def test_what_was_not_answered(rule: object) -> None:
    assert callable(rule)
    hung = exchange(status=0, route=API, headers=(), failure="did not finish within 10 s")
    assert rule((hung,)).outcome is Outcome.NOT_PROVED
    assert (
        rule((exchange(status=0, route=Route("GET", "/x", "x", skipped="/x"), headers=()),)).outcome is Outcome.SKIPPED
    )
    escaped = exchange(status=500, route=API, headers=(), raised=Raised("KeyError"))
    judgement = rule((data(API), escaped))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "switch DEBUG" in judgement.reason
    with pytest.raises(ValueError, match="at least one"):
        rule(())
