"""The policy parser and evaluator on policies as sites really send them, and on what nobody should."""

import string
from random import Random

import pytest

from seatrial.rules.csp import Policy, in_meta, parse, parse_header, restricted, script_holes, weaknesses
from seatrial.rules.csp.bypasses import of_script
from seatrial.rules.csp.sources import Kind, Url, matches, source
from seatrial.rules.csp.weaknesses import Severity, worst

NONCE = "'nonce-dGhpcyBpcyBhIG5vbmNlIQ=='"
HASH = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"


def holes(*headers: str, scheme: str = "https") -> list[str]:
    policies = [policy for header in headers for policy in parse_header(header)]
    return [hole.kind for hole in script_holes(policies, scheme)]


def types(policy: str) -> dict[str, Severity]:
    """Type to severity, the worst of each."""
    found: dict[str, Severity] = {}
    for weakness in weaknesses(parse(policy)):
        found[weakness.type] = min(found.get(weakness.type, weakness.severity), weakness.severity)
    return found


# ---------------------------------------------------------------------- parsing
@pytest.mark.parametrize(
    ("serialized", "directives"),
    [
        ("default-src 'self'", {"default-src": ["'self'"]}),
        ("Default-Src 'Self' HTTPS://A.example/Path", {"default-src": ["'Self'", "HTTPS://A.example/Path"]}),
        (";;  ;img-src\t*\n;", {"img-src": ["*"]}),
        ("script-src", {"script-src": []}),
        ("script-src 'self'; SCRIPT-SRC *", {"script-src": ["'self'"]}),
        ("", {}),
        ("img-src é.example; font-src 'self'", {"font-src": ["'self'"]}),
        ("img-src a.example\x0bb.example", {"img-src": ["a.example\x0bb.example"]}),
    ],
)
def test_parsing(serialized: str, directives: dict[str, list[str]]) -> None:
    assert parse(serialized).directives == directives


def test_what_browsers_do_not_read_is_named() -> None:
    policy = parse("img-src 'self'; img-src *; font-src ü")
    assert (policy.duplicates, policy.unread) == (("img-src",), ("font-src",))


def test_commas_begin_another_policy_and_empty_ones_are_none() -> None:
    assert [p.directives for p in parse_header("img-src 'self',, font-src *")] == [
        {"img-src": ["'self'"]},
        {"font-src": ["*"]},
    ]


def test_a_meta_tag_has_one_policy_and_not_every_directive() -> None:
    policy = in_meta("script-src 'self', x; frame-ancestors 'none'; sandbox; report-uri /r")
    assert policy.directives == {"script-src": ["'self',", "x"]}
    assert policy.unread == ("frame-ancestors", "sandbox", "report-uri")


@pytest.mark.parametrize(
    ("serialized", "binds"),
    [
        ("default-src *", True),
        ("upgrade-insecure-requests", True),
        ("report-uri /r; report-to csp", False),
        ("default-source 'self'", False),
        ("reflected-xss block", False),
    ],
)
def test_binding(serialized: str, binds: bool) -> None:
    assert parse(serialized).binds is binds


@pytest.mark.parametrize(
    ("policy", "asked", "governing"),
    [
        ("default-src 'self'", "script-src-elem", "default-src"),
        ("default-src 'self'; script-src *", "script-src-attr", "script-src"),
        ("default-src 'self'; script-src *; script-src-elem 'self'", "script-src-elem", "script-src-elem"),
        ("default-src 'self'; child-src *", "frame-src", "child-src"),
        ("script-src 'self'", "worker-src", "script-src"),
        ("script-src 'self'", "img-src", None),
        ("default-src 'self'", "base-uri", None),
        ("default-src 'self'", "frame-ancestors", None),
        ("default-src 'self'", "form-action", None),
    ],
)
def test_fallbacks(policy: str, asked: str, governing: str | None) -> None:
    assert parse(policy).governing(asked) == governing


