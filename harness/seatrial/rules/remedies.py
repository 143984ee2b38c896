"""What to write instead of statements that repeat."""

from collections.abc import Sequence

from seatrial.model.evidence import Statement


def remedy(statements: Sequence[Statement]) -> str:
    """One or two sentences that fit the case; empty where nothing better than the rule's own is known."""
    relationship = next((s.relationship for s in statements if s.relationship), "")
    return f"Load {relationship} together with the query of the page." if relationship else ""
