"""Content-Security-Policy as a browser reads it: parsing, what a set of policies lets through, and weaknesses.

Pure functions over header values, without a dependency. Whatever a header holds, nothing here raises.
"""

from seatrial.rules.csp.effective import Hole, restricted, script_holes
from seatrial.rules.csp.policy import HEADER, REPORT_ONLY, Policy, in_meta, parse, parse_header
from seatrial.rules.csp.weaknesses import Severity, Weakness, weaknesses

__all__ = [
    "HEADER",
    "REPORT_ONLY",
    "Hole",
    "Policy",
    "Severity",
    "Weakness",
    "in_meta",
    "parse",
    "parse_header",
    "restricted",
    "script_holes",
    "weaknesses",
]
