"""Header rules that look at the policy, at two responses, at other origins, at caches and at every response class."""

import pytest
from rules.made import ITEMS, answering, exchange, facts, levels, messages

from seatrial.model.classes import ResponseClasses
from seatrial.model.evidence import Exchange
from seatrial.model.inventory import ANONYMOUS, Access, Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.cke import cookie_prefix_size
from seatrial.rules.hdr import (
    OF_A_RESPONSE,
    cors_reflects_origin,
    csp_incomplete,
    csp_nonce_reused,
    csp_unsafe,
    header_lost,
    observatory_grade,
    permissions_policy,
    private_cacheable,
)
from seatrial.rules.hdr.policy import bits
from seatrial.rules.hdr.spread import CLASSES, response_class

CSP = "Content-Security-Policy"
PASS, FAIL, SKIPPED, NOT_PROVED = Outcome.PASS, Outcome.FAIL, Outcome.SKIPPED, Outcome.NOT_PROVED


# ---------------------------------------------------------------------- HDR002, HDR003
@pytest.mark.parametrize(
    ("headers", "details"),
    [
        ([(CSP, "default-src 'self'")], []),
        ([(CSP, "script-src 'unsafe-inline' 'unsafe-eval' https:")], ["inline", "eval", "https:"]),
        ([(CSP, "script-src 'unsafe-inline'"), (CSP, "script-src 'self'")], []),
        ([(CSP, "upgrade-insecure-requests")], ["unrestricted"]),
        ([(CSP, "script-src unpkg.com cdn.jsdelivr.net")], ["unpkg.com", "cdn.jsdelivr.net"]),
    ],
)
def test_csp_unsafe_has_one_finding_per_way(headers: list[tuple[str, str]], details: list[str]) -> None:
    judgement = csp_unsafe(answering(*headers))
    assert [finding.detail for finding in judgement.findings] == details
    assert judgement.outcome is (FAIL if details else PASS)


def test_csp_unsafe_names_the_expression_and_what_it_lets_in() -> None:
    assert messages(csp_unsafe(answering((CSP, "script-src 'self' data:")))) == (
        "A policy must keep injected script out but script-src data: lets script written into a data: URL through"
    )


def test_a_meta_tag_and_a_header_are_enforced_together() -> None:
    made = answering((CSP, "script-src 'unsafe-inline'"), marks={"csp-meta": "script-src 'self'"})
    assert csp_unsafe(made).outcome is PASS


def test_csp_unsafe_shows_the_weaknesses_worst_first_and_no_nonce() -> None:
    [finding] = csp_unsafe(answering((CSP, "script-src 'nonce-shrt' https:"))).findings
    assert finding.evidence["weaknesses"][0]["severity"] == "HIGH"
    assert "shrt" not in str(finding.evidence)
    assert "'nonce-…'" in str(finding.evidence)


@pytest.mark.parametrize("rule", [csp_unsafe, csp_incomplete], ids=lambda rule: rule.name)
def test_without_a_policy_hdr001_speaks(rule: object) -> None:
    assert callable(rule)
    for made in (answering(), answering((f"{CSP}-Report-Only", "default-src *"))):
        judgement = rule(made)
        assert judgement.outcome is SKIPPED
        assert "HDR001" in judgement.reason
    assert rule(answering((CSP, "default-src *"), content_type="application/json")).outcome is SKIPPED


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        ([(CSP, "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'")], []),
        ([(CSP, "object-src 'none'; base-uri; form-action; frame-ancestors")], []),
        ([(CSP, "script-src 'self'")], ["object-src", "base-uri", "form-action"]),
        ([(CSP, "base-uri"), ("X-Frame-Options", "DENY")], ["object-src", "form-action", "frame-ancestors"]),
        ([(CSP, "default-src 'self'; base-uri *; form-action https:")], ["base-uri", "form-action"]),
        ([(CSP, "default-src 'self'; base-uri 'none'"), (CSP, "form-action 'self'")], []),
    ],
)  # fmt: skip
def test_csp_incomplete(headers: list[tuple[str, str]], missing: list[str]) -> None:
    judgement = csp_incomplete(answering(*headers))
    assert [finding.detail for finding in judgement.findings] == missing
    assert levels(judgement) == ["warn"] * len(missing)


# ---------------------------------------------------------------------- HDR004
GOOD = ["kP0mB1xv9cYz3uWq7RtA5g", "Zt8QhV2nLr4sXe6DyJ1oMw"]