# ---------------------------------------------------------------------- sources
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("'SELF'", Kind.KEYWORD),
        ("'wasm-unsafe-eval'", Kind.KEYWORD),
        (NONCE, Kind.NONCE),
        ("'nonce-'", Kind.INVALID),
        ("'nonce-has space'", Kind.INVALID),
        (HASH, Kind.HASH),
        ("'sha1-abc'", Kind.INVALID),
        ("https:", Kind.SCHEME),
        ("*", Kind.HOST),
        ("*.example.com:*", Kind.HOST),
        ("https://example.com:8443/path?query", Kind.HOST),
        ("localhost:5000", Kind.HOST),
        ("[::1]:80", Kind.HOST),
        ("//example.com", Kind.INVALID),
        ("a.*.com", Kind.INVALID),
        ("'unsafe-nonsense'", Kind.INVALID),
    ],
)
def test_kinds(text: str, kind: Kind) -> None:
    assert source(text).kind is kind


URL = Url("https", "cdn.example.com", "/lib/x.js")


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        ("*", URL, True),
        ("*", Url("data"), False),
        ("data:", Url("data"), True),
        ("https:", URL, True),
        ("http:", URL, True),
        ("https:", Url("http", "a.example"), False),
        ("cdn.example.com", URL, True),
        ("CDN.Example.com", URL, True),
        ("*.example.com", URL, True),
        ("*.cdn.example.com", URL, False),
        ("example.com", URL, False),
        ("http://cdn.example.com", URL, True),
        ("http://cdn.example.com:80", URL, True),
        ("https://cdn.example.com:8443", URL, False),
        ("https://cdn.example.com:*", URL, True),
        ("cdn.example.com/lib/", URL, True),
        ("cdn.example.com/lib", URL, False),
        ("cdn.example.com/lib/x.js", URL, True),
        ("cdn.example.com/l%69b/", URL, True),
        ("cdn.example.com/other/", URL, False),
        ("'self'", URL, False),
        ("//cdn.example.com", URL, False),
    ],
)
def test_matching(text: str, url: Url, expected: bool) -> None:
    assert matches(source(text), url) is expected


# ---------------------------------------------------------------------- what scripts get through
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'", []),
        ("default-src 'none'", []),
        ("script-src", []),
        ("script-src 'self' https://cdn.example.com", []),
        ("img-src 'self'", ["unrestricted"]),
        ("upgrade-insecure-requests", ["unrestricted"]),
        ("sandbox", []),
        ("sandbox allow-scripts", ["unrestricted"]),
        # inline
        ("script-src 'self' 'unsafe-inline'", ["inline"]),
        ("default-src 'self' 'unsafe-inline'", ["inline"]),
        (f"script-src {NONCE} 'unsafe-inline'", []),
        (f"script-src {HASH} 'unsafe-inline'", []),
        ("script-src 'strict-dynamic' 'unsafe-inline'", []),
        ("script-src 'nonce-' 'unsafe-inline'", ["inline"]),
        ("default-src 'self'; style-src 'unsafe-inline'", []),
        ("script-src 'self'; script-src-attr 'unsafe-inline'", ["inline"]),
        ("script-src 'self' 'unsafe-inline'; script-src-attr 'none'", ["inline"]),
        ("script-src 'unsafe-inline'; script-src-elem 'self'; script-src-attr 'none'", []),
        (f"script-src 'unsafe-hashes' {HASH}", []),
        # eval
        ("script-src 'self' 'unsafe-eval'", ["eval"]),
        ("script-src 'self' 'unsafe-eval'; require-trusted-types-for 'script'", []),
        ("script-src 'self' 'wasm-unsafe-eval'", []),
        (f"script-src {NONCE} 'strict-dynamic' 'unsafe-eval'", ["eval"]),
        # from everywhere
        ("script-src https:", ["https:"]),
        ("script-src http:", ["https:"]),
        ("script-src *", ["https:"]),
        ("script-src https://*", ["https:"]),
        ("script-src http://*:*", ["https:"]),
        ("script-src 'self' data:", ["data:"]),
        ("script-src data: https:", ["data:", "https:"]),
        (f"script-src {NONCE} 'strict-dynamic' https: http: 'unsafe-inline'", []),
        (f"script-src {NONCE} https:", ["https:"]),
        ("default-src *; script-src 'self'", []),
        ("script-src blob:", []),
        # around the allow-list
        ("script-src ajax.googleapis.com", ["ajax.googleapis.com"]),
        ("script-src https://ajax.googleapis.com/ajax/libs/jquery/", []),
        ("script-src https://ajax.googleapis.com/ajax/libs/", ["ajax.googleapis.com"]),
        ("script-src *.jsdelivr.net", ["cdn.jsdelivr.net"]),
        ("script-src https://cdn.jsdelivr.net/npm/bootstrap@5.3/", []),
        ("script-src https://unpkg.com", ["unpkg.com"]),
        ("script-src www.googletagmanager.com", []),
        ("script-src www.googletagmanager.com 'unsafe-eval'", ["eval", "www.googletagmanager.com"]),
        ("script-src *.github.io", ["anybody.github.io"]),
        ("script-src mine.github.io", []),
        ("script-src *.com", ["*.com"]),
        ("script-src https://cdn.example.com:8443", []),
    ],
)
def test_script_holes(policy: str, expected: list[str]) -> None:
    assert holes(policy) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["script-src 'unsafe-inline'", "script-src 'self'"], []),
        (["script-src 'unsafe-inline', script-src 'unsafe-inline' https:"], ["inline"]),
        (["script-src 'self'", "img-src *"], []),
        (["img-src *", "script-src 'unsafe-inline'"], ["inline"]),
        (["script-src https:", "script-src 'self'"], []),
        (["script-src https:", "script-src *"], ["https:"]),
        (["script-src https:", "script-src unpkg.com"], ["unpkg.com"]),
        (["script-src unpkg.com", "script-src https:"], ["unpkg.com"]),
        (["script-src unpkg.com", "script-src cdn.jsdelivr.net"], []),
        (["script-src unpkg.com", f"script-src {NONCE} 'strict-dynamic' unpkg.com"], []),
        (["script-src 'unsafe-eval'", "default-src 'self'"], []),
        (["script-src 'unsafe-eval'", "require-trusted-types-for 'script'"], []),
    ],
)
def test_a_load_must_pass_every_policy(headers: list[str], expected: list[str]) -> None:
    assert holes(*headers) == expected


