"""The findings of csp-evaluator for one policy, with its numbers and severities, computed from the effective policy.

The types, numbers and severities are those of csp-evaluator 1.1 (`finding.ts`), so that its documentation and other
tools can be read beside ours. They are evidence: what the browser lets through when several policies are sent is told
by `effective`.
"""

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from seatrial.rules.csp.bypasses import of_object, of_script
from seatrial.rules.csp.policy import KNOWN, Policy, SourceList
from seatrial.rules.csp.sources import KEYWORDS, Kind, source


class Severity(IntEnum):
    """The lower, the worse."""

    HIGH = 10
    SYNTAX = 20
    MEDIUM = 30
    HIGH_MAYBE = 40
    STRICT_CSP = 45
    MEDIUM_MAYBE = 50
    INFO = 60
    NONE = 100


class Weakness(NamedTuple):
    """One finding."""

    type: str
    number: int
    severity: Severity
    directive: str
    value: str = ""


_XSS_SCHEMES = frozenset({"data", "http", "https"})
_SCRIPTS = ("script-src", "script-src-attr", "script-src-elem")
_XSS = (*_SCRIPTS, "object-src", "base-uri")
_DEPRECATED = ("reflected-xss", "referrer", "disown-opener", "prefetch-src")
_BARE = frozenset({*(keyword.strip("'") for keyword in KEYWORDS), "wasm-eval", "block", "allow"})
_BARE_PREFIX = re.compile(r"(?:nonce|sha256|sha384|sha512)-")
_FORGOTTEN = KNOWN - {"referrer", "sandbox", "webrtc"}
"""Names that are no words of their own in a value."""
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[.*\]")
_TRUSTED_TYPES = frozenset({"'script'", "'allow-duplicates'", "'none'"})
_OLD = frozenset({"'wasm-eval'", "'unsafe-hashed-attributes'", "'block'", "'allow'"})


def weaknesses(policy: Policy) -> list[Weakness]:
    """All of them, in no particular order."""
    found: list[Weakness] = []
    _of_values(policy, found)
    _of_scripts(policy, found)
    _of_objects(policy, found)
    _missing(policy, found)
    _strict(policy, found)
    _reporting(policy, found)
    return found


def _of_values(policy: Policy, into: list[Weakness]) -> None:
    """What each value says by itself, and names that no browser knows."""
    for directive, values in policy.directives.items():
        if values.weak is None:
            values.weak = tuple(_of_directive(directive, values))
        into += values.weak  # type: ignore[arg-type]


def _of_directive(directive: str, values: Sequence[str]) -> Iterator[Weakness]:
    if directive not in KNOWN:
        yield Weakness("UNKNOWN_DIRECTIVE", 101, Severity.SYNTAX, directive)
    elif directive in _DEPRECATED:
        yield Weakness("DEPRECATED_DIRECTIVE", 309, Severity.INFO, directive)
    for value in values:
        for type_, number, severity in _alone(value):
            if type_ == "INVALID_KEYWORD" and "trusted-types" in directive and value.lower() in _TRUSTED_TYPES:
                continue
            yield Weakness(type_, number, severity, directive, value)


def _alone(value: str) -> tuple[tuple[str, int, Severity], ...]:
    """What is wrong with a value wherever it stands."""
    lowered = value.lower()
    if lowered in KEYWORDS:
        return ()
    found: list[tuple[str, int, Severity]] = []
    if lowered.startswith("'nonce-") and lowered.endswith("'"):
        if len(lowered) < len("'nonce-'") + 8:
            found.append(("NONCE_LENGTH", 307, Severity.MEDIUM))
        if source(value).kind is not Kind.NONCE:
            found.append(("NONCE_CHARSET", 106, Severity.INFO))
            found.append(("INVALID_KEYWORD", 102, Severity.SYNTAX))
        return tuple(found)
    read = source(value)
    if lowered in _FORGOTTEN:
        found.append(("MISSING_SEMICOLON", 100, Severity.SYNTAX))
    ticked = lowered.startswith("'")
    wrong = read.kind is Kind.INVALID and lowered not in _OLD if ticked else _BARE_PREFIX.match(lowered)
    if wrong or lowered in _BARE:
        found.append(("INVALID_KEYWORD", 102, Severity.SYNTAX))
    elif lowered.startswith("http://"):
        found.append(("SRC_HTTP", 310, Severity.MEDIUM))
    if read.kind is Kind.HOST and _ADDRESS.fullmatch(read.value):
        found.append(("IP_SOURCE", 308, Severity.INFO))
    return tuple(found)