def nonces(*values: str | None) -> list[Exchange]:
    return [answering(*([(CSP, f"script-src 'nonce-{value}'")] if value else [])) for value in values]


@pytest.mark.parametrize(
    ("values", "outcome", "details"),
    [
        (GOOD, PASS, []),
        (["a3f1" * 8, "0b9c" * 8], PASS, []),
        ([GOOD[0], GOOD[0]], FAIL, ["reused"]),
        (["abcdefgh", "ijklmnop"], FAIL, ["short"]),
        (["abcdefgh", "abcdefgh"], FAIL, ["short", "reused"]),
        (["0" * 31 + "1", "0" * 31 + "2"], FAIL, ["short"]),
        (["0" * 40 + "1", "0" * 40 + "2"], FAIL, ["predictable"]),
        ([f"{GOOD[0]}00000001", f"{GOOD[0]}00000002"], FAIL, ["predictable"]),
        ([GOOD[0], None], NOT_PROVED, []),
        ([GOOD[0]], NOT_PROVED, []),
        (["short", None], FAIL, ["short"]),
        ([None, None], SKIPPED, []),
        ([None], SKIPPED, []),
    ],
)
def test_csp_nonce_reused(values: list[str | None], outcome: Outcome, details: list[str]) -> None:
    judgement = csp_nonce_reused(nonces(*values))
    assert (judgement.outcome, [finding.detail for finding in judgement.findings]) == (outcome, details)
    assert not any(value and value in str(finding.evidence) for value in values for finding in judgement.findings)


def test_a_style_nonce_that_stays_is_found_beside_a_fresh_one_for_scripts() -> None:
    pages = [answering((CSP, f"script-src 'nonce-{n}'; style-src 'nonce-{'x1' * 16}'")) for n in GOOD]
    assert [finding.detail for finding in csp_nonce_reused(pages).findings] == ["reused"]


def test_a_second_answer_that_is_no_page_proves_nothing() -> None:
    first, _ = nonces(*GOOD)
    judgement = csp_nonce_reused([first, exchange(status=302, headers=(("Location", "/x"),))])
    assert judgement.outcome is NOT_PROVED
    assert "200 and 302" in judgement.reason


@pytest.mark.parametrize(
    ("nonce", "expected"),
    [("1" * 10, 33), ("ab" * 16, 128), ("AB" * 16, 128), ("aB" * 16, 128), ("zz" * 11, 132), ("zz==", 12), ("ß", 0)],
)
def test_bits(nonce: str, expected: int) -> None:
    assert int(bits(nonce)) == expected


# ---------------------------------------------------------------------- HDR009
@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("camera=()", PASS),
        ("camera=(), geolocation=(self \"https://a.example\"), fullscreen=*", PASS),
        ("camera=();report-to=x, microphone=self", PASS),
        ("camera 'none'; geolocation 'none'", FAIL),
        ("camera='none'", FAIL),
        ("camera=(), ", FAIL),
        ("camera=(", FAIL),
        ("Camera=()", FAIL),
        ("", FAIL),
        (None, FAIL),
    ],
)  # fmt: skip
def test_permissions_policy(value: str | None, outcome: Outcome) -> None:
    judgement = permissions_policy(answering(*([("Permissions-Policy", value)] if value is not None else [])))
    assert judgement.outcome is outcome
    assert levels(judgement) == ["info"] * (outcome is FAIL)


def test_feature_policy_is_read_no_more() -> None:
    made = answering(("Feature-Policy", "camera 'none'"))
    assert "no longer read" in messages(permissions_policy(made))


# ---------------------------------------------------------------------- HDR011
def asked(origin: str, *headers: tuple[str, str]) -> Exchange:
    return answering(*headers, marks={"origin": origin}, variant="a foreign origin")


def allow(origin: str, credentials: str | None = "true") -> list[tuple[str, str]]:
    sent = [("Access-Control-Allow-Origin", origin)]
    return sent if credentials is None else [*sent, ("Access-Control-Allow-Credentials", credentials)]


