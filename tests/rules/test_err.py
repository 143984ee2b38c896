"""ERR005 on hand-made sets of variants."""

import pytest
from rules.made import exchange, facts, messages

from seatrial.model.evidence import Exchange, Raised
from seatrial.model.findings import Place
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.err import unhandled_500

PLACE = Place("app/items.py", 12, "page = int(request.args['page'])")


def variants(*statuses: int, location: str = "") -> tuple[Exchange, ...]:
    names = ("plain", "page is not a number", "page is negative", "page is huge", "search with a NUL byte")
    headers = (("Location", location),) if location else ()
    return tuple(exchange(status=s, variant=v, headers=headers) for s, v in zip(statuses, names, strict=False))


@pytest.mark.parametrize(
    ("exchanges", "outcome"),
    [
        (variants(200), Outcome.PASS),
        (variants(200, 400, 404, 422), Outcome.PASS),
        (variants(404, 400), Outcome.PASS),
        (variants(302, 302, location="/items/"), Outcome.PASS),
        (variants(501, 501), Outcome.PASS),
        (variants(302, 200, location="/auth/login"), Outcome.PASS),
        (variants(500), Outcome.FAIL),
        (variants(200, 200, 500), Outcome.FAIL),
        (variants(302, 500, location="/auth/login"), Outcome.FAIL),
        (variants(503, 500), Outcome.FAIL),
        ((exchange(status=0, raised=Raised("KeyError")),), Outcome.FAIL),
        (variants(302, 302, location="/auth/login"), Outcome.NOT_PROVED),
        (variants(401, 403), Outcome.NOT_PROVED),
        (variants(429, 429), Outcome.NOT_PROVED),
        (variants(200, 503), Outcome.NOT_PROVED),
    ],
)
def test_outcomes(exchanges: tuple[Exchange, ...], outcome: Outcome) -> None:
    judgement = unhandled_500(exchanges)
    assert judgement.outcome is outcome
    assert judgement.subject == "GET /items/ items [owner]"
    assert bool(judgement.reason) is (outcome is Outcome.NOT_PROVED)


def test_one_finding_names_variants_exception_and_place() -> None:
    crashed = exchange(status=500, variant="page is huge", raised=Raised("ValueError", PLACE))
    [finding] = unhandled_500((*variants(200, 500), crashed)).findings
    assert finding.place == PLACE
    assert finding.message == (
        "No request may be answered 500 but ValueError escaped for "
        "'page is not a number', 'page is huge' (2 of 3 requests)"
    )
    assert [entry["variant"] for entry in finding.evidence["crashed"]] == ["page is not a number", "page is huge"]
    assert finding.evidence["crashed"][1]["place"] == "app/items.py:12"


def test_many_variants_are_cut_in_the_message_only() -> None:
    judgement = unhandled_500(variants(500, 500, 500, 500, 500))
    assert "and 2 more (5 of 5 requests)" in messages(judgement)
    assert "the answer was 500" in messages(judgement)
    assert len(judgement.findings[0].evidence["crashed"]) == 5


def test_a_request_that_hung_is_no_pass() -> None:
    hung = exchange(status=0, variant="page is huge", failure="did not finish within 10 s")
    judgement = unhandled_500((*variants(200, 200), hung))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert judgement.reason.startswith("variant 'page is huge': no response (did not finish within 10 s)")


def test_a_crash_is_seen_although_another_variant_hung() -> None:
    hung = exchange(status=0, variant="page is huge", failure="did not finish within 10 s")
    judgement = unhandled_500((*variants(500), hung))
    assert judgement.outcome is Outcome.FAIL
    assert "(1 of 1 requests)" in messages(judgement)


def test_what_was_never_sent() -> None:
    unresolved = Route("GET", "/items/<item_id>", "item", unresolved=("item_id",))
    judgement = unhandled_500((exchange(status=0, route=unresolved, failure="no path"),))
    assert (judgement.outcome, judgement.reason) == (
        Outcome.NOT_PROVED,
        "no sample value for argument 'item_id': set it under [tool.seatrial.arguments]",
    )
    skipped = Route("GET", "/logout", "logout", skipped="matches /logout")
    assert unhandled_500((exchange(status=0, route=skipped),)).outcome is Outcome.SKIPPED
    with pytest.raises(ValueError, match="at least one"):
        unhandled_500(())


def test_is_no_matter_of_profiles() -> None:
    assert unhandled_500(variants(500), Context(facts=facts(profile="sweep"))).outcome is Outcome.FAIL
