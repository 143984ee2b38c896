"""HDR: security headers of a response.

Any response is evidence, an error page as much as the page itself; only an exchange without a response proves nothing.
Policy and framing bind what a browser shows, so they are judged on HTML that is shown: by content type, and not on a
redirect that is followed or a status without a body. The other headers are judged on every response.
"""

from seatrial.rules.hdr.grade import observatory_grade
from seatrial.rules.hdr.plain import framing, hsts, nosniff, permissions_policy, referrer_policy
from seatrial.rules.hdr.policy import csp_incomplete, csp_missing, csp_nonce_reused, csp_unsafe
from seatrial.rules.hdr.shared import cors_reflects_origin, private_cacheable
from seatrial.rules.hdr.spread import header_lost
from seatrial.rules.hdr.upgrade import https_redirect

OF_A_RESPONSE = (
    csp_missing,
    csp_unsafe,
    csp_incomplete,
    referrer_policy,
    hsts,
    nosniff,
    framing,
    permissions_policy,
    private_cacheable,
    observatory_grade,
)
"""The rules that judge one response. The others need several (HDR004, HDR010, HDR011), or the address (HDR013)."""

__all__ = [
    "OF_A_RESPONSE",
    "cors_reflects_origin",
    "csp_incomplete",
    "csp_missing",
    "csp_nonce_reused",
    "csp_unsafe",
    "framing",
    "header_lost",
    "hsts",
    "https_redirect",
    "nosniff",
    "observatory_grade",
    "permissions_policy",
    "private_cacheable",
    "referrer_policy",
]
