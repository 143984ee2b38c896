"""A serialized policy, parsed as W3C CSP Level 3 §2.2.1 says and with the fallbacks of §6.8.3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.rules.csp.sources import Kind, Source, source

HEADER = "Content-Security-Policy"
REPORT_ONLY = "Content-Security-Policy-Report-Only"

FETCH = frozenset(
    {
        "child-src",
        "connect-src",
        "default-src",
        "fenced-frame-src",
        "font-src",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
        "prefetch-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
    }
)
BINDING = FETCH | {
    "base-uri",
    "block-all-mixed-content",
    "form-action",
    "frame-ancestors",
    "require-trusted-types-for",
    "sandbox",
    "trusted-types",
    "upgrade-insecure-requests",
    "webrtc",
}
"""Directives that bind the page. `report-uri` and `report-to` are left out: a policy of reports alone allows all."""
KNOWN = BINDING | {
    "disown-opener",
    "navigate-to",
    "plugin-types",
    "referrer",
    "reflected-xss",
    "report-to",
    "report-uri",
    "require-sri-for",
}
NOT_IN_META = frozenset({"frame-ancestors", "report-uri", "sandbox"})
"""Directives that browsers do not take from a meta tag (CSP §3.3)."""

_FALLBACKS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FETCH - {"default-src"}, ("default-src",)),
    "fenced-frame-src": ("frame-src", "child-src", "default-src"),
    "frame-src": ("child-src", "default-src"),
    "script-src-attr": ("script-src", "default-src"),
    "script-src-elem": ("script-src", "default-src"),
    "style-src-attr": ("style-src", "default-src"),
    "style-src-elem": ("style-src", "default-src"),
    "worker-src": ("child-src", "script-src", "default-src"),
}
_SPACE = re.compile(r"[\t\n\f\r ]+")
_NONE: tuple[str, ...] = ()
_known: dict[str, tuple[str, Values | None]] = {}
REMEMBERED, REMEMBERED_LENGTH = 2048, 500
"""Directives that are kept after they were read once: of an app's policy only the nonces change."""


class Values(list[str]):
    """The values of one directive as written, and what was found out about them: most directives come again."""

    __slots__ = ("listed", "weak")

    def __init__(self, values: Iterable[str] = ()) -> None:
        super().__init__(values)
        self.listed: SourceList | None = None
        self.weak: tuple[object, ...] | None = None
        """Belongs to `weaknesses`."""


@dataclass(slots=True)
class Policy:
    """One enforced policy."""

    directives: dict[str, Values]
    """Lower-case name to its values; of directives of one name the first counts."""
    duplicates: tuple[str, ...] = ()
    """Names that were said again, which browsers do not read."""
    unread: tuple[str, ...] = ()
    """Names that browsers do not read here: not ASCII, or not allowed in a meta tag."""

    @property
    def binds(self) -> bool:
        """At least one directive does something to the page."""
        return not BINDING.isdisjoint(self.directives)

    def governing(self, name: str) -> str | None:
        """The directive that decides on `name` after the fallbacks, or None where nothing does."""
        directives = self.directives
        if name in directives:
            return name
        return next((other for other in _FALLBACKS.get(name, _NONE) if other in directives), None)

    def sources(self, name: str) -> SourceList | None:
        """The source list that decides on `name`; None: anything goes."""
        governing: str | None = name
        values = self.directives.get(name)
        if values is None:
            governing = self.governing(name)
            if governing is None:
                return None
            values = self.directives[governing]
        listed = values.listed
        if listed is None:
            listed = values.listed = SourceList(governing or name, values)
        return listed

    @property
    def scriptless(self) -> bool:
        """The page runs in a sandbox without script."""
        allowed = self.directives.get("sandbox")
        return allowed is not None and not any(value.lower() == "allow-scripts" for value in allowed)

    @property
    def trusted_types(self) -> bool:
        """Strings reach eval() and its like only through a Trusted Types policy."""
        return any(value.lower() == "'script'" for value in self.directives.get("require-trusted-types-for", _NONE))


class SourceList:
    """A source list and what its keywords mean together."""

    __slots__ = ("broad", "directive", "hashed", "hosts", "inline", "keywords", "nonces", "sources", "strict_dynamic")

    def __init__(self, directive: str, values: Sequence[str]) -> None:
        self.directive = directive
        """The directive that it stands in, after the fallbacks."""
        self.sources: list[Source] = [source(value) for value in values]
        self.keywords: set[str] = set()
        self.nonces: list[str] = []
        self.hashed = False
        self.hosts: list[Source] = []
        """Schemes and hosts, whether they count or not."""
        self.broad: list[Source] = []
        """Those of them that let more through than hosts of one domain."""
        for found in self.sources:
            kind = found.kind
            if kind is Kind.KEYWORD:
                self.keywords.add(found.value)
            elif kind is Kind.NONCE:
                self.nonces.append(found.value)
            elif kind is Kind.HASH:
                self.hashed = True
            elif kind is not Kind.INVALID:
                self.hosts.append(found)
                if kind is Kind.SCHEME or found.value == "*":
                    self.broad.append(found)
        self.strict_dynamic = "'strict-dynamic'" in self.keywords
        self.inline = "'unsafe-inline'" in self.keywords and not (self.nonces or self.hashed or self.strict_dynamic)
        """Inline script runs: a nonce, a hash or 'strict-dynamic' cancels 'unsafe-inline' (CSP §6.7.3.2)."""

    @property
    def allowed(self) -> list[Source]:
        """Schemes and hosts that scripts may come from: none beside 'strict-dynamic'."""
        return [] if self.strict_dynamic else self.hosts


def parse(serialized: str) -> Policy:
    """One policy. Never raises: what a browser does not read is left out and named."""
    directives: dict[str, Values] = {}
    duplicates: list[str] = []
    unread: list[str] = []
    for token in serialized.split(";"):
        name, values = _known.get(token) or _directive(token)
        if not name:
            continue
        if values is None:
            unread.append(name)
        elif name in directives:
            duplicates.append(name)
        else:
            directives[name] = values
    return Policy(directives, tuple(duplicates), tuple(unread))


def _directive(token: str) -> tuple[str, Values | None]:
    """Name and values of one directive; no name where it is empty, no values where browsers do not read it."""
    # str.split() knows more white space than CSP does; only control characters tell the difference.
    plain = token.isascii() and token.isprintable()
    words = token.split() if plain else [word for word in _SPACE.split(token) if word]
    if not words:
        return "", None
    found = words[0].lower(), Values(words[1:]) if plain or token.isascii() else None
    if len(token) <= REMEMBERED_LENGTH and "'nonce-" not in token:
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[token] = found
    return found


def parse_header(value: str) -> list[Policy]:
    """The policies of one header value: a comma begins the next one; empty ones are none."""
    return [policy for serialized in value.split(",") if (policy := parse(serialized)).directives]


def in_meta(content: str) -> Policy:
    """The policy of a meta tag, where a comma is no separator and some directives are not read."""
    policy = parse(content)
    ignored = tuple(name for name in policy.directives if name in NOT_IN_META)
    for name in ignored:
        del policy.directives[name]
    policy.unread += ignored
    return policy
