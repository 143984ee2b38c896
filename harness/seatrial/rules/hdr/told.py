"""What the header rules show of a response, and the policies that it carries."""

import re

from seatrial.model.evidence import Exchange
from seatrial.rules import csp
from seatrial.rules.csp import HEADER as CSP
from seatrial.rules.csp import Policy

SHOWN_VALUE = 2000
"""Characters of a header that the evidence keeps; a report should not grow to the size of an attack."""
SHOWN_VALUES = 10
_NONCE = re.compile(r"'nonce-[^']*'", re.IGNORECASE)


def enforced(exchange: Exchange) -> list[Policy]:
    """The policies that a browser enforces on the page: of every header, and of its meta tags."""
    found = [policy for value in exchange.header_values(CSP) for policy in csp.parse_header(value)]
    found += [csp.in_meta(content) for content in exchange.marks.get("csp-meta", "").splitlines()]
    return [policy for policy in found if policy.binds]


def seen(exchange: Exchange, *names: str) -> dict[str, object]:
    """The answer that was judged and the headers in question; none of them carries a secret."""
    return {
        "request": f"{exchange.route.method} {exchange.route.rule}",
        "scheme": exchange.scheme,
        "status": exchange.status,
        "content_type": exchange.content_type,
        "headers": {name: [cut(value) for value in exchange.header_values(name)[:SHOWN_VALUES]] for name in names},
    }


def cut(value: str, length: int = SHOWN_VALUE) -> str:
    """Not longer than that, and without nonces: one that is reused would be given away."""
    value = _NONCE.sub("'nonce-…'", value)
    return value if len(value) <= length else value[: length - 1] + "…"


def quoted(value: str) -> str:
    return f"'{cut(' '.join(value.split()), 80)}'"
