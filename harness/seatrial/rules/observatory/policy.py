"""The Observatory's test of the Content-Security-Policy, which is not how a browser reads it.

Everything is compared in lower case, a repeated directive makes the policy invalid, and several policies are
intersected source by source. That is kept as it is: the score must be the one that the site gives.
"""

from collections.abc import Iterable

from seatrial.model.evidence import Exchange
from seatrial.rules.csp.policy import HEADER, NOT_IN_META, REPORT_ONLY

Sources = dict[str, set[str]]

SHORTEST = 6
"""Characters of the shortest policy that is taken."""
_BROAD = frozenset({"ftp:", "http:", "https:", "*", "http://*", "http://*.*", "https://*", "https://*.*"})
_UNSAFE = _BROAD | {"'unsafe-inline'", "data:"}
_TRUSTED = ("'sha256-", "'sha384-", "'sha512-", "'nonce-")
_INSECURE = ("http:", "ftp:")
_PASSIVE = ("img-src", "media-src")
_REPORTING = frozenset({"report-uri", "report-to"})


class Invalid(Exception):
    """The Observatory takes no such policy."""


def judge(exchange: Exchange) -> tuple[str, int]:
    """Result and modifier."""
    sent, meta = _said(exchange)
    try:
        found, repeated = _parse([*sent, *meta])
    except Invalid:
        return "csp-header-invalid", -25
    if not _taken(sent, meta):
        if exchange.header(REPORT_ONLY):
            return "csp-not-implemented-but-reporting-enabled", -25
        return "csp-not-implemented", -25
    result, modifier = _decide(found, exchange.scheme)
    if repeated and (modifier >= 0 or result.endswith("in-passive-content-only")):
        # Only reports may be repeated, and that takes the bonus away, or the deduction.
        return "csp-implemented-but-duplicate-directives", 0
    return result, modifier


def names_frame_ancestors(exchange: Exchange) -> bool:
    """`frame-ancestors` is said by a policy that was taken; the Observatory asks no more for X-Frame-Options then."""
    sent, meta = _said(exchange)
    return _taken(sent, meta) and "frame-ancestors" in _parsed([*sent, *meta])


def _said(exchange: Exchange) -> tuple[list[str], list[str]]:
    """The policies of the headers and of the meta tags."""
    sent, meta = exchange.header_values(HEADER), exchange.marks.get("csp-meta", "").splitlines()
    return [p.strip() for v in sent for p in v.split(",")], [p.strip() for v in meta for p in v.split(",")]


def _taken(sent: list[str], meta: list[str]) -> bool:
    return bool(_parsed(sent) or _parsed(meta).keys() - NOT_IN_META)


def _decide(found: Sources, scheme: str) -> tuple[str, int]:
    # Directives that fall back share one set with default-src, and what is taken out of it is out for all of them.
    default = found.get("default-src")
    scripts, styles, objects = (_or_default(found, f"{name}-src", default) for name in ("script", "style", "object"))
    for listed in (scripts, styles):
        if _trusted(listed):
            listed.discard("'unsafe-inline'")
    if "'strict-dynamic'" in scripts:
        if not _trusted(scripts):
            return "csp-header-invalid", -25
        scripts -= {s for s in scripts if s.startswith(tuple(_BROAD)) or s in ("'self'", "'unsafe-inline'")}
    active = {s for name, listed in found.items() if name not in (*_PASSIVE, "script-src") for s in listed} | scripts
    passive = {source for name in _PASSIVE for source in found.get(name, found.get("default-src", ()))}
    if scripts & _UNSAFE or objects & _BROAD:
        return "csp-implemented-with-unsafe-inline", -20
    if scheme == "https" and any(source.startswith(_INSECURE) for source in active):
        return "csp-implemented-with-insecure-scheme", -20
    if "'unsafe-eval'" in scripts | styles:
        return "csp-implemented-with-unsafe-eval", -10
    if scheme == "https" and any(source.startswith(_INSECURE) for source in passive):
        return "csp-implemented-with-insecure-scheme-in-passive-content-only", -10
    if styles & _UNSAFE:
        return "csp-implemented-with-unsafe-inline-in-style-src-only", 0
    if found.get("default-src") == {"'none'"}:
        return "csp-implemented-with-no-unsafe-default-src-none", 10
    return "csp-implemented-with-no-unsafe", 5


def _or_default(found: Sources, name: str, default: set[str] | None) -> set[str]:
    if name in found:
        return found[name]
    return {"*"} if default is None else default


def _trusted(sources: Iterable[str]) -> bool:
    return any(source.startswith(_TRUSTED) for source in sources)


def _parsed(policies: list[str]) -> Sources:
    """The same, empty where the policy is not taken."""
    try:
        return _parse(policies)[0]
    except Invalid:
        return {}


def _parse(policies: list[str]) -> tuple[Sources, bool]:
    """Sources by directive over all policies, and whether a report was said twice.

    Raises:
        Invalid: A policy is too short, or repeats a directive.
    """
    found: dict[str, list[tuple[str, int, bool]]] = {}
    repeated = False
    for number, policy in enumerate(policies):
        text = policy.replace("\r", "").replace("\n", "").strip()
        if len(text) < SHORTEST:
            raise Invalid
        said: set[str] = set()
        for entry in text.split(";"):
            words = entry.split()
            if not words:
                continue
            name = words[0].lower()
            if name in said and name not in _REPORTING:
                raise Invalid
            repeated = repeated or name in said
            said.add(name)
            values = [word.lower() for word in words[1:]] or (["'none'"] if name.endswith("-src") else [])
            before = [] if number == 0 else found.get(name, [])
            found[name] = _both(before + [(value, number, number == 0) for value in values])
            if number == 0 and len(policies) > 1:
                found[name] = [(value, of, False) for value, of, _ in found[name]]
    return {name: {value for value, _, _ in listed} or {"'none'"} for name, listed in found.items()}, repeated


def _both(sources: list[tuple[str, int, bool]]) -> list[tuple[str, int, bool]]:
    """Of one policy all but what a shorter source covers; of several what stands in more than one."""
    ordered = sorted(sources, key=lambda source: source[0])
    kept = [keep for _, _, keep in ordered]
    for at in range(1, len(ordered)):
        (earlier, of_earlier, _), (later, of_later, _) = ordered[at - 1], ordered[at]
        if of_earlier == of_later and later.startswith(earlier):
            kept[at] = False
        elif of_earlier != of_later and _covers(earlier, later):
            kept[at] = True
    return [(value, of, True) for (value, of, _), keep in zip(ordered, kept, strict=True) if keep]


def _covers(one: str, other: str) -> bool:
    if not one or (one == "/" and not other):
        return True
    return other.startswith(one) if one.endswith("/") else one == other
