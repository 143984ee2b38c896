"""Header rules on header values as apps really send them."""

import pytest
from rules.made import answering, exchange, levels, messages

from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.hdr import csp_missing, framing, hsts, nosniff, referrer_policy

CSP, REPORT = "Content-Security-Policy", "Content-Security-Policy-Report-Only"
XFO, HSTS = "X-Frame-Options", "Strict-Transport-Security"
PASS, FAIL, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.SKIPPED
YEAR = 31_536_000


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ([(CSP, "default-src 'self'")], PASS),
        ([("content-security-policy", "Default-Src 'none';")], PASS),
        ([(CSP, ""), (CSP, "object-src 'none'")], PASS),
        ([(CSP, "report-uri /csp, default-src 'self'")], PASS),
        ([(CSP, "upgrade-insecure-requests")], PASS),
        ([], FAIL),
        ([(CSP, "")], FAIL),
        ([(CSP, " ; ;")], FAIL),
        ([(CSP, "report-uri /csp; report-to csp")], FAIL),
        ([(CSP, "none")], FAIL),
        ([(CSP, "default-source 'self'")], FAIL),
        ([(REPORT, "default-src 'self'")], FAIL),
        ([("X-Content-Security-Policy", "default-src 'self'")], FAIL),
    ],
)
def test_csp_missing(headers: list[tuple[str, str]], outcome: Outcome) -> None:
    assert csp_missing(answering(*headers)).outcome is outcome


def test_csp_in_a_meta_tag_counts_and_report_only_beside_it_does_no_harm() -> None:
    meta = {"csp-meta": "default-src 'self'"}
    assert csp_missing(answering((REPORT, "default-src 'self'"), marks=meta)).outcome is PASS


@pytest.mark.parametrize("content", ["frame-ancestors 'none'", "report-uri /csp", "yes"])
def test_csp_in_a_meta_tag_must_bind(content: str) -> None:
    judgement = csp_missing(answering(marks={"csp-meta": content}))
    assert judgement.outcome is FAIL
    assert "meta tag binds nothing" in messages(judgement)


def test_csp_says_what_was_sent_in_its_place() -> None:
    assert "none was sent" in messages(csp_missing(answering()))
    assert "lets everything through" in messages(csp_missing(answering((REPORT, "default-src 'self'"))))
    assert "binds nothing: 'report-uri /csp'" in messages(csp_missing(answering((CSP, "report-uri /csp"))))


@pytest.mark.parametrize("rule", [csp_missing, framing], ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    ("status", "content_type", "headers", "outcome"),
    [
        (200, "application/json", [], SKIPPED),
        (302, "text/html", [("Location", "/login")], SKIPPED),
        (304, "text/html", [], SKIPPED),
        (404, "text/html", [], FAIL),
        (500, "text/html", [], FAIL),
        (403, "application/xhtml+xml", [], FAIL),
        (404, "application/json", [], SKIPPED),
    ],
)
def test_policy_and_framing_are_judged_on_pages_only(
    rule: object, status: int, content_type: str, headers: list[tuple[str, str]], outcome: Outcome
) -> None:
    assert callable(rule)
    judgement = rule(answering(*headers, status=status, content_type=content_type))
    assert judgement.outcome is outcome
    assert bool(judgement.reason) is (outcome is SKIPPED)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
@pytest.mark.parametrize("rule", [referrer_policy, hsts, nosniff], ids=lambda rule: rule.name)
def test_the_other_headers_are_judged_on_every_response(rule: object, status: int) -> None:
    assert callable(rule)
    judgement = rule(exchange(status=status, content_type="application/json"))
    assert judgement.outcome is FAIL
    assert f"status {status}" in messages(judgement)


@pytest.mark.parametrize(
    ("values", "outcome", "level"),
    [
        (["no-referrer"], PASS, []),
        (["same-origin"], PASS, []),
        (["Strict-Origin-When-Cross-Origin"], PASS, []),
        (["origin-when-cross-origin"], PASS, []),
        (["unsafe-url, strict-origin"], PASS, []),
        (["no-referrer, some-future-token"], PASS, []),
        (["unsafe-url", "strict-origin"], PASS, []),
        (["unsafe-url"], FAIL, ["warn"]),
        (["no-referrer-when-downgrade"], FAIL, ["warn"]),
        (["strict-origin, unsafe-url"], FAIL, ["warn"]),
        (["strict-origin", "UNSAFE-URL"], FAIL, ["warn"]),
        ([], FAIL, ["block"]),
        ([""], FAIL, ["block"]),
        (["strict"], FAIL, ["block"]),
        (["no-referrer;"], FAIL, ["block"]),
    ],
)
def test_referrer_policy(values: list[str], outcome: Outcome, level: list[str]) -> None:
    judgement = referrer_policy(answering(*(("Referrer-Policy", value) for value in values)))
    assert (judgement.outcome, levels(judgement)) == (outcome, level)


