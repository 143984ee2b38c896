"""The Observatory's grade: cases worked out by hand from its published tables."""

import pytest
from rules.made import answering

from seatrial.model.evidence import Exchange
from seatrial.rules import observatory
from seatrial.rules.observatory import letter, total

CSP, REPORT = "Content-Security-Policy", "Content-Security-Policy-Report-Only"
HSTS = ("Strict-Transport-Security", "max-age=31536000")
SOUND = [
    (CSP, "default-src 'none'; frame-ancestors 'none'"),
    HSTS,
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]


def of(test: str, exchange: Exchange) -> tuple[str, int]:
    [found] = [result for result in observatory.grade(exchange).results if result.test == test]
    return found.result, found.modifier


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (135, "A+"), (100, "A+"), (99, "A"), (95, "A"), (90, "A"), (89, "A-"), (85, "A-"), (84, "B+"), (80, "B+"),
        (75, "B"), (70, "B"), (69, "B-"), (65, "B-"), (60, "C+"), (55, "C"), (50, "C"), (45, "C-"), (40, "D+"),
        (35, "D"), (30, "D"), (25, "D-"), (24, "F"), (20, "F"), (0, "F"),
    ],
)  # fmt: skip
def test_letters(score: int, grade: str) -> None:
    assert letter(score) == grade


@pytest.mark.parametrize(
    ("modifiers", "score"),
    [
        ([], 100),
        ([10, 5, 5], 120),
        ([-5, 10], 105),
        ([-10, 5], 95),
        ([-10, -5, 40], 85),
        ([-25, -20, -20, -5], 30),
        ([-50, -40, -30], 0),
    ],
)
def test_bonus_points_count_from_ninety_on(modifiers: list[int], score: int) -> None:
    assert total(modifiers) == score


def test_everything_right() -> None:
    """100, +10 default-src 'none', +5 Referrer-Policy, +5 frames by policy, +10 each for CORP, COEP and COOP."""
    found = observatory.grade(answering(*SOUND))
    assert (found.score, found.grade) == (150, "A+")


def test_nothing_at_all() -> None:
    """-25 no policy, -20 no HSTS, -5 no nosniff, -20 no X-Frame-Options."""
    found = observatory.grade(answering())
    assert (found.score, found.grade) == (30, "D")


