"""Indexes under trial: what the app really asks, on tables as large as in production, without and with each index."""

from seatrial.trials.indexes.advisor import advise
from seatrial.trials.indexes.trial import prove

__all__ = ["advise", "prove"]
