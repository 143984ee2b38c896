"""HDR001 to HDR004: the Content-Security-Policy of a page, read as the browser reads it."""

import math
import re
from collections.abc import Sequence

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules import csp
from seatrial.rules.answers import RESPONSE, document, no_document, unfit
from seatrial.rules.csp import HEADER as CSP
from seatrial.rules.csp import REPORT_ONLY, Policy
from seatrial.rules.hdr.framed import frame_options
from seatrial.rules.hdr.told import SHOWN_VALUES, cut, enforced, quoted, seen
from seatrial.rules.registry import rule

NONCE_BITS = 128
"""CSP Level 3 §7.1: a nonce carries at least 128 random bits before it is encoded."""
_NO_POLICY = "the page carries no enforced policy to judge: see HDR001"
_WEAKNESSES = 30
_HOLES = 20

_DIRECTIVES = {
    "object-src": "plugins and embedded documents may come from everywhere",
    "base-uri": "an injected <base> sends every relative script address to another host",
    "form-action": "an injected form sends what visitors type to another host",
    "frame-ancestors": "only X-Frame-Options refuses frames, which knows neither partners nor nested frames",
}
_ALPHABETS = (
    (re.compile(r"[0-9]+"), math.log2(10)),
    (re.compile(r"[0-9a-f]+|[0-9A-F]+"), 4.0),
    (re.compile(r"[0-9a-fA-F-]+"), 4.0),
    (re.compile(r"[A-Za-z0-9+/_-]+"), 6.0),
)


@rule(
    code="HDR001",
    name="csp-missing",
    level=Level.BLOCK,
    claim="Every HTML response carries an enforced Content-Security-Policy.",
    control=RESPONSE,
    rationale="Without a policy one missed escape runs in the visitor's session; with one it is a line in the console.",
    source="OWASP ASVS 5.0 3.4.3; W3C CSP Level 3 §3.1; MDN Observatory csp-not-implemented",
    remedy="Set Content-Security-Policy in one after_request hook; start with default-src 'self'.",
)
def csp_missing(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := _no_page(rule, exchange, context)) is not None:
        return silent
    if enforced(exchange):
        return rule.passed(exchange.subject)
    sent = exchange.header_values(CSP)
    report_only = exchange.header_values(REPORT_ONLY)
    if sent:
        happened = f"the one sent binds nothing: {quoted(', '.join(sent))}"
    elif exchange.marks.get("csp-meta"):
        happened = f"the one in its meta tag binds nothing: {quoted(exchange.marks['csp-meta'])}"
    elif report_only:
        happened = "only Content-Security-Policy-Report-Only was sent, which reports and lets everything through"
    else:
        happened = "none was sent"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"An HTML page must carry an enforced Content-Security-Policy but {happened} (status {exchange.status})",
            remedy="Send the same policy as Content-Security-Policy once its reports are quiet." if report_only else "",
            evidence=seen(exchange, CSP, REPORT_ONLY),
        ),
    )


@rule(
    code="HDR002",
    name="csp-unsafe",
    level=Level.BLOCK,
    claim="The policy that browsers enforce keeps out inline script, eval and script of broad or bypassable sources.",
    control=RESPONSE,
    rationale="Most policies can be walked around, and one that lets injected script run protects from nothing.",
    source="OWASP ASVS 5.0 3.4.3; W3C CSP Level 3 §6.7, §8; csp-evaluator; MDN Observatory, unsafe-inline",
    remedy="Name scripts by a nonce per response ('nonce-…' 'strict-dynamic'), or list exact hosts with their paths.",
)
def csp_unsafe(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := _no_page(rule, exchange, context)) is not None:
        return silent
    policies = enforced(exchange)
    if not policies:
        return rule.skipped(exchange.subject, _NO_POLICY)
    holes = csp.script_holes(policies, exchange.scheme)
    if not holes:
        return rule.passed(exchange.subject)
    evidence = seen(exchange, CSP) | {
        "meta": [cut(content) for content in exchange.marks.get("csp-meta", "").splitlines()[:SHOWN_VALUES]],
        "weaknesses": _weaknesses(policies),
    }
    findings = []
    for hole in holes[:_HOLES]:
        by = f"{hole.directive} {hole.value}" if hole.value else f"no {hole.directive}"
        findings.append(
            rule.finding(
                exchange.subject,
                f"A policy must keep injected script out but {cut(by, 120)} lets {cut(hole.what, 120)} through",
                detail=cut(hole.kind, 80),
                evidence=evidence,
            )
        )
    return rule.failed(exchange.subject, *findings)


@rule(
    code="HDR003",
    name="csp-incomplete",
    level=Level.WARN,
    claim="The enforced policy restricts object-src, base-uri, form-action and frame-ancestors.",
    control=RESPONSE,
    rationale="A policy of default-src alone says nothing of forms, frames and the base address.",
    source="OWASP ASVS 5.0 3.4.3, 3.4.6; W3C CSP Level 3 §6.3, §6.4; csp-evaluator MISSING_DIRECTIVES; ZAP 10055",
    remedy="Add object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'.",
)
def csp_incomplete(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := _no_page(rule, exchange, context)) is not None:
        return silent
    policies = enforced(exchange)
    if not policies:
        return rule.skipped(exchange.subject, _NO_POLICY)
    findings = []
    for directive, what in _DIRECTIVES.items():
        if csp.restricted(policies, directive, exchange.scheme):
            continue
        if directive == "frame-ancestors" and not frame_options(exchange).refuses:
            continue  # nothing refuses frames at all: that is HDR008's to say
        written = next((p.directives[directive] for p in policies if directive in p.directives), None)
        happened = "it does not say it" if written is None else f"{quoted(' '.join(written))} lets every host in"
        findings.append(
            rule.finding(
                exchange.subject,
                f"A policy must restrict {directive} but {happened}: {what}",
                detail=directive,
                evidence=seen(exchange, CSP),
            )
        )
    return rule.failed(exchange.subject, *findings) if findings else rule.passed(exchange.subject)