def _of_scripts(policy: Policy, into: list[Weakness]) -> None:
    """Of the directives that decide on script, objects and the base, each once."""
    elements = {id(policy.sources("script-src")), id(policy.sources("script-src-elem"))}
    scripts = {*elements, id(policy.sources("script-src-attr"))}
    lists = {id(listed): listed for name in _XSS if (listed := policy.sources(name)) is not None}
    for identity, listed in lists.items():
        directive = listed.directive
        if identity in scripts and listed.keywords:
            _keywords(directive, listed, into)
        # 'strict-dynamic' means nothing where no script is loaded.
        for found in listed.allowed if identity in scripts else listed.hosts:
            if found.kind is Kind.SCHEME:
                if found.value in _XSS_SCHEMES:
                    into.append(Weakness("PLAIN_URL_SCHEMES", 303, Severity.HIGH, directive, found.text))
            elif found.value == "*" and not (found.port or found.path):
                into.append(Weakness("PLAIN_WILDCARD", 304, Severity.HIGH, directive, found.text))
            elif identity in elements and "." in found.value:
                known = next(of_script(found, "'unsafe-eval'" in listed.keywords), None)
                severity = Severity.HIGH if known is not None else Severity.MEDIUM_MAYBE
                into.append(Weakness("SCRIPT_ALLOWLIST_BYPASS", 305, severity, directive, found.text))
        if identity in elements and "'self'" in listed.keywords and not listed.strict_dynamic:
            into.append(Weakness("SCRIPT_ALLOWLIST_BYPASS", 305, Severity.MEDIUM_MAYBE, directive, "'self'"))


def _keywords(directive: str, listed: SourceList, into: list[Weakness]) -> None:
    if listed.inline:
        into.append(Weakness("SCRIPT_UNSAFE_INLINE", 301, Severity.HIGH, directive, "'unsafe-inline'"))
    if "'unsafe-hashes'" in listed.keywords:
        into.append(Weakness("SCRIPT_UNSAFE_HASHES", 317, Severity.MEDIUM_MAYBE, directive, "'unsafe-hashes'"))
    if "'unsafe-eval'" in listed.keywords:
        into.append(Weakness("SCRIPT_UNSAFE_EVAL", 302, Severity.MEDIUM_MAYBE, directive, "'unsafe-eval'"))
    # What a newer keyword switches off: no weakness, but what a reader would stumble over.
    if "'unsafe-inline'" in listed.keywords and not listed.inline:
        into.append(Weakness("IGNORED", 405, Severity.NONE, directive, "'unsafe-inline'"))
    if listed.strict_dynamic:
        ignored = [found.text for found in listed.hosts] + ["'self'"] * ("'self'" in listed.keywords)
        into += [Weakness("IGNORED", 405, Severity.NONE, directive, value) for value in ignored]


def _of_objects(policy: Policy, into: list[Weakness]) -> None:
    listed = policy.sources("object-src")
    if listed is None or "'none'" in listed.keywords:
        return
    plugins = policy.directives.get("plugin-types")
    if plugins and "application/x-shockwave-flash" not in plugins:
        return
    for found in listed.sources:
        if next(of_object(found), None) is not None:
            into.append(Weakness("OBJECT_ALLOWLIST_BYPASS", 306, Severity.HIGH, listed.directive, found.text))
        elif listed.directive == "object-src":
            into.append(Weakness("OBJECT_ALLOWLIST_BYPASS", 306, Severity.MEDIUM_MAYBE, listed.directive, found.text))


def _missing(policy: Policy, into: list[Weakness]) -> None:
    scripts = policy.sources("script-src")
    if policy.sources("object-src") is None:
        into.append(Weakness("MISSING_DIRECTIVES", 300, Severity.HIGH, "object-src"))
    if scripts is None:
        into.append(Weakness("MISSING_DIRECTIVES", 300, Severity.HIGH, "script-src"))
    elif (scripts.nonces or (scripts.hashed and scripts.strict_dynamic)) and "base-uri" not in policy.directives:
        into.append(Weakness("MISSING_DIRECTIVES", 300, Severity.HIGH, "base-uri"))


def _strict(policy: Policy, into: list[Weakness]) -> None:
    """What a strict policy (nonces, 'strict-dynamic', fallbacks for older browsers) would have more."""
    scripts = policy.sources("script-src")
    if scripts is not None:
        directive, hosts = scripts.directive, bool(scripts.hosts)
        trusted = bool(scripts.nonces) or scripts.hashed
        if hosts and not scripts.strict_dynamic:
            into.append(Weakness("STRICT_DYNAMIC", 400, Severity.STRICT_CSP, directive))
        if scripts.strict_dynamic and not trusted:
            into.append(Weakness("STRICT_DYNAMIC_NOT_STANDALONE", 401, Severity.INFO, directive))
        if trusted and "'unsafe-inline'" not in scripts.keywords:
            into.append(Weakness("UNSAFE_INLINE_FALLBACK", 403, Severity.STRICT_CSP, directive))
        if scripts.strict_dynamic and not hosts:
            into.append(Weakness("ALLOWLIST_FALLBACK", 404, Severity.STRICT_CSP, directive))
    if not policy.trusted_types:
        into.append(Weakness("REQUIRE_TRUSTED_TYPES_FOR_SCRIPTS", 500, Severity.INFO, "require-trusted-types-for"))


def _reporting(policy: Policy, into: list[Weakness]) -> None:
    if policy.directives.get("report-uri"):
        return
    if policy.directives.get("report-to"):
        into.append(Weakness("REPORT_TO_ONLY", 601, Severity.INFO, "report-to"))
    else:
        into.append(Weakness("REPORTING_DESTINATION_MISSING", 600, Severity.INFO, "report-uri"))


def worst(found: Sequence[Weakness]) -> Severity:
    """The worst severity, `NONE` where nothing was found."""
    return min((weakness.severity for weakness in found), default=Severity.NONE)