@pytest.mark.parametrize(
    ("values", "outcome", "level"),
    [
        ([f"max-age={YEAR}"], PASS, []),
        ([f"max-age={YEAR}; includeSubDomains; preload"], PASS, []),
        ([f"includeSubDomains ; MAX-AGE = {2 * YEAR}"], PASS, []),
        ([f'max-age="{YEAR}"'], PASS, []),
        ([f"max-age={YEAR}; future=thing; other"], PASS, []),
        ([f"max-age={YEAR};"], PASS, []),
        ([f"max-age={YEAR}", "max-age=0"], PASS, []),
        (["max-age=15552000"], FAIL, ["warn"]),
        ([f"max-age={YEAR - 1}"], FAIL, ["warn"]),
        (["max-age=0"], FAIL, ["block"]),
        (["max-age=0", f"max-age={YEAR}"], FAIL, ["block"]),
        ([], FAIL, ["block"]),
        ([""], FAIL, ["block"]),
        (["includeSubDomains"], FAIL, ["block"]),
        (["max-age"], FAIL, ["block"]),
        (["max-age=one year"], FAIL, ["block"]),
        (["max-age=-1"], FAIL, ["block"]),
        (["max-age=+31536000"], FAIL, ["block"]),
        (["max-age=31536000.0"], FAIL, ["block"]),
        (["max-age=３１５３６０００"], FAIL, ["block"]),
        (['max-age="３１５３６０００"'], FAIL, ["block"]),
        ([f"max-age={YEAR}; note=two words"], FAIL, ["block"]),
        ([f"max-age={YEAR}; max-age={YEAR}"], FAIL, ["block"]),
        ([f"max-age={YEAR}, includeSubDomains"], FAIL, ["block"]),
        ([f'"max-age={YEAR}"'], FAIL, ["block"]),
    ],
)
def test_hsts_on_https(values: list[str], outcome: Outcome, level: list[str]) -> None:
    judgement = hsts(answering(*((HSTS, value) for value in values)))
    assert (judgement.outcome, levels(judgement)) == (outcome, level)


@pytest.mark.parametrize(
    ("headers", "environment", "outcome", "level"),
    [
        ([], "production", PASS, []),
        ([(HSTS, f"max-age={YEAR}")], "production", FAIL, ["block"]),
        ([(HSTS, f"max-age={YEAR}")], "development", FAIL, ["warn"]),
    ],
)
def test_hsts_is_absent_on_http(
    headers: list[tuple[str, str]], environment: str, outcome: Outcome, level: list[str]
) -> None:
    judgement = hsts(answering(*headers, scheme="http"), Context(environment=environment))
    assert (judgement.outcome, levels(judgement)) == (outcome, level)


@pytest.mark.parametrize("value", [None, "broken"])
def test_hsts_warns_outside_production(value: str | None) -> None:
    made = answering(*([(HSTS, value)] if value else []))
    assert levels(hsts(made, Context(environment="staging"))) == ["warn"]
    assert levels(hsts(made, Context(environment="production"))) == ["block"]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        (["nosniff"], PASS),
        (["NoSniff "], PASS),
        (["nosniff", "nosniff"], PASS),
        (["nosniff, garbage"], PASS),
        (["garbage, nosniff"], FAIL),
        ([""], FAIL),
        (["'nosniff'"], FAIL),
        ([], FAIL),
    ],
)
def test_nosniff(values: list[str], outcome: Outcome) -> None:
    judgement = nosniff(answering(*(("X-Content-Type-Options", value) for value in values)))
    assert judgement.outcome is outcome


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ([(XFO, "DENY")], PASS),
        ([(XFO, "sameorigin")], PASS),
        ([(CSP, "frame-ancestors 'none'")], PASS),
        ([(CSP, "default-src 'self'; frame-ancestors https://partner.example")], PASS),
        ([(CSP, "frame-ancestors")], PASS),
        ([(CSP, "frame-ancestors *, frame-ancestors 'self'")], PASS),
        ([(CSP, "frame-ancestors 'self'; frame-ancestors *")], PASS),
        ([(CSP, "frame-ancestors 'self'"), (XFO, "ALLOWALL")], PASS),
        ([(XFO, "SAMEORIGIN"), (CSP, "default-src 'self'")], PASS),
        ([(XFO, "SAMEORIGIN"), (REPORT, "frame-ancestors *")], PASS),
        ([], FAIL),
        ([(XFO, "ALLOW-FROM https://partner.example")], FAIL),
        ([(XFO, "ALLOWALL")], FAIL),
        ([(XFO, "")], FAIL),
        ([(XFO, "DENY, SAMEORIGIN")], PASS),
        ([(XFO, "DENY"), (XFO, "SAMEORIGIN")], PASS),
        ([(XFO, "SAMEORIGIN"), (XFO, "sameorigin")], PASS),
        ([(XFO, "ALLOWALL"), (XFO, "ALLOWALL")], FAIL),
        ([(XFO, "garbage, more")], FAIL),
        ([(CSP, "frame-ancestors *")], FAIL),
        ([(CSP, "frame-ancestors 'self' https:")], FAIL),
        ([(CSP, "frame-ancestors http://*")], FAIL),
        ([(XFO, "DENY"), (CSP, "frame-ancestors *")], FAIL),
        ([(REPORT, "frame-ancestors 'none'")], FAIL),
        ([(CSP, "default-src 'none'")], FAIL),
    ],
)
def test_framing(headers: list[tuple[str, str]], outcome: Outcome) -> None:
    assert framing(answering(*headers)).outcome is outcome


def test_framing_by_a_meta_tag_does_not_count() -> None:
    assert framing(answering(marks={"csp-meta": "frame-ancestors 'none'"})).outcome is FAIL