def test_no_policy_restricts_nothing() -> None:
    assert holes() == ["unrestricted"]


def test_a_hole_names_the_expression() -> None:
    [hole] = script_holes(parse_header("default-src 'self'; script-src 'self' HTTPS:"))
    assert (hole.directive, hole.value) == ("script-src", "HTTPS:")


@pytest.mark.parametrize(
    ("headers", "directive", "expected"),
    [
        (["default-src 'self'"], "object-src", True),
        (["default-src *"], "object-src", False),
        (["object-src https:"], "object-src", False),
        (["default-src 'self'"], "base-uri", False),
        (["base-uri 'self'"], "base-uri", True),
        (["base-uri"], "base-uri", True),
        (["form-action *", "form-action 'self'"], "form-action", True),
        (["frame-ancestors http:"], "frame-ancestors", False),
        (["frame-ancestors https://partner.example"], "frame-ancestors", True),
    ],
)
def test_restricted(headers: list[str], directive: str, expected: bool) -> None:
    policies = [policy for header in headers for policy in parse_header(header)]
    assert restricted(policies, directive) is expected


# ---------------------------------------------------------------------- csp-evaluator's findings
@pytest.mark.parametrize(
    ("policy", "type_", "severity"),
    [
        ("script-src 'unsafe-inline'", "SCRIPT_UNSAFE_INLINE", Severity.HIGH),
        ("default-src 'unsafe-inline'", "SCRIPT_UNSAFE_INLINE", Severity.HIGH),
        ("script-src-attr 'unsafe-inline'", "SCRIPT_UNSAFE_INLINE", Severity.HIGH),
        ("script-src 'unsafe-hashes'", "SCRIPT_UNSAFE_HASHES", Severity.MEDIUM_MAYBE),
        ("script-src 'unsafe-eval'", "SCRIPT_UNSAFE_EVAL", Severity.MEDIUM_MAYBE),
        ("script-src data:", "PLAIN_URL_SCHEMES", Severity.HIGH),
        ("object-src https:", "PLAIN_URL_SCHEMES", Severity.HIGH),
        ("base-uri http:", "PLAIN_URL_SCHEMES", Severity.HIGH),
        ("script-src *", "PLAIN_WILDCARD", Severity.HIGH),
        ("object-src https://*", "PLAIN_WILDCARD", Severity.HIGH),
        ("script-src 'self'", "MISSING_DIRECTIVES", Severity.HIGH),
        ("object-src 'none'", "MISSING_DIRECTIVES", Severity.HIGH),
        (f"script-src {NONCE}; object-src 'none'", "MISSING_DIRECTIVES", Severity.HIGH),
        (f"script-src {HASH} 'strict-dynamic'; object-src 'none'", "MISSING_DIRECTIVES", Severity.HIGH),
        ("script-src ajax.googleapis.com", "SCRIPT_ALLOWLIST_BYPASS", Severity.HIGH),
        ("script-src-elem cdnjs.cloudflare.com", "SCRIPT_ALLOWLIST_BYPASS", Severity.HIGH),
        ("script-src cdn.example.com", "SCRIPT_ALLOWLIST_BYPASS", Severity.MEDIUM_MAYBE),
        ("script-src 'self'", "SCRIPT_ALLOWLIST_BYPASS", Severity.MEDIUM_MAYBE),
        ("script-src www.google-analytics.com", "SCRIPT_ALLOWLIST_BYPASS", Severity.MEDIUM_MAYBE),
        ("script-src www.google-analytics.com 'unsafe-eval'", "SCRIPT_ALLOWLIST_BYPASS", Severity.HIGH),
        ("object-src vk.com", "OBJECT_ALLOWLIST_BYPASS", Severity.HIGH),
        ("object-src cdn.example.com", "OBJECT_ALLOWLIST_BYPASS", Severity.MEDIUM_MAYBE),
        ("script-src 'nonce-short'", "NONCE_LENGTH", Severity.MEDIUM),
        ("script-src 'nonce-not*base64'", "NONCE_CHARSET", Severity.INFO),
        ("img-src 10.0.0.1", "IP_SOURCE", Severity.INFO),
        ("img-src [2001:db8::1]", "IP_SOURCE", Severity.INFO),
        ("reflected-xss block", "DEPRECATED_DIRECTIVE", Severity.INFO),
        ("prefetch-src 'self'", "DEPRECATED_DIRECTIVE", Severity.INFO),
        ("img-src http://a.example", "SRC_HTTP", Severity.MEDIUM),
        ("report-uri http://a.example/r", "SRC_HTTP", Severity.MEDIUM),
        ("scrip-src 'self'", "UNKNOWN_DIRECTIVE", Severity.SYNTAX),
        ("script-src: 'self'", "UNKNOWN_DIRECTIVE", Severity.SYNTAX),
        ("script-src 'self' object-src 'none'", "MISSING_SEMICOLON", Severity.SYNTAX),
        ("script-src unsafe-inline", "INVALID_KEYWORD", Severity.SYNTAX),
        ("script-src self", "INVALID_KEYWORD", Severity.SYNTAX),
        ("script-src nonce-dGhpcyBpcyBh", "INVALID_KEYWORD", Severity.SYNTAX),
        ("script-src 'unsafe-inlin'", "INVALID_KEYWORD", Severity.SYNTAX),
        ("script-src cdn.example.com", "STRICT_DYNAMIC", Severity.STRICT_CSP),
        ("script-src 'strict-dynamic'", "STRICT_DYNAMIC_NOT_STANDALONE", Severity.INFO),
        (f"script-src {NONCE}", "UNSAFE_INLINE_FALLBACK", Severity.STRICT_CSP),
        (f"script-src {NONCE} 'strict-dynamic'", "ALLOWLIST_FALLBACK", Severity.STRICT_CSP),
        ("script-src 'self'", "REQUIRE_TRUSTED_TYPES_FOR_SCRIPTS", Severity.INFO),
        ("script-src 'self'", "REPORTING_DESTINATION_MISSING", Severity.INFO),
        ("report-to csp", "REPORT_TO_ONLY", Severity.INFO),
        (f"script-src {NONCE} 'unsafe-inline'", "IGNORED", Severity.NONE),
        (f"script-src {NONCE} 'strict-dynamic' https:", "IGNORED", Severity.NONE),
    ],
)
def test_weakness(policy: str, type_: str, severity: Severity) -> None:
    assert types(policy).get(type_) is severity


