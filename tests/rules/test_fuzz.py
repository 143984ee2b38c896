"""Whatever a response holds, a header or cookie rule answers with a finding, a pass, a skip or not proved."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules.made import exchange, facts

from seatrial.model.classes import ResponseClasses
from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Access, Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.observe.markup import marks
from seatrial.observe.redaction import cookie_sizes, safe_headers
from seatrial.rules import cke, hdr

BOUNDED = settings(
    derandomize=True, max_examples=150, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
NAMES = [
    "Access-Control-Allow-Credentials", "Access-Control-Allow-Origin", "Cache-Control", "Content-Security-Policy",
    "content-security-policy", "Content-Security-Policy-Report-Only", "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Date", "Expires", "Feature-Policy", "Location",
    "Permissions-Policy", "Referrer-Policy", "Set-Cookie", "Strict-Transport-Security", "X-Content-Type-Options",
    "X-Frame-Options",
]  # fmt: skip
PIECES = [
    "default-src", "script-src", "frame-ancestors", "'self'", "'none'", "'nonce-", "'unsafe-inline'", "*", "https:",
    "data:", "'strict-dynamic'", "max-age=", "31536000", "9" * 5000, "٣", "session=", "…", "Secure", "SameSite=",
    "Lax", "Path=/", "Max-Age=", "Expires=", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "camera=(", ")", '"', "=", ";", ",", " ", "\t", "\n", "\x00", "\x7f", "\xff", "\udcff", "💥", "no-store",
    "private", "null", "true", "DENY", "nosniff", "unsafe-url", "-1", "[", "]", "\\",
]  # fmt: skip
VALUES = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(max_size=40),
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")),
)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=10)
TAGS = [
    "<meta", "<script", "<link", "<body", "<!--", "-->", ">", "</", "/>", " ", " http-equiv=", " content=",
    " name=referrer", " src=", " href=", " rel=stylesheet", " integrity=", '"', "'", "content-security-policy",
    "default-src 'self'", "//a.b", "https://a.b/c?d=e", "\x00", "\udcff", "&#0;", "&#x110000;", "&quot", "=", "<",
]  # fmt: skip
PAGES = st.lists(st.sampled_from(TAGS), max_size=25).map("".join)


@st.composite
def responses(draw: st.DrawFn) -> Exchange:
    sent = draw(HEADERS)
    seen = {"host": draw(st.sampled_from(["", "a.b", "[::1]"])), "cookie-sizes": cookie_sizes(sent)}
    return exchange(
        status=draw(st.sampled_from([0, 101, 200, 204, 302, 304, 400, 401, 404, 405, 429, 500, 999])),
        route=Route("GET", "/", "home", path="/", access=draw(st.sampled_from(list(Access)))),
        headers=draw(st.sampled_from([safe_headers(sent), tuple(sent)])),
        scheme=draw(st.sampled_from(["http", "https"])),
        content_type=draw(st.sampled_from(["", "text/html", "application/json", "text/html\x00"])),
        identity=draw(st.sampled_from(["anonymous", "owner"])),
        marks={**seen, **marks(draw(PAGES)), "origin": draw(st.sampled_from(["null", "https://x.example"]))},
    )


CONTEXT = Context(facts=facts(cookie_roles={"session": "session", "": "remember"}))


def answered(judgement: Judgement) -> None:
    """The answer is one that a report can show."""
    assert judgement.outcome is not Outcome.BROKEN
    assert bool(judgement.findings) is (judgement.outcome is Outcome.FAIL)
    if judgement.outcome in (Outcome.SKIPPED, Outcome.NOT_PROVED):
        assert judgement.reason
    for finding in judgement.findings:
        assert finding.fingerprint
        assert len(json.dumps(dict(finding.evidence))) < 60_000


@BOUNDED
@given(responses())
def test_rules_of_one_response(made: Exchange) -> None:
    for rule in (*hdr.OF_A_RESPONSE, *cke.RULES):
        answered(rule(made, CONTEXT))


@BOUNDED
@given(st.lists(responses(), min_size=1, max_size=4))
def test_rules_of_several_responses(made: list[Exchange]) -> None:
    answered(hdr.csp_nonce_reused(made[:2], CONTEXT))
    answered(hdr.cors_reflects_origin(made, CONTEXT))
    answered(hdr.header_lost(ResponseClasses("blueprint shop", tuple(made)), CONTEXT))


@BOUNDED
@given(st.one_of(PAGES, st.text(max_size=200)))
def test_markup(page: str) -> None:
    assert all(isinstance(value, str) and value for value in marks(page).values())


def test_huge_values() -> None:
    huge = "a" * 100_000
    for name in NAMES:
        for value in (
            huge,
            "," * 100_000,
            "; " * 50_000,
            "a=" * 50_000,
            '"' * 100_000,
            "9" * 100_000,
            f"max-age={'9' * 9000}",
        ):
            made = exchange(headers=((name, value), (name, value)))
            for rule in (*hdr.OF_A_RESPONSE, *cke.RULES):
                answered(rule(made, CONTEXT))


def test_huge_pages() -> None:
    for part in ("<script ", "<meta content='", "<!--", "<body a=", "< ", "<link rel=stylesheet href=x>"):
        assert isinstance(marks(part * 30_000), dict)
