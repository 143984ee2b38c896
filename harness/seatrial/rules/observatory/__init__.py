"""The score and grade of the MDN HTTP Observatory (algorithm 6), computed from one response without asking anybody.

Read from mdn/mdn-http-observatory 1.6.3. What needs more than the response is left at 0 and named in `NOT_JUDGED`: the
redirection from http, certificates, the preload list.
"""

from typing import NamedTuple

from seatrial.model.evidence import Exchange
from seatrial.rules.observatory import content, headers, policy

EXTRA_CREDIT = 90
"""Bonus points count from this score on."""
NOT_JUDGED = ("redirection", "certificates", "preload list")

_GRADES = (
    (100, "A+"),
    (90, "A"),
    (85, "A-"),
    (80, "B+"),
    (70, "B"),
    (65, "B-"),
    (60, "C+"),
    (50, "C"),
    (45, "C-"),
    (40, "D+"),
    (30, "D"),
    (25, "D-"),
)


class Result(NamedTuple):
    """One test of the Observatory."""

    test: str
    result: str
    modifier: int


class Grade(NamedTuple):
    """What the Observatory would say of the response."""

    score: int
    grade: str
    results: tuple[Result, ...]


def scored(status: int) -> bool:
    """The Observatory grades answers of these statuses, and no others."""
    return 200 <= status < 400 or status in (401, 403)


def grade(exchange: Exchange) -> Grade:
    """Never raises, whatever the headers hold."""
    results = (
        Result("content-security-policy", *policy.judge(exchange)),
        Result("cookies", *content.cookies(exchange)),
        Result("cross-origin-resource-sharing", *headers.sharing(exchange)),
        Result("referrer-policy", *headers.referrer_policy(exchange)),
        Result("strict-transport-security", *headers.transport_security(exchange)),
        Result("subresource-integrity", *content.integrity(exchange)),
        Result("x-content-type-options", *headers.content_type_options(exchange)),
        Result("x-frame-options", *headers.frame_options(exchange)),
        Result("cross-origin-resource-policy", *headers.resource_policy(exchange)),
        Result("cross-origin-embedder-policy", *headers.embedder_policy(exchange)),
        Result("cross-origin-opener-policy", *headers.opener_policy(exchange)),
    )
    score = total([result.modifier for result in results])
    return Grade(score, letter(score), results)


def total(modifiers: list[int]) -> int:
    """The score: bonus points count only where the deductions alone leave an A."""
    uncurved = 100 + sum(modifier for modifier in modifiers if modifier < 0)
    return max(100 + sum(modifiers) if uncurved >= EXTRA_CREDIT else uncurved, 0)


def letter(score: int) -> str:
    return next((grade for least, grade in _GRADES if score >= least), "F")