@pytest.mark.parametrize(
    ("policy", "type_"),
    [
        (f"script-src {NONCE} 'unsafe-inline'", "SCRIPT_UNSAFE_INLINE"),
        (f"script-src {NONCE} 'strict-dynamic' https: *", "PLAIN_URL_SCHEMES"),
        (f"script-src {NONCE} 'strict-dynamic' https: *", "PLAIN_WILDCARD"),
        (f"script-src {NONCE} 'strict-dynamic' unpkg.com", "SCRIPT_ALLOWLIST_BYPASS"),
        ("img-src * data:", "PLAIN_URL_SCHEMES"),
        ("default-src 'none'", "MISSING_DIRECTIVES"),
        (f"script-src {NONCE}; object-src 'none'; base-uri 'none'", "MISSING_DIRECTIVES"),
        (f"script-src {HASH}; object-src 'none'", "MISSING_DIRECTIVES"),
        ("default-src vk.com; object-src 'none'", "OBJECT_ALLOWLIST_BYPASS"),
        ("object-src vk.com; plugin-types application/pdf", "OBJECT_ALLOWLIST_BYPASS"),
        ("script-src 'nonce-12345678'", "NONCE_LENGTH"),
        ("script-src 'WASM-UNSAFE-EVAL'", "INVALID_KEYWORD"),
        ("require-trusted-types-for 'script'", "INVALID_KEYWORD"),
        ("require-trusted-types-for 'script'", "REQUIRE_TRUSTED_TYPES_FOR_SCRIPTS"),
        ("trusted-types 'allow-duplicates' default", "INVALID_KEYWORD"),
        ("report-uri /r", "REPORTING_DESTINATION_MISSING"),
        ("sandbox allow-scripts", "MISSING_SEMICOLON"),
    ],
)
def test_no_weakness(policy: str, type_: str) -> None:
    assert type_ not in types(policy)