def test_talismans_defaults() -> None:
    """+5 policy, +5 Referrer-Policy, +5 X-Frame-Options: 115."""
    headers = [
        (CSP, "default-src 'self'; object-src 'none'"),
        ("Strict-Transport-Security", "max-age=31556926; includeSubDomains"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    assert observatory.grade(answering(*headers)).score == 115


def test_an_unsafe_policy_takes_all_bonus_points_too() -> None:
    """-20 for 'unsafe-inline' leaves 80, below the line from which bonus points count."""
    headers = [(CSP, "default-src 'self' 'unsafe-inline'"), *SOUND[1:], ("X-Frame-Options", "DENY")]
    found = observatory.grade(answering(*headers))
    assert (found.score, found.grade) == (80, "B+")


NONCE = "'nonce-abc'"


@pytest.mark.parametrize(
    ("policies", "result", "modifier"),
    [
        (["default-src 'none'"], "no-unsafe-default-src-none", 10),
        (["default-src 'self'"], "no-unsafe", 5),
        (["default-src 'none' https://a.example; object-src 'none'"], "no-unsafe", 5),
        (["default-src 'self'; style-src 'unsafe-inline'"], "unsafe-inline-in-style-src-only", 0),
        (["default-src 'self'; style-src https:"], "unsafe-inline-in-style-src-only", 0),
        (["default-src 'self'; img-src http://a.example"], "insecure-scheme-in-passive-content-only", -10),
        (["default-src 'self'; script-src 'self' 'unsafe-eval'"], "unsafe-eval", -10),
        (["default-src 'self'; style-src 'unsafe-eval'"], "unsafe-eval", -10),
        (["script-src 'unsafe-inline'; object-src 'none'"], "unsafe-inline", -20),
        (["script-src 'self' data:; object-src 'none'"], "unsafe-inline", -20),
        (["script-src https:; object-src 'none'"], "unsafe-inline", -20),
        (["script-src 'self'"], "unsafe-inline", -20),
        (["object-src 'none'"], "unsafe-inline", -20),
        (["default-src 'self'; connect-src http://a.example"], "insecure-scheme", -20),
        (["default-src 'self'; report-uri http://a.example/r"], "insecure-scheme", -20),
        ([f"default-src 'self'; script-src {NONCE} 'unsafe-inline'"], "no-unsafe", 5),
        ([f"default-src 'self'; script-src {NONCE} 'strict-dynamic' 'unsafe-inline' https: http:"], "no-unsafe", 5),
        (["DEFAULT-SRC 'NONE'"], "no-unsafe-default-src-none", 10),
        # several are intersected by text
        (["default-src 'self' https:", "default-src 'self'"], "no-unsafe", 5),
        (["default-src 'self', default-src 'self' 'unsafe-inline'"], "no-unsafe", 5),
        (["default-src https:", "script-src 'unsafe-inline'; object-src 'none'"], "unsafe-inline-in-style-src-only", 0),
    ],
)
def test_policies(policies: list[str], result: str, modifier: int) -> None:
    found = of("content-security-policy", answering(*((CSP, policy) for policy in policies)))
    assert found == (f"csp-implemented-with-{result}", modifier)


@pytest.mark.parametrize(
    ("headers", "result", "modifier"),
    [
        ([], "csp-not-implemented", -25),
        ([(REPORT, "default-src 'self'")], "csp-not-implemented-but-reporting-enabled", -25),
        ([(CSP, "")], "csp-header-invalid", -25),
        ([(CSP, "x 'y'")], "csp-header-invalid", -25),
        ([(CSP, "default-src 'self',")], "csp-header-invalid", -25),
        ([(CSP, "img-src 'self'; img-src *")], "csp-header-invalid", -25),
        ([(CSP, "default-src 'self'; script-src 'strict-dynamic'")], "csp-header-invalid", -25),
        ([(CSP, "default-src 'none'; report-uri /a; report-uri /b")], "csp-implemented-but-duplicate-directives", 0),
    ],
)
def test_policies_that_are_not_taken(headers: list[tuple[str, str]], result: str, modifier: int) -> None:
    assert of("content-security-policy", answering(*headers)) == (result, modifier)


def test_policies_of_meta_tags() -> None:
    made = answering(marks={"csp-meta": "default-src 'none'"})
    assert of("content-security-policy", made)[1] == 10
    only_frames = answering(marks={"csp-meta": "frame-ancestors 'none'"})
    assert of("content-security-policy", only_frames) == ("csp-not-implemented", -25)
    assert of("x-frame-options", only_frames) == ("x-frame-options-not-implemented", -20)


@pytest.mark.parametrize(
    ("cookies", "hsts", "result", "modifier"),
    [
        ([], True, "not-found", 0),
        (["session=…; Secure; HttpOnly; SameSite=Lax"], True, "secure-with-httponly-sessions-and-samesite", 5),
        (["session=…; Secure; HttpOnly"], True, "secure-with-httponly-sessions", 0),
        (["theme=…"], True, "without-secure-flag-but-protected-by-hsts", -5),
        (["theme=…"], False, "without-secure-flag", -20),
        (["session=…; HttpOnly"], True, "session-without-secure-flag-but-protected-by-hsts", -10),
        (["session=…; HttpOnly"], False, "session-without-secure-flag", -40),
        (["session=…; Secure"], True, "session-without-httponly-flag", -30),
        (["login=…; Secure"], True, "session-without-httponly-flag", -30),
        (["remember_token=…; Secure"], True, "secure-with-httponly-sessions", 0),
        (["csrf=…; Secure"], True, "anticsrf-without-samesite-flag", -20),
        (["theme=…; Secure; SameSite=Maybe"], True, "samesite-flag-invalid", -20),
        (["theme=…; Secure; SameSite"], True, "samesite-flag-invalid", -20),
        (["theme=…; SameSite=None"], True, "samesite-flag-invalid", -20),
        # the worst by the Observatory's own order counts, not by the points
        (["theme=…", "session=…; HttpOnly"], True, "session-without-secure-flag-but-protected-by-hsts", -10),
        (["theme=…; Secure; SameSite=Lax", "session=…; Secure"], True, "session-without-httponly-flag", -30),
    ],
)
def test_cookies(cookies: list[str], hsts: bool, result: str, modifier: int) -> None:
    made = answering(*([HSTS] if hsts else []), *(("Set-Cookie", cookie) for cookie in cookies))
    assert of("cookies", made) == (f"cookies-{result}", modifier)


@pytest.mark.parametrize(
    ("test", "name", "value", "modifier"),
    [
        ("referrer-policy", "Referrer-Policy", None, 0),
        ("referrer-policy", "Referrer-Policy", "unsafe-url, no-referrer", 5),
        ("referrer-policy", "Referrer-Policy", "no-referrer, unsafe-url", -5),
        ("referrer-policy", "Referrer-Policy", "origin", -5),
        ("referrer-policy", "Referrer-Policy", "nonsense", -5),
        ("strict-transport-security", HSTS[0], None, -20),
        ("strict-transport-security", HSTS[0], "max-age=15552000", 0),
        ("strict-transport-security", HSTS[0], "max-age=15551999", -10),
        ("strict-transport-security", HSTS[0], "max-age=0", -10),
        ("strict-transport-security", HSTS[0], "includeSubDomains", -20),
        ("strict-transport-security", HSTS[0], "max-age=31536000, max-age=31536000", -20),
        ("x-content-type-options", "X-Content-Type-Options", None, -5),
        ("x-content-type-options", "X-Content-Type-Options", "NoSniff", 0),
        ("x-content-type-options", "X-Content-Type-Options", "nosniff, nosniff", -5),
        ("x-frame-options", "X-Frame-Options", None, -20),
        ("x-frame-options", "X-Frame-Options", "DENY", 5),
        ("x-frame-options", "X-Frame-Options", "ALLOW-FROM https://a.example", 0),
        ("x-frame-options", "X-Frame-Options", "DENY, DENY", -20),
        ("x-frame-options", CSP, "default-src 'self'; frame-ancestors *", 5),
        ("cross-origin-resource-policy", "Cross-Origin-Resource-Policy", None, 0),
        ("cross-origin-resource-policy", "Cross-Origin-Resource-Policy", "same-site", 10),
        ("cross-origin-resource-policy", "Cross-Origin-Resource-Policy", "cross-origin", 0),
        ("cross-origin-resource-policy", "Cross-Origin-Resource-Policy", "yes", -5),
        ("cross-origin-embedder-policy", "Cross-Origin-Embedder-Policy", 'require-corp; report-to="x"', 10),
        ("cross-origin-embedder-policy", "Cross-Origin-Embedder-Policy", "credentialless", 10),
        ("cross-origin-embedder-policy", "Cross-Origin-Embedder-Policy", "unsafe-none", 0),
        ("cross-origin-embedder-policy", "Cross-Origin-Embedder-Policy", '"require-corp"', -5),
        ("cross-origin-opener-policy", "Cross-Origin-Opener-Policy", "same-origin-allow-popups", 10),
        ("cross-origin-opener-policy", "Cross-Origin-Opener-Policy", "noopener-allow-popups", 10),
        ("cross-origin-opener-policy", "Cross-Origin-Opener-Policy", "same-origin, same-origin", -5),
        ("cross-origin-opener-policy", "Cross-Origin-Opener-Policy", "Same-Origin", -5),
        ("cross-origin-resource-sharing", "Access-Control-Allow-Origin", "*", 0),
        ("cross-origin-resource-sharing", "Access-Control-Allow-Origin", "https://partner.example", 0),
    ],
)
def test_single_headers(test: str, name: str, value: str | None, modifier: int) -> None:
    assert of(test, answering(*([(name, value)] if value is not None else [])))[1] == modifier


def test_sharing_with_everybody() -> None:
    headers = [("Access-Control-Allow-Origin", "https://x.example"), ("Access-Control-Allow-Credentials", "true")]
    made = answering(*headers, marks={"origin": "https://x.example"})
    assert of("cross-origin-resource-sharing", made)[1] == -50


@pytest.mark.parametrize(
    ("scripts", "result", "modifier"),
    [
        ("", "not-implemented-but-no-scripts-loaded", 0),
        ("-", "not-implemented-but-all-scripts-loaded-from-secure-origin", 0),
        ("- /app.js", "not-implemented-but-all-scripts-loaded-from-secure-origin", 0),
        ("+ /app.js", "implemented-and-all-scripts-loaded-securely", 5),
        ("+ https://cdn.example/x.js", "implemented-and-external-scripts-loaded-securely", 5),
        ("- https://static.shop.example/x.js", "not-implemented-but-all-scripts-loaded-from-secure-origin", 0),
        ("- https://cdn.example/x.js", "not-implemented-but-external-scripts-loaded-securely", -5),
        ("+ http://cdn.example/x.js", "implemented-but-external-scripts-not-loaded-securely", -20),
        ("+ //cdn.example/x.js", "implemented-but-external-scripts-not-loaded-securely", -20),
        ("- //cdn.example/x.js", "not-implemented-and-external-scripts-not-loaded-securely", -50),
        ("- //www.shop.example/x.js", "not-implemented-and-external-scripts-not-loaded-securely", -50),
        ("+ /app.js\n- https://cdn.example/x.js", "not-implemented-but-external-scripts-loaded-securely", -5),
    ],
)
def test_integrity_of_scripts(scripts: str, result: str, modifier: int) -> None:
    made = answering(marks={"host": "www.shop.example", "scripts": scripts})
    assert of("subresource-integrity", made) == (f"sri-{result}", modifier)


def test_no_html_has_no_scripts() -> None:
    made = answering(content_type="application/json", marks={"scripts": "- //cdn.example/x.js"})
    assert of("subresource-integrity", made) == ("sri-not-implemented-response-not-html", 0)


@pytest.mark.parametrize(
    ("status", "graded"), [(200, True), (302, True), (401, True), (403, True), (404, False), (500, False)]
)
def test_statuses(status: int, graded: bool) -> None:
    assert observatory.scored(status) is graded