@rule(
    code="HDR004",
    name="csp-nonce-reused",
    level=Level.BLOCK,
    claim="Every response has a nonce of its own with at least 128 random bits.",
    control="two responses of the page carried a nonce",
    rationale="Whoever has seen or can guess the nonce writes it on injected script, and the policy lets it run.",
    source="W3C CSP Level 3 §7.1; OWASP ASVS 5.0 3.4.3; csp-evaluator NONCE_LENGTH",
    remedy="Make it per response: secrets.token_urlsafe(16) in a before_request hook, and keep the page out of caches.",
)
def csp_nonce_reused(rule: Rule, exchanges: Sequence[Exchange], context: Context) -> Judgement:
    """Evidence: one or two answers to the same request; one is enough to see that there is no nonce."""
    first = exchanges[0]
    for exchange in exchanges:
        if (silent := unfit(rule, exchange, context)) is not None:
            return silent
    nonces = [_nonces(exchange) for exchange in exchanges if document(exchange)]
    if not any(nonces):
        return rule.skipped(first.subject, "its policy uses no nonce" if nonces else no_document(first))
    weak = _weak_nonces(rule, first, nonces)
    if weak:
        return rule.failed(first.subject, *weak)
    if len([found for found in nonces if found]) < 2:
        answers = " and ".join(str(exchange.status) for exchange in exchanges)
        return rule.not_proved(
            first.subject,
            f"only one response carried a nonce (answered {answers}), so there is none to compare it with: "
            f"request the page twice by hand, or seed what keeps it as it is (`seed`)",
        )
    return rule.passed(first.subject)


def _weak_nonces(rule: Rule, exchange: Exchange, nonces: Sequence[set[str]]) -> list[Finding]:
    """The nonces themselves are shown nowhere: of one that is reused the report would give it away."""
    evidence: dict[str, object] = {
        "request": f"{exchange.route.method} {exchange.route.rule}",
        "responses": len(nonces),
        "bits": [min(math.floor(bits(nonce)) for nonce in found) for found in nonces if found],
    }
    found = []
    fewest = min(bits(nonce) for response in nonces for nonce in response)
    if fewest < NONCE_BITS:
        happened = f"has room for {math.floor(fewest)}"
        message = f"A nonce must carry {NONCE_BITS} random bits or more but the one sent {happened}"
        found.append(rule.finding(exchange.subject, message, detail="short", evidence=evidence))
    if len(nonces) > 1 and (common := set.intersection(*nonces)):
        message = f"A nonce must differ per response but {len(nonces)} responses carried the same"
        shown = evidence | {"repeated": len(common)}
        found.append(rule.finding(exchange.subject, message, detail="reused", evidence=shown))
    elif len(nonces) > 1 and all(nonces) and fewest >= NONCE_BITS:
        fresh = max(bits(_different(one, other)) for one in nonces[0] for other in nonces[1])
        if fresh < NONCE_BITS / 2:
            message = f"A nonce must be random as a whole but two responses differ in {math.floor(fresh)} bits only"
            found.append(rule.finding(exchange.subject, message, detail="predictable", evidence=evidence))
    return found


def bits(nonce: str) -> float:
    """Bits that a nonce of this length and alphabet can carry at most."""
    text = nonce.rstrip("=")
    return next((len(text) * each for alphabet, each in _ALPHABETS if alphabet.fullmatch(text)), 0.0)


def _different(one: str, other: str) -> str:
    """What is left of a nonce without the beginning and the end that it shares with the other."""
    start = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[start:], other[start:]
    end = next((n for n, (a, b) in enumerate(zip(one[::-1], other[::-1], strict=False)) if a != b), 0)
    return one[: len(one) - end]


def _nonces(exchange: Exchange) -> set[str]:
    """Of every directive that decides on script or style."""
    return {
        nonce
        for policy in enforced(exchange)
        for directive in ("script-src", "script-src-elem", "style-src", "style-src-elem")
        if (listed := policy.sources(directive)) is not None
        for nonce in listed.nonces
    }


def _weaknesses(policies: Sequence[Policy]) -> list[dict[str, str]]:
    """csp-evaluator's findings, worst first."""
    found = sorted((w for policy in policies for w in csp.weaknesses(policy)), key=lambda weakness: weakness.severity)
    return [
        {"type": w.type, "severity": w.severity.name, "directive": cut(w.directive, 80), "value": cut(w.value, 80)}
        for w in found[:_WEAKNESSES]
        if w.severity < csp.Severity.NONE
    ]


def _no_page(rule: Rule, exchange: Exchange, context: Context) -> Judgement | None:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    return None if document(exchange) else rule.skipped(exchange.subject, no_document(exchange))