def test_worst() -> None:
    assert worst([]) is Severity.NONE
    assert worst(weaknesses(parse("img-src 10.0.0.1; script-src *"))) is Severity.HIGH


def test_a_strict_policy_with_all_fallbacks_has_no_weakness() -> None:
    policy = (
        f"script-src {NONCE} 'strict-dynamic' 'unsafe-inline' https:; object-src 'none'; base-uri 'none'; "
        "require-trusted-types-for 'script'; report-uri /r"
    )
    assert set(types(policy)) == {"IGNORED"}


def test_every_known_bypass_is_found_by_host_and_by_wildcard() -> None:
    from seatrial.rules.csp.bypasses import _SCRIPTS

    assert len({bypass.url.host for bypass in _SCRIPTS}) > 70
    for bypass in _SCRIPTS:
        above = "*." + bypass.url.host.partition(".")[2]
        assert bypass in of_script(source(bypass.url.host), evaluates=True)
        assert bypass in of_script(source(f"https://{above}"), evaluates=True)
        assert bypass not in of_script(source(f"{bypass.url.host}/nothing/of/this/"), evaluates=True)


# ---------------------------------------------------------------------- hostile input
ALPHABET = [
    *"'*:/;, .-\t\n\x00\x0b\x1fé💥%=?#[]",
    "'nonce-", "'sha256-", "script-src ", "default-src ", "https:", "'self'", "'strict-dynamic'", "*.", "data:",
    *string.ascii_letters[:6],
]  # fmt: skip


def judge_everything(header: str) -> list[Policy]:
    policies = [*parse_header(header), in_meta(header)]
    script_holes(policies)
    for policy in policies:
        weaknesses(policy)
        for directive in ("object-src", "base-uri", "form-action", "frame-ancestors", "nonsense"):
            restricted([policy], directive)
    return policies


@pytest.mark.parametrize("seed", range(4))
def test_nothing_raises(seed: int) -> None:
    random = Random(seed)
    for _ in range(500):
        header = "".join(random.choice(ALPHABET) for _ in range(random.randrange(60)))
        assert judge_everything(header)


@pytest.mark.parametrize(
    "header",
    [
        "script-src " + "a." * 50_000,
        "script-src " + "*." * 50_000,
        "script-src " + "'nonce-" * 14_000,
        "script-src " + "https://" * 12_500,
        "; ".join(f"x{n}-src 'self'" for n in range(6000)),
        ";" * 100_000,
        "," * 100_000,
        "script-src " + "\udcff" * 100_000,
    ],
    ids=lambda header: f"{header[:20]!r}…",
)
def test_huge_policies_take_no_time_to_speak_of(header: str) -> None:
    import time

    started = time.process_time()
    assert judge_everything(header)
    assert time.process_time() - started < 2
