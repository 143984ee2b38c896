"""Why a rule stays silent: each reason says what was seen and the way out."""

import pytest
from rules.driver import CLASSES, FOREIGN, GROWN, TWICE
from rules.made import exchange, facts

from seatrial.model.evidence import Exchange, Raised
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context, Rule
from seatrial.rules import answers, registered
from seatrial.rules.hdr import nosniff
from seatrial.rules.sql import (
    identical_statement,
    query_budget,
    repeated_statement,
    slow_statement,
    write_on_safe_method,
)

ONE_ITEM = Route("GET", "/items/<int:item_id>", "item", arguments=(("item_id", "int"),), path="/items/1")
UNRESOLVED = Route("GET", "/items/<item_id>", "item", arguments=(("item_id", "string"),), unresolved=("item_id",))
TWICE_UNRESOLVED = Route("GET", "/<a>/<b>", "pair", unresolved=("a", "b"))
LOGIN = "log an identity in that may see it ([[tool.seatrial.identities]])"


@pytest.mark.parametrize(
    ("status", "location", "route", "reason"),
    [
        (302, "/auth/login?…", None, f"answered 302 to /auth/login: {LOGIN}"),
        (302, "https://id.example/signin", None, f"answered 302 to https://id.example/signin: {LOGIN}"),
        (303, "/authors/", None, "answered 303 to /authors/: a redirect says nothing of the page behind it"),
        (302, "/onboarding/welcome", None, "answered 302 to /onboarding/welcome: a redirect says nothing"),
        (401, None, None, f"answered 401: {LOGIN}"),
        (403, None, None, f"answered 403: {LOGIN}"),
        (404, None, ONE_ITEM, "answered 404: set values that exist for item_id under [tool.seatrial.arguments]"),
        (404, None, None, "answered 404: seed what the page shows"),
        (429, None, None, "answered 429: a rate limit is on"),
        (500, None, None, "answered 500: the page must work before it can be measured; see ERR005"),
        (400, None, None, "answered 400: "),
    ],
)
def test_other_answers_name_their_way_out(status: int, location: str | None, route: Route | None, reason: str) -> None:
    headers = (("Location", location),) if location else ()
    judgement = identical_statement(exchange(status=status, headers=headers, route=route))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert judgement.reason.startswith(reason)


@pytest.mark.parametrize(
    ("silent", "outcome", "reason"),
    [
        (
            exchange(status=0, route=UNRESOLVED, failure="no path"),
            Outcome.NOT_PROVED,
            "no sample value for argument 'item_id': set it under [tool.seatrial.arguments]",
        ),
        (
            exchange(status=0, route=TWICE_UNRESOLVED),
            Outcome.NOT_PROVED,
            "no sample values for arguments 'a', 'b': set them under [tool.seatrial.arguments]",
        ),
        (
            exchange(status=0, failure="did not finish within 10 s"),
            Outcome.NOT_PROVED,
            (
                "no response (did not finish within 10 s): request /items/ by hand, "
                "or put the route on `skip` under [tool.seatrial]"
            ),
        ),
        (
            exchange(status=0, route=Route("GET", "/logout", "logout", skipped="matches /logout")),
            Outcome.SKIPPED,
            "never requested: matches /logout",
        ),
        (
            exchange(status=0, route=Route("GET", "/a", "a", shadowed_by="b")),
            Outcome.SKIPPED,
            "shadowed: b answers this method and rule",
        ),
    ],
)
def test_no_response_is_neither_pass_nor_fail(silent: Exchange, outcome: Outcome, reason: str) -> None:
    for rule in (identical_statement, repeated_statement, write_on_safe_method, nosniff):
        judgement = rule(silent)
        assert (judgement.outcome, judgement.reason, judgement.findings) == (outcome, reason, ())


OTHER_EVIDENCE = {*GROWN, TWICE, FOREIGN, CLASSES} | {rule.code for rule in registered() if rule.command}
"""Rules that do not judge one exchange."""


def test_a_failed_exchange_proves_nothing_by_any_rule_of_exchanges() -> None:
    failed = exchange(status=0, failure="the process ended")
    for rule in registered():
        if rule.family in ("SQL", "HDR", "CKE") and rule.code not in OTHER_EVIDENCE:
            assert rule(failed).outcome in (Outcome.NOT_PROVED, Outcome.SKIPPED), rule.code
    assert query_budget(failed).outcome is slow_statement(failed).outcome is Outcome.SKIPPED


SECURITY = [rule for rule in registered() if rule.family in ("HDR", "CKE") and rule.code not in OTHER_EVIDENCE]
NAKED = {"HDR001", "HDR005", "HDR006", "HDR007", "HDR008", "HDR009", "CKE001", "CKE002", "CKE003"}
"""What a response without a single header fails."""


@pytest.mark.parametrize("rule", SECURITY, ids=lambda rule: rule.code)
def test_only_the_protection_profile_speaks_on_security(rule: Rule) -> None:
    naked = exchange(headers=(("Set-Cookie", "session=…"),))
    assert rule(naked, Context(facts=facts(profile="sweep"))).outcome is Outcome.NOT_PROVED
    assert "sweep profile" in rule(naked, Context(facts=facts(profile="sweep"))).reason
    for known in (facts(), None):  # a live response has no facts
        judgement = rule(naked, Context(facts=known))
        assert "profile" not in judgement.reason
        assert (judgement.outcome is Outcome.FAIL) or rule.code not in NAKED


@pytest.mark.parametrize("rule", SECURITY, ids=lambda rule: rule.code)
def test_an_exception_in_place_of_a_response_has_no_headers_to_judge(rule: Rule) -> None:
    propagated = exchange(status=500, headers=(), content_type="", raised=Raised("KeyError"))
    judgement = rule(propagated)
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "KeyError" in judgement.reason


@pytest.mark.parametrize(
    ("status", "content_type", "location", "shown"),
    [
        (200, "text/html", None, True),
        (200, "application/xhtml+xml", None, True),
        (404, "text/html", None, True),
        (500, "text/html", None, True),
        (300, "text/html", None, True),
        (302, "text/html", "/", False),
        (304, "text/html", None, False),
        (204, "text/html", None, False),
        (200, "application/json", None, False),
        (200, "", None, False),
    ],
)
def test_what_a_browser_shows_as_a_page(status: int, content_type: str, location: str | None, shown: bool) -> None:
    headers = (("Location", location),) if location else ()
    assert answers.document(exchange(status=status, content_type=content_type, headers=headers)) is shown
