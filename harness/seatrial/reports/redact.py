"""The last line of defence: obvious secrets never leave in a report.

Evidence carries no parameters, cookies or tokens by contract. This catches what slips through in a message, in the path
of a malformed request or in the output of a tool. It knows shapes, not meanings: it is no licence to pass secrets on.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MASK = "[redacted]"
_SHORT = 500

# One expression, so that a text is walked once. A named group `keep_…` stays in the text before the mask. Every branch
# starts with a literal and has bounded or disjoint repeats: nothing here can backtrack over a long line.
_SECRET = re.compile(
    r"""
      \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{4,}                         # Stripe keys
    | \bwhsec_[A-Za-z0-9+/=_-]{4,}                                         # webhook signing secrets
    | \beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?       # JSON web tokens
    | \b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}) # GitHub, GitLab
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                                        # AWS key ids
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}                                     # Slack
    | \bAIza[\w-]{30,}                                                     # Google
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----(?:[^-]*-----END\ [A-Z ]*PRIVATE\ KEY-----)?
    | (?P<keep_scheme>\b(?:Bearer|Basic)(?:\ |%20)+)                       # Authorization: a digit, or long
      (?:(?=[^\s"'<>,;]*\d)[\w.~+/=-]{6,}|[\w.~+/=-]{16,})
    | (?P<keep_url>://[^\s:/@?\#]*:)                                       # scheme://user:password@host
      (?!\d{1,5}(?:[/?\#\s]|$)) [^\s"'<>]{1,300}(?=@[\w\[])
    | (?P<keep_name>(?:[?&;\s"']|^)(?:access_token|refresh_token|client_secret|api_?key|password|passwd|secret)=)
      [^\s&;"'<>]+                                                         # query strings and cookies
    | (?P<keep_token>(?:[?&;\s"']|^)(?:session|sessionid|remember_token|csrf_token|id_token|token|sig|signature)=)
      (?:(?=[^\s&;"'<>]*\d)[^\s&;"'<>]{6,}|[^\s&;"'<>]{16,})               # … where `token=missing` is no secret
    | (?P<keep_header>\b(?<!Set-)(?:Cookie|Authorization|Stripe-Signature):\ *+)(?!\[redacted\])[^\r\n"]+
    | (?P<keep_cookie>\bSet-Cookie:\ *+[^=;\s]+=)(?!\[redacted\])[^;\s"…]+   # its attributes are worth reading
    """,
    re.VERBOSE | re.IGNORECASE,
)


# One of these is in every match, in lower case: a text without them needs no second look. ASCII only, because
# IGNORECASE takes letters of other alphabets for these (a dotless i for an i).
_SIGNS = (
    *("_live_", "_test_", "whsec_", "eyj", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "akia"),
    *("asia", "xox", "aiza", "-----begin ", "bearer", "basic", "://", "token=", "secret=", "key=", "password="),
    *("passwd=", "session=", "sessionid=", "sig=", "signature=", "cookie:", "authorization:", "stripe-signature:"),
)


def scrub(text: str) -> str:
    """The text with what looks like a secret replaced by `[redacted]`; names, schemes and hosts stay readable."""
    return _scrubbed(text) if len(text) <= _SHORT else _searched(text)


def _searched(text: str) -> str:
    if text.isascii():
        lower = text.lower()
        for sign in _SIGNS:  # a generator for `any` takes twice as long
            if sign in lower:
                break
        else:
            return text
    return _SECRET.sub(_mask, text)


@lru_cache(maxsize=65_536)
def _scrubbed(text: str) -> str:
    """Reports of one run, in several formats, say the same sentences many times."""
    return _searched(text)


def scrub_value(value: Any) -> Any:
    """The same for JSON-like values, at any depth. The result is plain JSON data, whatever came in.

    Mappings keep their order, sets become sorted lists, numbers that JSON does not know (NaN, infinity) become null,
    anything else its `str`.
    """
    kind = type(value)
    # Nearly all of a report, and several times as fast as the patterns below.
    if kind is str:
        return scrub(value)
    if kind is dict:
        return {scrub(str(key)): scrub_value(item) for key, item in value.items()}
    match value:
        case str():
            return scrub(str(value))
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {scrub(str(key)): scrub_value(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((scrub_value(item) for item in value), key=repr)
        case list() | tuple():
            return [scrub_value(item) for item in value]
        case bytes() | bytearray() | memoryview():
            # The body of something: no report has a use for it.
            return f"{len(value)} bytes"
        case _:
            return scrub(str(value))


def _mask(match: re.Match[str]) -> str:
    kept = next((text for name, text in match.groupdict().items() if text is not None), "")
    return kept + MASK