@pytest.mark.parametrize(
    ("origin", "headers", "outcome"),
    [
        ("https://x.example", allow("https://x.example"), FAIL),
        ("null", allow("null"), FAIL),
        ("https://x.example", allow("*"), PASS),
        ("https://x.example", allow("https://x.example", None), PASS),
        ("https://x.example", allow("https://x.example", "TRUE"), PASS),
        ("https://x.example", allow("https://partner.example"), PASS),
        ("https://x.example", [*allow("https://x.example"), *allow("https://x.example")], PASS),
        ("https://x.example", [], PASS),
    ],
)
def test_cors_reflects_origin(origin: str, headers: list[tuple[str, str]], outcome: Outcome) -> None:
    assert cors_reflects_origin([asked("https://y.example"), asked(origin, *headers)]).outcome is outcome


def test_cors_names_who_is_let_in() -> None:
    [finding] = cors_reflects_origin([asked(o, *allow(o)) for o in ("https://x.example", "null")]).findings
    assert "a foreign origin (https://x.example) is allowed to, and 1 more" in finding.message
    assert finding.evidence["origins"] == ["https://x.example", "null"]


# ---------------------------------------------------------------------- HDR012
PRIVATE = Route("GET", "/items/", "items", path="/items/", access=Access.LOGIN)


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ([("Cache-Control", "no-store")], PASS),
        ([("Cache-Control", "private, max-age=60")], PASS),
        ([("Cache-Control", "No-Cache")], PASS),
        ([("Cache-Control", "max-age=0, must-revalidate")], PASS),
        ([("Expires", "0")], PASS),
        ([("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")], PASS),
        ([], FAIL),
        ([("Vary", "Cookie")], FAIL),
        ([("Cache-Control", "public, max-age=60")], FAIL),
        ([("Cache-Control", "max-age=60")], FAIL),
        ([("Cache-Control", "max-age=0, s-maxage=60")], FAIL),
        ([("Cache-Control", "must-revalidate")], FAIL),
        ([("Cache-Control", "max-age=٣")], FAIL),
        ([("Pragma", "no-cache")], FAIL),
    ],
)
def test_private_cacheable(headers: list[tuple[str, str]], outcome: Outcome) -> None:
    assert private_cacheable(answering(*headers, route=PRIVATE)).outcome is outcome


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (answering(route=Route("GET", "/", "home", access=Access.PUBLIC)), SKIPPED),
        (answering(route=PRIVATE, identity=ANONYMOUS), SKIPPED),
        (answering(route=ITEMS), SKIPPED),
        (answering(("Location", "/login"), route=PRIVATE, status=302), NOT_PROVED),
    ],
)
def test_only_pages_behind_the_login_are_private(made: Exchange, outcome: Outcome) -> None:
    judgement = private_cacheable(made)
    assert judgement.outcome is outcome
    assert judgement.reason


# ---------------------------------------------------------------------- HDR010
HEADERS = [
    (CSP, "default-src 'self'; frame-ancestors 'self'"),
    ("Referrer-Policy", "no-referrer"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Content-Type-Options", "nosniff"),
]


def classes(*exchanges: Exchange) -> ResponseClasses:
    return ResponseClasses("blueprint shop", exchanges)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (answering(), "200 html"),
        (answering(content_type="application/json"), "200 json"),
        (answering(content_type="text/csv"), "200 other"),
        (answering(status=201), "200 html"),
        (answering(status=308), "3xx"),
        (answering(status=422), "400"),
        (answering(status=403), "401/403"),
        (answering(status=405), "405"),
        (answering(status=413), "413"),
        (answering(status=429), "429"),
        (answering(status=503), "500"),
        (answering(method="OPTIONS"), "OPTIONS"),
        (answering(route=Route("GET", "/static/<path:filename>", "shop.static")), "static"),
        (answering(status=404, route=Route("GET", "/static/<path:filename>", "static")), "404"),
    ],
)
def test_response_class(made: Exchange, expected: str) -> None:
    assert response_class(made) == expected
    assert expected in CLASSES


def test_headers_that_hold_everywhere_pass_and_say_what_was_not_seen() -> None:
    judgement = header_lost(classes(answering(*HEADERS), answering(*HEADERS, status=404)))
    assert judgement.outcome is PASS
    assert judgement.reason.startswith("not seen: 200 json, 200 other, 3xx")


def test_a_header_that_is_lost_is_named_with_its_classes() -> None:
    judgement = header_lost(
        classes(answering(*HEADERS), answering(*HEADERS[1:], status=404), answering(*HEADERS[:3], status=405))
    )
    assert messages(judgement) == (
        f"The headers must hold on every class of response but {CSP} is missing on 404; "
        "X-Frame-Options or frame-ancestors on 404; nosniff on 405"
    )
    [finding] = judgement.findings
    assert finding.evidence["lost"]["nosniff"] == {"405": {"request": "GET /items/ (plain)", "status": 405}}


def test_a_header_that_is_never_sent_is_missing_on_every_class() -> None:
    judgement = header_lost(classes(answering(*HEADERS[:3]), answering(*HEADERS[:3], status=404)))
    assert messages(judgement).endswith("nosniff is missing on every class")


def test_policy_and_frames_are_asked_of_pages_only() -> None:
    json = {"content_type": "application/json"}
    judgement = header_lost(classes(answering(*HEADERS[1:], **json), answering(*HEADERS[1:], method="OPTIONS")))
    assert judgement.outcome is NOT_PROVED  # and so not failed
    assert header_lost(classes(answering(*HEADERS[1:], status=400, **json))).outcome is PASS


@pytest.mark.parametrize(
    "made",
    [
        classes(),
        classes(answering(*HEADERS)),
        classes(answering(*HEADERS), answering(*HEADERS, method="OPTIONS")),
        classes(exchange(failure="did not finish within 5 s")),
    ],
)
def test_nothing_but_200_proves_nothing(made: ResponseClasses) -> None:
    judgement = header_lost(made)
    assert judgement.outcome is NOT_PROVED
    assert judgement.reason


def test_the_sweep_profile_may_not_speak() -> None:
    context = Context(facts=facts(profile="sweep"))
    assert header_lost(classes(answering(status=404)), context).outcome is NOT_PROVED


# ---------------------------------------------------------------------- HDR100
def test_observatory_grade_tells_what_takes_the_points_and_what_comes_without_integrity() -> None:
    made = answering(
        *HEADERS, marks={"scripts": "- //cdn.example/x.js\n- /own.js", "styles": "- https://b.example/x.css"}
    )
    [finding] = observatory_grade(made).findings
    assert (finding.level.value, finding.evidence["score"], finding.evidence["grade"]) == ("info", 50, "C")
    assert "gets C (50): sri-not-implemented-and-external-scripts-not-loaded-securely -50" in finding.message
    assert finding.evidence["without_integrity"] == ["//cdn.example/x.js", "https://b.example/x.css"]


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (answering(*HEADERS), PASS),
        (answering(*HEADERS, status=401), PASS),
        (answering(status=404), SKIPPED),
        (answering(content_type="application/json"), SKIPPED),
        (answering(scheme="http"), NOT_PROVED),
    ],
)
def test_observatory_grade(made: Exchange, outcome: Outcome) -> None:
    assert observatory_grade(made).outcome is outcome


# ---------------------------------------------------------------------- CKE004
@pytest.mark.parametrize(
    ("cookie", "size", "told"),
    [
        ("session=…; Path=/; Secure", 40, "no __Host- prefix"),
        ("session=…; Path=/", 40, "no __Host- prefix"),
        ("remember_token=…; Path=/", 40, "no __Host- prefix"),
        ("__Host-session=…; Path=/; Secure", 40, ""),
        ("__Host-session=…; Path=/", 40, ""),
        ("__Host-session=…; Path=/app; Secure", 40, "with Path=/ or"),
        ("__Host-session=…; Path=/; Domain=a.example; Secure", 40, "with no Domain or"),
        ("session=…; Path=/app", 40, ""),
        ("session=…; Path=/; Domain=a.example", 40, ""),
        ("theme=…; Path=/", 40, ""),
        ("theme=…; Path=/", 4097, "takes 4097"),
        ("theme=…; Path=/", 4096, ""),
    ],
)
def test_cookie_prefix_size(cookie: str, size: int, told: str) -> None:
    made = answering(("Set-Cookie", cookie), marks={"cookie-sizes": f"{cookie.partition('=')[0]} {size}"})
    judgement = cookie_prefix_size(made)
    assert told in messages(judgement)
    assert judgement.outcome is (FAIL if told else PASS)


def test_rules_of_a_response_say_something_of_every_answer() -> None:
    for made in (answering(), exchange(status=500, headers=()), exchange(failure="x"), exchange(status=204)):
        for rule in OF_A_RESPONSE:
            judgement = rule(made)
            assert judgement.outcome is not Outcome.BROKEN
            assert judgement.findings or judgement.reason or judgement.outcome is PASS
